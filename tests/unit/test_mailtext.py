"""Pasted bounces and headers: the way, the results, the waits, and the entry they lead to."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.mailtext import Hop, Reading, from_json, read_mail

VIA = """\
Received: from mgf-out1.cybermail.jp (203.0.113.9) by mail.service.example with ESMTPS;
 Sat, 05 Dec 2026 22:14:09 +0900
Received: from mail-sender.google.example (198.51.100.7) by mgf.cybermail.jp with ESMTPS id abc;
 Sat, 05 Dec 2026 22:14:05 +0900
Received: by mail-sender.google.example with SMTP id xyz; Sat, 05 Dec 2026 05:14:03 -0800
Authentication-Results: mail.service.example; spf=pass smtp.mailfrom=a@google.example;
 dkim=pass header.d=google.example; dmarc=pass header.from=google.example
From: someone@google.example
Subject: secret plans

The body is nobody's business.
"""

M365 = """\
Delivery has failed to these recipients or groups:

taro@example.co.jp
Your message couldn't be delivered.

Remote server returned '550 5.7.51 TenantInboundAttribution; There is a partner connector configured
that matched the message's recipient domain. The connector had the RestrictDomainsToIPAddresses set.'
"""


def test_headers_of_a_mail_that_came_through_mailgates() -> None:
    reading = read_mail(VIA)
    assert reading is not None
    assert reading.route == "via_mailgates"
    assert (reading.spf, reading.dkim, reading.dmarc) == ("pass", "pass", "pass")
    assert [hop.server for hop in reading.hops] == [
        "mail-sender.google.example",
        "mgf.cybermail.jp",
        "mail.service.example",
    ]
    assert reading.hops[1] == Hop(
        "mgf.cybermail.jp", datetime(2026, 12, 5, 13, 14, 5, tzinfo=UTC), timedelta(seconds=2)
    )
    assert reading.slowest is None
    assert reading.entry is None


def test_nothing_of_the_mail_is_kept() -> None:
    reading = read_mail(VIA)
    assert reading is not None
    kept = repr(reading) + repr(reading.as_json())
    for word in ("secret", "nobody", "someone@", "google.example"):
        assert word not in repr(reading.as_json())
    assert "secret" not in kept and "nobody's" not in kept


def test_a_name_that_only_contains_the_gateways_is_not_it() -> None:
    forged = VIA.replace("cybermail.jp", "cybermail.jp.attacker.example")
    assert read_mail(forged).route == "direct"  # type: ignore[union-attr]
    forged = VIA.replace("mgf.cybermail.jp", "notcybermail.jp").replace(
        "mgf-out1.cybermail.jp", "xcybermail.jp"
    )
    assert read_mail(forged).route == "direct"  # type: ignore[union-attr]


def test_the_old_service_is_known_by_the_snapshots_exchange() -> None:
    old = VIA.replace("mgf.cybermail.jp", "mx1.old-provider.example").replace(
        "mgf-out1.cybermail.jp", "relay.old-provider.example"
    )
    reading = read_mail(old, ["mail.old-provider.example."])
    assert reading is not None
    assert (reading.route, reading.entry) == ("old_service", "partly-on-old-service")
    assert read_mail(old).route == "direct"  # type: ignore[union-attr]


def test_the_longest_wait_is_named() -> None:
    late = VIA.replace("22:14:09 +0900", "23:44:09 +0900")
    reading = read_mail(late)
    assert reading is not None and reading.slowest is not None
    assert (reading.slowest.server, reading.slowest.took) == (
        "mail.service.example",
        timedelta(hours=1, minutes=30, seconds=4),
    )
    assert reading.entry == "delivery-delay"


def test_a_clock_that_runs_behind_is_no_wait() -> None:
    reading = read_mail(VIA.replace("22:14:09 +0900", "22:10:00 +0900"))
    assert reading is not None
    assert reading.hops[-1].took is None


def test_folded_lines_without_their_indentation_and_slacks_marks_are_read() -> None:
    flat = "\n".join(line.strip() for line in VIA.splitlines())
    slacked = "```" + flat.replace(
        "someone@google.example", "<mailto:someone@google.example|someone@google.example>"
    )
    quoted = "\n".join("&gt; " + line for line in VIA.splitlines())
    for text in (flat, slacked + "```", quoted, VIA.replace("\n", "\r\n")):
        reading = read_mail(text)
        assert reading is not None and reading.route == "via_mailgates" and len(reading.hops) == 3


def test_spf_that_failed_leads_to_the_spf_entry() -> None:
    reading = read_mail(VIA.replace("spf=pass", "spf=fail"))
    assert reading is not None
    assert (reading.spf, reading.entry) == ("fail", "spf-record")
    old_style = VIA.replace(
        "Authentication-Results: mail.service.example; spf=pass", "Received-SPF: softfail (x)"
    )
    assert read_mail(old_style).spf == "softfail"  # type: ignore[union-attr]


def test_a_direct_mail_leads_to_the_missing_log() -> None:
    direct = VIA.replace("mgf.cybermail.jp", "mx.service.example").replace(
        "mgf-out1.cybermail.jp", "x.example"
    )
    assert read_mail(direct).entry == "log-missing"  # type: ignore[union-attr]


def test_many_received_lines_are_a_loop() -> None:
    line = "Received: from a.example by b.example; Sat, 05 Dec 2026 22:14:05 +0900\n"
    assert read_mail(line * 30).entry == "mail-loop"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "entry", "codes"),
    [
        (M365, "tenant-rejects", ("550 5.7.51",)),
        (
            "This is the mail system at host mx.example.\n<info@example.co.jp>: host mgf.cybermail.jp said:\n"
            "550 5.1.1 <info@example.co.jp>: Recipient address rejected: User unknown",
            "some-recipients-unknown",
            ("550 5.1.1",),
        ),
        (
            "Undelivered Mail Returned to Sender\n554 5.4.14 Hop count exceeded - possible mail loop ATTR34",
            "mail-loop",
            ("554 5.4.14",),
        ),
        (
            "Mail Delivery Subsystem\nThe response from the remote server was:\n550-5.7.26 This mail has "
            "been blocked because the sender is unauthenticated. SPF did not pass",
            "spf-record",
            ("550 5.7.26",),
        ),
        (
            "Undelivered Mail Returned to Sender\n<a@example.co.jp>: Host or domain name not found. "
            "Name service error for name=mgf.cybermail.jp.example.co.jp type=A: Host not found (5.4.4)",
            "no-mail-from-outside",
            ("5.4.4",),
        ),
        (
            "Your mail is delayed. mailer-daemon: 451 4.4.1 connection timed out, will be retried",
            "delivery-delay",
            ("451 4.4.1",),
        ),
        (
            "配信不能メール\nエラーの内容: 550 5.7.1 接続は許可されていません",
            "tenant-rejects",
            ("550 5.7.1",),
        ),
    ],
)
def test_bounces(text: str, entry: str, codes: tuple[str, ...]) -> None:
    reading = read_mail(text)
    assert reading is not None
    assert (reading.entry, reading.codes, reading.bounce) == (entry, codes, True)


@pytest.mark.parametrize(
    "text",
    [
        "外部からメールが届かない",
        "550 5.1.1 が返ってきます",
        "Undeliveredで戻る",
        "mail bounces, undeliverable",
        "From: の欄がおかしい",
        "10.0.0.1 に接続できない",
        "",
        "Subject: hello\n\nbody",
    ],
)
def test_a_question_is_not_a_paste(text: str) -> None:
    assert read_mail(text) is None


def test_a_reading_comes_back_from_json_with_what_the_tree_needs() -> None:
    late = read_mail(VIA.replace("22:14:09 +0900", "23:44:09 +0900").replace("spf=pass", "spf=fail"))
    assert late is not None
    again = from_json(late.as_json())
    assert (again.route, again.spf) == (late.route, "fail")
    assert again.slowest is not None and late.slowest is not None
    assert (again.slowest.server, again.slowest.took) == (late.slowest.server, late.slowest.took)
    quick = from_json(Reading("direct", (Hop("a", None, timedelta(seconds=1)),)).as_json())
    assert quick.slowest is None and quick.hops[0].took is not None


@given(st.text(max_size=400))
def test_no_text_makes_it_fail(text: str) -> None:
    read_mail(text)
    read_mail("Received: " + text)
    read_mail("Authentication-Results: " + text + "\nReceived: by x; " + text)
