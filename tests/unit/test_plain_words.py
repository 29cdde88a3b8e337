"""What a person typed, out of what Slack made of it."""

import pytest

from bot.slack.payloads import plain_words


@pytest.mark.parametrize(
    ("sent", "typed"),
    [
        ("start <http://example.co.jp|example.co.jp>", "start example.co.jp"),
        ("start <https://example.co.jp/mail>", "start https://example.co.jp/mail"),
        ("start <http://xn--wgv71a119e.jp|日本語.jp>", "start 日本語.jp"),
        ("<mailto:info@example.co.jp|info@example.co.jp> へ届かない", "info@example.co.jp へ届かない"),
        ("<mailto:info@example.co.jp> へ", "info@example.co.jp へ"),
        ("<http://example.co.jp|example.co.jp>に届かない", "example.co.jpに届かない"),
        ("assign example.co.jp <@U0ALICE001|alice>", "assign example.co.jp <@U0ALICE001>"),
        ("assign example.co.jp <@U0ALICE001|Alice Suzuki>", "assign example.co.jp <@U0ALICE001>"),
        ("list <@W0ALICE001>", "list <@W0ALICE001>"),
        ("<#C0CUTOVER1|mail-cutover> で", "#mail-cutover で"),
        ("<#C0CUTOVER1|> と <#C0CUTOVER1>", "<#C0CUTOVER1|> と <#C0CUTOVER1>"),
        ("担当は <!subteam^S0DNSTEAM1|@dns-team>", "担当は @dns-team"),
        ("理由: A&amp;B が 3 &lt; 4", "理由: A&B が 3 < 4"),
        ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),
        ("@alice <b> a < b > c", "@alice <b> a < b > c"),  # a command that Slack does not escape
        ("<!channel> <!here|here>", "<!channel> <!here|here>"),
        ("<javascript:alert(1)|example.co.jp>", "<javascript:alert(1)|example.co.jp>"),
        ("", ""),
    ],
)
def test_plain_words(sent: str, typed: str) -> None:
    assert plain_words(sent) == typed
