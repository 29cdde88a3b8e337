"""What stands encoded in the source of a mail, made readable: ISO-2022-JP, encoded words, MIME parts.

For reading only: what cannot be decoded stays as it was.
"""

import re
from email import message_from_string
from email.errors import HeaderParseError, MessageError
from email.header import decode_header

# ISO-2022-JP (RFC 1468) as it is pasted: the escape characters are often lost on the way.
_JIS = re.compile(r"\x1b?\$[@B]((?:[!-~]{2}){1,60})\x1b?\([BJ]")
_WORD = re.compile(r"=\?[\w-]{1,40}\?[bq]\?[^?\s]{1,400}\?=", re.IGNORECASE)  # RFC 2047
_ENCODED = re.compile(r"^content-transfer-encoding:[^\S\n]*(base64|quoted-printable)", re.I | re.M)


def readable(text: str) -> str:
    """The text with Japanese of ISO-2022-JP and encoded words read."""
    return _WORD.sub(lambda match: _word(match[0]), _JIS.sub(lambda match: _jis(match[0], match[1]), text))


def _jis(whole: str, bytes_: str) -> str:
    try:
        return f"\x1b$B{bytes_}\x1b(B".encode("ascii").decode("iso2022_jp")
    except UnicodeError:
        return whole


def _word(word: str) -> str:
    try:
        return "".join(
            part if isinstance(part, str) else part.decode(charset or "ascii", "replace")
            for part, charset in decode_header(word)
        )
    except (HeaderParseError, LookupError, ValueError):
        return word


def bodies(source: str) -> str:
    """The parts of a mail that its source holds in base64 or quoted-printable; "" where it has none."""
    if not _ENCODED.search(source):
        return ""
    try:
        message = message_from_string(source)
        parts = [
            part
            for part in message.walk()
            if _ENCODED.match(_encoding(part.get("Content-Transfer-Encoding")))
        ]
        return "\n".join(_text(part.get_payload(decode=True), part.get_content_charset()) for part in parts)
    except (MessageError, LookupError, ValueError, TypeError, AttributeError):
        return ""


def _encoding(value: object) -> str:
    return f"content-transfer-encoding: {str(value or '').strip()}"


def _text(payload: object, charset: str | None) -> str:
    if not isinstance(payload, bytes):
        return ""
    try:
        return payload.decode(charset or "utf-8", "replace")
    except LookupError:
        return payload.decode("utf-8", "replace")
