"""A report as Markdown (GitHub's tables), for a wiki, a ticket or a mail."""

import re
from collections.abc import Iterable

from bot.report.build import Report, Section

_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~])")


def to_markdown(report: Report) -> str:
    """The whole report; what people typed is escaped, so that it stays text."""
    parts = [f"# {_text(report.title)}"]
    for section in report.sections:
        parts.append(f"## {_text(section.title)}")
        parts += _body(section)
    return "\n\n".join(parts) + "\n"


def _body(section: Section) -> Iterable[str]:
    if section.rows:
        width = max(len(row) for row in section.rows)
        head = section.head or ("",) * width
        lines = [_row(head), _row(("---",) * width, plain=True), *(_row(row) for row in section.rows)]
        yield "\n".join(lines)
    if section.code:
        yield "```\n" + "\n".join(line.replace("```", "'''") for line in section.code) + "\n```"
    if section.remark:
        yield _text(section.remark)


def _row(cells: Iterable[str], *, plain: bool = False) -> str:
    return "| " + " | ".join(cell if plain else _text(cell) for cell in cells) + " |"


def _text(text: str) -> str:
    """One line in which no sign is markup."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))
