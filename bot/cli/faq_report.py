"""`mxcutover faq report`: what was asked and not answered, so that the content can grow."""

import json
import sys
from datetime import timedelta

from bot.clock import SystemClock
from bot.content import show_instant
from bot.ports import StoreUnavailable
from bot.settings import Settings
from bot.store.engine import database_url, open_store


def run(settings: Settings, *, days: int, limit: int, as_json: bool) -> int:
    """Print the questions of the last `days`; 0, or 1 where the database cannot be read."""
    store = open_store(database_url(settings))
    since = SystemClock().now() - timedelta(days=days)
    try:
        found = store.run(lambda tx: tx.questions.unanswered(since=since, limit=limit))
    except StoreUnavailable as problem:
        print(problem, file=sys.stderr)
        return 1
    for question in found:
        if as_json:
            row = {
                "at": question.at.isoformat(),
                "lang": question.lang,
                "decision": question.decision,
                "entry": question.entry,
                "helped": question.helped,
                "text": question.text,
            }
            print(json.dumps(row, ensure_ascii=False))
        else:
            what = question.entry or question.decision
            print(f"{show_instant(question.at, 'ja')}\t{what}\t{question.text}")
    return 0
