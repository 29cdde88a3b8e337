"""Structured logs. Bodies and secrets never reach them: only what is named at the call does.

As a second line, what looks like one of Slack's tokens, an address for answers or a password in a URL is
struck out of every line, tracebacks and other libraries' lines included; so is each secret of the settings.
"""

import logging
import re
import sys
from collections.abc import Iterable

import structlog

STRUCK = "[redacted]"
SHORTEST = 6  # a secret of fewer letters would be struck out of ordinary words

_SHAPES = (
    re.compile(r"\bx(?:ox[a-z]|app)-[A-Za-z0-9-]{6,}"),
    re.compile(r"https?://[^\s\"'<>]*/(?:services|commands|actions|workflows|response|app)/[^\s\"'<>\\]+"),
    re.compile(r"(?<=://)[^\s/:@\"']*:[^\s/@\"']+(?=@)"),
)


class Redaction:
    """Strikes secrets out of text. `secrets`: those that are known, whatever they look like."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= SHORTEST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(STRUCK, text)
        for shape in _SHAPES:
            text = shape.sub(STRUCK, text)
        return text


class _Lines(logging.Formatter):
    """Other libraries' lines, with what is struck out of them."""

    def __init__(self, redact: Redaction) -> None:
        super().__init__(logging.BASIC_FORMAT)
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        return self._redact(super().format(record))


def configure(level: str, *, as_json: bool, secrets: Iterable[str] = ()) -> None:
    """Send structlog's events to standard error: JSON for machines, lines for a terminal.

    `secrets`: values that must not appear, however they got into a line.
    """
    redact = Redaction(secrets)
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )

    def rendered(logger: structlog.typing.WrappedLogger, name: str, event: structlog.typing.EventDict) -> str:
        return redact(str(renderer(logger, name, event)))

    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    if as_json:
        processors.append(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*processors, rendered],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    # The SDK and Bolt log request bodies below WARNING.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines(redact))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    for name in ("slack_bolt", "slack_sdk", "apscheduler", "aiohttp.access"):
        logging.getLogger(name).setLevel(logging.ERROR)
