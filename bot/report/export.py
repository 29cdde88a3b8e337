"""A cutover's history for other programs: JSON lines of facts, CSV for a spreadsheet."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from bot.content.history_text import history_text
from bot.domain.cutover import Cutover
from bot.ports import HistoryEntry

COLUMNS = ("at", "domain", "cutover", "kind", "actor", "text", "data")


def history_json(cutover: Cutover, history: Sequence[HistoryEntry]) -> str:
    """One object: the cutover's key facts and its entries, oldest first; instants are ISO 8601, UTC."""
    document = {
        "cutover": cutover.id,
        "domain": cutover.domain,
        "state": cutover.state.value,
        "day": cutover.day.isoformat(),
        "owner": cutover.owner,
        "history": [_entry(entry) for entry in history],
    }
    return json.dumps(document, ensure_ascii=False, indent=2)


def _entry(entry: HistoryEntry) -> Mapping[str, Any]:
    return {"at": entry.at.isoformat(), "kind": entry.kind, "actor": entry.actor, "data": dict(entry.data)}


def history_csv(cutover: Cutover, history: Sequence[HistoryEntry], lang: str = "ja") -> str:
    """RFC 4180 with a byte order mark, which spreadsheets need to read Japanese.

    A cell that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for entry in history:
        data = json.dumps(dict(entry.data), ensure_ascii=False) if entry.data else ""
        text = history_text(entry.kind, entry.data, lang)
        row = (entry.at.isoformat(), cutover.domain, cutover.id, entry.kind, entry.actor or "", text, data)
        writer.writerow([_harmless(cell) for cell in row])
    return "\ufeff" + out.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
