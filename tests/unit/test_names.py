"""A domain as people type it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content import LANGUAGES, has
from bot.content.refusals import refusal
from bot.dns.idn import TableRules
from bot.domain.names import BadName, NameReason, canonical, visible

RULES = TableRules()


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("example.co.jp", "example.co.jp"),
        (" Example.CO.jp ", "example.co.jp"),
        ("example.co.jp.", "example.co.jp"),
        ("ＥＸＡＭＰＬＥ．ＣＯ．ＪＰ", "example.co.jp"),
        ("ｅｘａｍｐｌｅ。co。jp。", "example.co.jp"),
        ("example｡co｡jp", "example.co.jp"),
        ("example.co.jp、", "example.co.jp"),
        ("「example.co.jp」", "example.co.jp"),
        ('"example.co.jp"', "example.co.jp"),
        ("“example.co.jp”", "example.co.jp"),
        ("`example.co.jp`", "example.co.jp"),
        ("*example.co.jp*", "example.co.jp"),
        ("_example.co.jp_", "example.co.jp"),
        ("<example.co.jp>", "example.co.jp"),
        ("<http://example.co.jp|example.co.jp>", "example.co.jp"),
        ("`<http://example.co.jp|example.co.jp>`", "example.co.jp"),
        ("<http://xn--wgv71a119e.jp|日本語.jp>", "xn--wgv71a119e.jp"),
        ("日本語.jp", "xn--wgv71a119e.jp"),
        ("xn--wgv71a119e.jp", "xn--wgv71a119e.jp"),
        ("XN--WGV71A119E.JP", "xn--wgv71a119e.jp"),
        ("ﾆﾎﾝ.jp", "xn--idk6a7d.jp"),
        ("faß.de", "xn--fa-hia.de"),
        ("ex−ample.jp", "ex-ample.jp"),
        ("ex－ample.jp", "ex-ample.jp"),
        ("r3---sn.example.jp", "r3---sn.example.jp"),
        ("city.kawasaki.jp", "city.kawasaki.jp"),
        ("github.io", "github.io"),
        ("shop.example.test", "shop.example.test"),
        ("3com.jp", "3com.jp"),
        (".".join(["a" * 61] * 4) + ".co.jp", ".".join(["a" * 61] * 4) + ".co.jp"),
    ],
)
def test_accepted(typed: str, name: str) -> None:
    assert canonical(typed, RULES).ascii == name


def test_both_forms_are_kept() -> None:
    name = canonical("日本語.jp", RULES)
    assert (name.unicode, name.ascii, name.is_idn) == ("日本語.jp", "xn--wgv71a119e.jp", True)
    assert str(name) == "日本語.jp (xn--wgv71a119e.jp)"
    assert str(canonical("example.jp", RULES)) == "example.jp"


@pytest.mark.parametrize(
    ("typed", "reason", "suggestion"),
    [
        ("", NameReason.EMPTY, ""),
        ("　 \n", NameReason.EMPTY, ""),
        ("「」", NameReason.EMPTY, ""),
        (".", NameReason.EMPTY, ""),
        ("https://www.example.co.jp/x?y", NameReason.URL, "example.co.jp"),
        ("http://example.co.jp", NameReason.URL, "example.co.jp"),
        ("<http://example.co.jp>", NameReason.URL, "example.co.jp"),
        ("<https://example.co.jp/a|example.co.jp/a>", NameReason.URL, "example.co.jp"),
        ("example.co.jp/", NameReason.URL, "example.co.jp"),
        ("a@example.co.jp", NameReason.MAIL_ADDRESS, "example.co.jp"),
        ("a＠example.co.jp", NameReason.MAIL_ADDRESS, "example.co.jp"),
        ("mailto:a@example.jp", NameReason.MAIL_ADDRESS, "example.jp"),
        ("<mailto:a@example.co.jp|a@example.co.jp>", NameReason.MAIL_ADDRESS, "example.co.jp"),
        ("<@U123>", NameReason.MENTION, ""),
        ("example.co.jp:25", NameReason.PORT, "example.co.jp"),
        ("example. co. jp", NameReason.SPACE, "example.co.jp"),
        ("example.co .jp", NameReason.SPACE, "example.co.jp"),
        ("example.co.jp をお願いします", NameReason.SPACE, "example.co.jp"),
        ("please move example.co.jp", NameReason.SPACE, "example.co.jp"),
        ("ドメインはexample.co.jpです", NameReason.UNKNOWN_TLD, "example.co.jp"),
        ("*.example.jp", NameReason.WILDCARD, "example.jp"),
        ("_dmarc.example.jp", NameReason.UNDERSCORE, "example.jp"),
        ("192.0.2.1", NameReason.IP_ADDRESS, ""),
        ("１９２．０．２．１", NameReason.IP_ADDRESS, ""),
        ("[2001:db8::1]", NameReason.IP_ADDRESS, ""),
        ("::1", NameReason.IP_ADDRESS, ""),
        ("a..jp", NameReason.EMPTY_LABEL, "a.jp"),
        (".example.jp", NameReason.EMPTY_LABEL, "example.jp"),
        ("jp", NameReason.SINGLE_LABEL, ""),
        ("localhost", NameReason.SINGLE_LABEL, ""),
        ("1.2.3", NameReason.NUMERIC_TLD, ""),
        ("-a.jp", NameReason.HYPHEN, ""),
        ("a-.jp", NameReason.HYPHEN, ""),
        ("aーb.jp", NameReason.LONG_VOWEL, "a-b.jp"),
        ("example,co.jp", NameReason.CHARACTER, "example.co.jp"),
        ("※example.jp", NameReason.CHARACTER, "example.jp"),
        ("💩.la", NameReason.CHARACTER, ""),
        ("xn--zzzz.jp", NameReason.CHARACTER, ""),
        ("a" * 64 + ".jp", NameReason.LABEL_TOO_LONG, ""),
        ("あ" * 60 + ".jp", NameReason.LABEL_TOO_LONG, ""),
        (".".join(["a" * 62] * 4) + ".jp", NameReason.TOO_LONG, ""),
        ("a" * 5000, NameReason.TOO_LONG, ""),
        ("co.jp", NameReason.PUBLIC_SUFFIX, ""),
        ("東京.jp", NameReason.PUBLIC_SUFFIX, ""),
        ("foo.kawasaki.jp", NameReason.PUBLIC_SUFFIX, ""),
        ("exa\u200bmple.jp", NameReason.INVISIBLE, "example.jp"),
        ("\ufeffexample.jp", NameReason.INVISIBLE, "example.jp"),
        ("\u202eexample.jp", NameReason.INVISIBLE, "example.jp"),
        ("exa\x00mple.jp", NameReason.INVISIBLE, "example.jp"),
        ("exa\xadmple.jp", NameReason.INVISIBLE, "example.jp"),
    ],
)
def test_refused_with_what_was_meant(typed: str, reason: NameReason, suggestion: str) -> None:
    with pytest.raises(BadName) as caught:
        canonical(typed, RULES)
    assert (caught.value.reason, caught.value.suggestion) == (reason, suggestion)


def test_a_refusal_reads_well_and_hides_nothing() -> None:
    with pytest.raises(BadName) as caught:
        canonical("exa\u202emple.jp", RULES)
    for lang in LANGUAGES:
        text = refusal("name", caught.value.reason, caught.value.args_for_text, lang)
        assert "\u202e" not in text
        assert "[U+202E]" in text
        assert text.splitlines()[1].count("example.jp") == 1


def test_every_reason_has_its_text() -> None:
    args = {"text": "t", "part": "p", "suggestion": "s"}
    for reason in NameReason:
        assert has(f"name.bad.{reason}")
        for lang in LANGUAGES:
            assert refusal("name", reason, args, lang)


_LABEL_LIKE = st.text(st.sampled_from("aZ0-_ー。．.:/@<>|*「」 \u200béßあ語１xn"), max_size=40)


@given(st.one_of(st.text(max_size=80), _LABEL_LIKE, st.from_regex(r"xn--[a-z0-9-]{0,20}\.[a-z]{2,6}")))
def test_nothing_but_bad_name_is_raised_and_a_name_is_its_own_canonical_form(text: str) -> None:
    try:
        name = canonical(text, RULES)
    except BadName as bad:
        assert all(c.isprintable() for c in bad.args_for_text["text"])
        if bad.suggestion:
            assert canonical(bad.suggestion, RULES).unicode == bad.suggestion
        return
    assert canonical(name.ascii, RULES) == name
    assert canonical(name.unicode, RULES) == name
    assert name.ascii.isascii()
    assert len(name.ascii) <= 253
    assert all(0 < len(label) <= 63 for label in name.ascii.split("."))


@given(st.text())
def test_what_is_shown_is_visible_and_short(text: str) -> None:
    shown = visible(text)
    assert len(shown) <= 80
    assert shown.isprintable()
