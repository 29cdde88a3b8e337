"""The words of bounces: whether a text is one, its codes, and the FAQ entry that explains it.

Replies of SMTP servers (RFC 5321 4.2, enhanced codes RFC 3463), delivery status notifications (RFC 3464) and
the prose of Postfix, sendmail, qmail, Exchange, Gmail and Japan's carriers around them.
"""

import re

_CODE = re.compile(
    r"\b([245]\d\d)[ -]{1,2}#?([245]\.\d{1,3}\.\d{1,3})\b|(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.]|\.?\d)"
)
_REPLY = re.compile(r"\b[45]\d\d[ -]\S")

# What nobody writes but a mail server.
_SERVERS_OWN = re.compile(
    r"mail system at host|qmail-send program|addresses had (permanent fatal|transient non-fatal) errors"
    r"|transcript of session follows|diagnostic-code:|final-recipient:|\bsaid: [45]\d\d\b"
    r"|remote server returned '|remote host said: [45]\d\d|diagnostic information for administrators"
    r"|delivery (is delayed|has failed) to these recipients|wasn't delivered to \S+@"
    r"|アドレスが見つからないか、メールを受信できないため|リモート ?サーバーからの応答"
    r"|配信が(未完了|遅れて)|管理者向けの診断情報"
    r"|generating server:|warning message only|this is a warning only",
    re.IGNORECASE,
)
# What a person may write too: a bounce only with a server's reply in it, or where it is long.
_PERHAPS = re.compile(
    r"undeliver|delivery (status|has failed|failure|to the following|incomplete)|mail delivery"
    r"|returned (mail|to sender)|could not be delivered|(wasn't|not) delivered|address not found"
    r"|message blocked|postmaster|mailer-daemon|remote server"
    r"|response (from|was)|配信不能|配信でき|配送でき|配信(ステータス|状況)|送信できません|届けられません"
    r"|エラーの内容|アドレス不明",
    re.IGNORECASE,
)
_LONG = 200  # characters

_CARRIER = (
    r"(docomo\.ne\.jp|ezweb\.ne\.jp|au\.com|softbank\.(ne\.)?jp|vodafone\.ne\.jp|disney\.ne\.jp|ymobile\.ne\.jp"
    r"|ymobile1\.ne\.jp|uqmobile\.jp|rakumail\.jp|emnet\.ne\.jp)"
)
_CONSUMER = (
    r"(icloud\.com|me\.com|mac\.com|gmail\.com|yahoo\.(com|co\.jp|ne\.jp)|hotmail\.\w+|live\.\w+|aol\.com)"
)
_TO = (
    r"(^[^\S\n]*<?[\w.+-]{1,64}@%s>?\s*[:(]|\bhost \S{0,40}%s|Final-Recipient:[^\n]{0,40}%s|to \S{1,64}@%s\b)"
)


def _to(domain: str) -> str:
    """A bounce of a mail sent to such a domain, as far as its words show the recipient."""
    return _TO % (domain, domain, domain, domain)


# What a bounce says, and the entry that explains it; the first that fits counts.
_MEANINGS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (entry, re.compile(pattern, re.IGNORECASE | re.MULTILINE))
    for entry, pattern in (
        (
            "mail-loop",
            r"5\.4\.(6|14)\b|hop ?count|too many (hops|received)|loops? back|routing loop|mail loop"
            r"|(?<!グ)ループ",
        ),
        (
            "tenant-rejects",
            r"5\.7\.(51|64|68|133|606|700|705)\b|Tenant(Inbound)?Attribution|partner connector|Direct ?Send"
            r"|not authorized to send (mail )?directly|RestrictDomainsTo",
        ),
        ("carrier-not-receiving", _to(_CARRIER)),
        ("no-mail-from-outside", r"mta-?sts"),
        (
            "spf-record",
            r"5\.7\.(23|26|27)\b|\b(spf|dkim|dmarc)\b(?![ =]{0,3}pass)|sender policy|unauthenticated"
            r"|送信ドメイン認証",
        ),
        ("spf-record", rf"{_to(_CONSUMER)}(?=[\s\S]{{0,400}}(5\.7\.\d|blocked|local policy))"),
        # Exchange's directory-based edge blocking: the address is not there.
        ("some-recipients-unknown", r"5\.4\.1\b[^\n]{0,60}access denied"),
        (
            "some-recipients-unknown",
            r"5\.1\.(1|10)\b|5\.2\.1\b|user unknown|unknown user|no such (user|recipient|address)"
            r"|(invalid|unknown) recipient|recipient ?not ?found|address not found|no mailbox here"
            r"|mailbox (not found|unavailable)|address (you entered )?couldn't be found"
            r"|(user|recipient|mailbox|account|address) (does not|doesn't) exist"
            r"|アドレスが見つから|アドレス不明|宛先[^\n]{0,40}(不明|存在)|ユーザー?が(存在|見つか)",
        ),
        (
            "no-mail-from-outside",
            r"5\.4\.4\b|5\.1\.2\b|4\.4\.[34]\b|host (or domain )?name? ?(lookup|not found|unknown)"
            r"|host (not found|unknown)|couldn't find any host|(cname|mx) lookup failed"
            r"|domain (name )?not found|nxdomain|no mx|null ?mx|unrouteable|does not accept mail"
            r"|ホスト[^\n]{0,20}(不明|見つか)|relay(ing)? (access )?(denied|not permitted)|unable to relay"
            r"|allowed rcpthosts|connection refused|接続が拒否",
        ),
        (
            "delivery-delay",
            r"\b4\.\d\.\d{1,3}\b|delayed|delivery incomplete|will (be )?retr|still (trying|undelivered)"
            r"|keep trying|deferred:|warning (message )?only|timed out|遅延|再送|再試行|未完了",
        ),
        ("tenant-rejects", r"5\.7\.\d+\b|access denied|blocked|rejected by policy|not allowed"),
    )
)


# Headers of the mail that came back: they tell of it, not of why.
_OF_THE_MAIL = re.compile(
    r"^(received|received-spf|dkim-signature|domainkey-signature|authentication-results|arc-[\w-]+|x-[\w-]+)"
    r":[^\n]*(\n[^\S\n]+\S[^\n]*)*",
    re.IGNORECASE | re.MULTILINE,
)


def is_bounce(text: str) -> bool:
    """Whether a text is a mail server's report, rather than somebody's words about one."""
    if _SERVERS_OWN.search(text):
        return True
    return bool(_PERHAPS.search(text)) and (
        len(text) > _LONG or bool(_CODE.search(text)) or ("\n" in text and bool(_REPLY.search(text)))
    )


def meaning(text: str) -> str | None:
    """The entry that explains a bounce; None where its words are of no known kind."""
    report = _OF_THE_MAIL.sub("", text)
    return next((entry for entry, pattern in _MEANINGS if pattern.search(report)), None)


def codes(text: str) -> tuple[str, ...]:
    """The reply codes in a text, each once, in the order in which they stand."""
    found = (
        " ".join(part for part in (match[1], match[2] or match[3]) if part)
        for match in _CODE.finditer(text)
        if match[1] is None or match[1][0] == match[2][0]
    )
    return tuple(dict.fromkeys(found))
