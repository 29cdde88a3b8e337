"""Hosts that pass for the vendor's to the eye: called out as what they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content.findings import finding_text
from bot.domain.findings import Severity
from bot.domain.lookalike import looks_like, readable, skeleton
from bot.domain.mx import Mx
from tests.unit.dns_facts import GATEWAY, OLD, both, judged, mx

EXPECTED = "mgf.cybermail.jp."


def encoded(host: str) -> str:
    """As DNS has it; by the codec alone, for no registry would take some of these."""
    labels = (
        part if part.isascii() else "xn--" + part.encode("punycode").decode() for part in host.split(".")
    )
    return ".".join(labels)


@pytest.mark.parametrize(
    "host",
    [
        "mgf.cybermаil.jp.",  # Cyrillic a
        "mgf.суbеrmаil.jp.",  # four of them
        "mɡf.cybermail.jp.",  # IPA g
        "mgf.cybermaıl.jp.",  # dotless i
        "mgf.cybermàil.jp.",  # an accent
        "mgf.cyberｍail.jp.",  # full width
        "mgf.cyberrnаil.jp.",  # rn for m, and a Cyrillic a
        "mgf.cybermaiӏ.jp.",  # palochka
        "mgf.cybermail\u200d.jp.",  # a joiner
    ],
)
def test_a_look_alike_of_the_expected_host_is_called_out(host: str) -> None:
    found = judged(both([Mx(10, encoded(host))]), expected=GATEWAY, before=OLD)
    finding = found["mx.look-alike"]
    assert finding.severity is Severity.BLOCK
    assert finding.args["meant"] == EXPECTED
    assert "mx.other" not in found
    assert "mx.typo" not in found
    assert encoded(host) in finding.args["delete"]


@pytest.mark.parametrize(
    "host",
    [
        "mgf.cybermail.jp.",
        "mgf.cybermai1.jp.",  # plain letters: a slip, mx.typo
        "メール.jp.",
        "mgf.cybermail.jp.аttacker.example.",
        "xn--zzzzzzzzzzzzzzzzzzzzz.jp.",
        "xn--.cybermail.jp.",
    ],
)
def test_what_does_not_look_like_it_is_not(host: str) -> None:
    assert not looks_like(encoded(host), EXPECTED)


def test_both_languages_show_the_two_names_and_what_to_delete() -> None:
    host = encoded("mgf.cybermаil.jp.")
    finding = judged(both([Mx(10, host)]), expected=GATEWAY, before=OLD)["mx.look-alike"]
    for lang in ("ja", "en"):
        text, remedy = finding_text(finding, lang)
        assert host in text
        assert EXPECTED in text
        assert host in remedy
        assert "mgf.cybermail.jp." in remedy


def test_beside_the_right_one_it_is_still_called_out() -> None:
    found = judged(both(GATEWAY | mx(f"20 {encoded('mgf.cybermаil.jp')}")), expected=GATEWAY, before=OLD)
    assert "mx.look-alike" in found


@given(st.text(max_size=80))
def test_any_host_can_be_read(text: str) -> None:
    for host in (text, f"xn--{text}", f"xn--{text.encode('punycode').decode()}."):
        readable(host)
        skeleton(readable(host))
        looks_like(host, EXPECTED)
