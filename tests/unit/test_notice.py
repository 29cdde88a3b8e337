"""The new MX as people copy it from the opening notice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content import LANGUAGES, has
from bot.content.refusals import refusal
from bot.dns.idn import TableRules
from bot.domain.notice import BadNotice, NoticeReason, parse_mx

RULES = TableRules()
ONE = ["10 mgf.cybermail.jp."]
TWO = ["10 mgf.cybermail.jp.", "20 mgp.cybermail.jp."]


@pytest.mark.parametrize(
    ("typed", "records"),
    [
        ("10 mgf.cybermail.jp", ONE),
        ("10 MGF.cybermail.jp.", ONE),
        ("１０　ｍｇｆ．ｃｙｂｅｒｍａｉｌ．ｊｐ．", ONE),
        ("10　mgf.cybermail.jp。", ONE),
        ("mgf.cybermail.jp 10", ONE),
        ("mgf.cybermail.jp（優先度10）", ONE),
        ("mgf.cybermail.jp (10)", ONE),
        ("MX 10 mgf.cybermail.jp.", ONE),
        ("優先度: 10 ホスト名: mgf.cybermail.jp", ONE),
        ("preference 10 host mgf.cybermail.jp", ONE),
        ("@ IN MX 10 mgf.cybermail.jp.", ONE),
        ("example.co.jp. 300 IN MX 10 mgf.cybermail.jp.", ONE),
        ("example.co.jp. 5m IN MX 10 mgf.cybermail.jp.", ONE),
        ("`example.co.jp.  300  IN  MX  10  mgf.cybermail.jp.`", ONE),
        ("MX preference = 10, mail exchanger = mgf.cybermail.jp", ONE),
        ("10 <http://mgf.cybermail.jp|mgf.cybermail.jp>", ONE),
        ("10 mgf.cybermail.jp\n10 mgf.cybermail.jp.", ONE),
        ("10 mgf.cybermail.jp\n20 mgp.cybermail.jp", TWO),
        ("10 mgf.cybermail.jp, 20 mgp.cybermail.jp", TWO),
        ("10 mgf.cybermail.jp、20 mgp.cybermail.jp", TWO),
        ("10 mgf.cybermail.jp 20 mgp.cybermail.jp", TWO),
        ("・10 mgf.cybermail.jp\n・20 mgp.cybermail.jp", TWO),
        ("0 mail.host.jp", ["0 mail.host.jp."]),
        ("5 exchange.value.example", ["5 exchange.value.example."]),
    ],
)
def test_accepted(typed: str, records: list[str]) -> None:
    assert sorted(map(str, parse_mx(typed, RULES, "example.co.jp"))) == records


@pytest.mark.parametrize(
    ("typed", "reason", "suggestion"),
    [
        ("", NoticeReason.EMPTY, ""),
        ("mgf.cybermail.jp", NoticeReason.NO_PREFERENCE, "10 mgf.cybermail.jp"),
        ("10mgf.cybermail.jp", NoticeReason.NO_PREFERENCE, "10 mgf.cybermail.jp"),
        ("10", NoticeReason.NO_HOST, ""),
        ("IN MX", NoticeReason.NO_HOST, ""),
        ("70000 mgf.cybermail.jp", NoticeReason.PREFERENCE, ""),
        ("-1 mgf.cybermail.jp", NoticeReason.PREFERENCE, ""),
        ("1.5 mgf.cybermail.jp", NoticeReason.PREFERENCE, ""),
        ("10 mgf", NoticeReason.HOST, ""),
        ("10 192.0.2.1", NoticeReason.HOST, ""),
        ("10 https://mgf.cybermail.jp/", NoticeReason.HOST, "10 mgf.cybermail.jp"),
        ("通知書にはmgfと書いてある", NoticeReason.HOST, ""),
        ("10 mgf.cybermail.jp です", NoticeReason.HOST, ""),
        ("10 mg.cybermail.jp", NoticeReason.NOT_IN_NOTICE, ""),
        ("10 MG.CYBERMAIL.JP.", NoticeReason.NOT_IN_NOTICE, ""),
        ("other.jp. 300 IN MX 10 mgf.cybermail.jp.", NoticeReason.OTHER_OWNER, ""),
        ("10 mgf.cybermail.jp.example.co.jp", NoticeReason.MISSING_DOT, "10 mgf.cybermail.jp"),
        ("10 mgf.cybermail", NoticeReason.MISTYPED, "10 mgf.cybermail.jp"),
        ("20 mgp.cybermail.jpp", NoticeReason.MISTYPED, "20 mgp.cybermail.jp"),
        ("10 mgf.cybermial.jp.", NoticeReason.MISTYPED, "10 mgf.cybermail.jp"),
        ("mgf.cybrmail.jp", NoticeReason.MISTYPED, "10 mgf.cybermail.jp"),
        ("0 .", NoticeReason.NULL_MX, ""),
        ("10 mgf.cybermail.jp, 20 mgf.cybermail.jp", NoticeReason.SAME_HOST, ""),
        ("\n".join(f"{n} m{n}.example.jp" for n in range(21)), NoticeReason.TOO_MANY, ""),
    ],
)
def test_refused_with_what_was_meant(typed: str, reason: NoticeReason, suggestion: str) -> None:
    with pytest.raises(BadNotice) as caught:
        parse_mx(typed, RULES, "example.co.jp")
    assert (caught.value.reason, caught.value.suggestion) == (reason, suggestion)


def test_an_owner_is_not_held_against_an_unknown_domain() -> None:
    assert sorted(map(str, parse_mx("other.jp. 300 IN MX 10 mgf.cybermail.jp.", RULES))) == ONE


@pytest.mark.parametrize(
    "host", ["mx.cyberman.com", "cybermai.example.jp", "mgf.cybermail.co.jp", "mx.example"]
)
def test_another_host_is_no_slip(host: str) -> None:
    assert {str(mx) for mx in parse_mx(f"10 {host}", RULES)} == {f"10 {host}."}


def test_every_reason_has_its_text() -> None:
    args = {"text": "t", "part": "p", "domain": "d", "suggestion": "s"}
    for reason in NoticeReason:
        assert has(f"notice.bad.{reason}")
        for lang in LANGUAGES:
            assert refusal("notice", reason, args, lang)


@given(st.one_of(st.text(max_size=200), st.text(st.sampled_from("10 mgf.cybermail.jp\nMXIN,、。=<>|"))))
def test_any_text_is_a_set_or_a_clear_refusal(text: str) -> None:
    try:
        records = parse_mx(text, RULES, "example.co.jp")
    except BadNotice:
        return
    assert records
    again = "\n".join(str(record) for record in records)
    assert parse_mx(again, RULES, "example.co.jp") == records
