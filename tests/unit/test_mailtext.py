"""Pasted bounces and headers: the way, the results, the waits, and the entry they lead to."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.mailtext import Hop, Reading, from_json, read_mail

PASTED = Path(__file__).parents[1] / "data" / "pasted-mail.txt"

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


def pasted() -> list[tuple[str, str, str]]:
    """(shape, entry, paste) of each section of the file."""
    sections = PASTED.read_text(encoding="utf-8").split("\n=== ")[1:]
    found = []
    for section in sections:
        head, _, text = section.partition("\n")
        shape, _, entry = head.partition(" -> ")
        found.append((shape, entry, text))
    return found


OLD_MX = ["mail.old-provider.example."]


@pytest.mark.parametrize(("shape", "entry", "text"), pasted(), ids=[shape for shape, _, _ in pasted()])
def test_mail_as_people_paste_it(shape: str, entry: str, text: str) -> None:
    reading = read_mail(text, OLD_MX)
    assert reading is not None
    assert (reading.entry or "none") == entry
    quoted = "".join(f"> {line}\n" for line in text.splitlines())
    twice = "".join(f">> {line}\n" for line in text.splitlines())
    asked = f"お世話になっております。次のエラーが返ってきました。\n\n-----Original Message-----\n{text}"
    for as_text in (quoted, twice, asked, text.replace("\n", "\r\n")):
        again = read_mail(as_text, OLD_MX)
        assert again is not None and (again.entry, again.codes) == (reading.entry, reading.codes)


def test_there_are_enough_shapes() -> None:
    assert len(pasted()) >= 45


@pytest.mark.parametrize(
    ("shape", "route"),
    [
        ("o365 via mailgates", "via_mailgates"),
        ("qmail HELO rdns", "via_mailgates"),
        ("ip in from, rdns in parens", "via_mailgates"),
        ("icloud headers", "via_mailgates"),
        ("one line", "direct"),
    ],
)
def test_received_lines_of_several_servers(shape: str, route: str) -> None:
    reading = read_mail(next(text for name, _, text in pasted() if name == shape))
    assert reading is not None and reading.route == route and reading.hops


def test_one_good_signature_is_enough_and_the_last_server_decides() -> None:
    two = read_mail(next(text for name, _, text in pasted() if name == "two dkim"))
    assert two is not None and two.dkim == "pass"
    below = "Authentication-Results: mgf.cybermail.jp; spf=pass\n"
    later = read_mail("Authentication-Results: mx.google.com; spf=fail; dkim=fail\n" + below)
    assert later is not None and (later.spf, later.dkim) == ("fail", "fail")


def test_the_headers_under_a_bounce_are_not_why_it_came_back() -> None:
    reading = read_mail(next(text for name, _, text in pasted() if name == "postfix + orig headers"))
    assert reading is not None and reading.bounce
    assert (reading.spf, reading.dmarc) == (None, None)


JAPANESE = "メールを配信できませんでした。\nエラーの内容: 550 5.1.1 User unknown\n"
JIS = JAPANESE.encode("iso-2022-jp")
PART = "Content-Type: text/plain; charset={}\nContent-Transfer-Encoding: {}\n\n{}\n"


@pytest.mark.parametrize(
    "text",
    [
        JIS.decode("ascii"),
        JIS.decode("ascii").replace("\x1b", ""),
        PART.format("iso-2022-jp", "base64", base64.encodebytes(JIS).decode()),
        PART.format("utf-8", "base64", base64.encodebytes(JAPANESE.encode()).decode()),
        PART.format("utf-8", "quoted-printable", "".join(f"={b:02X}" for b in JAPANESE.encode())),
        "Subject: =?ISO-2022-JP?B?" + base64.b64encode("配信不能".encode("iso-2022-jp")).decode() + "?=\n"
        "\n550 5.1.1 User unknown",
    ],
    ids=["jis", "jis without escapes", "base64 jis", "base64 utf-8", "quoted-printable", "encoded word"],
)
def test_what_stands_encoded_is_read(text: str) -> None:
    reading = read_mail(text)
    assert reading is not None
    assert (reading.entry, reading.codes) == ("some-recipients-unknown", ("550 5.1.1",))


@pytest.mark.parametrize("charset", ["no-such", "utf-8"])
def test_what_cannot_be_decoded_is_left_alone(charset: str) -> None:
    read_mail(PART.format(charset, "base64", "@@@@\n\x00"))
    read_mail(f"Subject: =?{charset}?B?@@@?= =?{charset}?Q?=zz?=\nReceived: by x; y")
    read_mail("$B!" + "!" * 2000 + "(B undelivered 550 5.1.1")


@pytest.mark.parametrize(
    "text",
    [
        "グループ宛のメールが Undelivered で戻ってきます",
        "550 5.1.1 User unknown が一部の宛先で返ってきます",
        "MAILER-DAEMONからエラーが返ってくるのですが、どうすればよいですか",
        "SPFの結果が softfail になるのはなぜですか",
        "Receivedヘッダーを見ると旧サーバーを通っています",
        "The remote server says my mail is not delivered, why?",
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
