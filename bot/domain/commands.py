"""The verbs of the slash command, mentions and direct messages, in both languages."""

import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum


class Verb(StrEnum):
    START = "start"
    STATUS = "status"
    LIST = "list"
    CHECK = "check"
    PLAN = "plan"
    HISTORY = "history"
    MENU = "menu"
    PREPARE = "prepare"
    RUNBOOK = "runbook"
    TESTS = "tests"
    TEXT = "text"
    CALENDAR = "calendar"
    REPORT = "report"
    EXPORT = "export"
    LOCKDOWN = "lockdown"
    SETTINGS = "settings"
    RESCHEDULE = "reschedule"
    ASSIGN = "assign"
    ROLLBACK = "rollback"
    CANCEL = "cancel"
    ASK = "ask"
    HELP = "help"


SPELLINGS: dict[str, Verb] = {
    **{verb.value: verb for verb in Verb},
    "new": Verb.START,
    "open": Verb.START,
    "begin": Verb.START,
    "開始": Verb.START,
    "はじめる": Verb.START,
    "始める": Verb.START,
    "状況": Verb.STATUS,
    "状態": Verb.STATUS,
    "ステータス": Verb.STATUS,
    "進捗": Verb.STATUS,
    "show": Verb.STATUS,
    "ls": Verb.LIST,
    "一覧": Verb.LIST,
    "リスト": Verb.LIST,
    "確認": Verb.CHECK,
    "チェック": Verb.CHECK,
    "診断": Verb.CHECK,
    "予定": Verb.PLAN,
    "計画": Verb.PLAN,
    "schedule": Verb.PLAN,
    "履歴": Verb.HISTORY,
    "log": Verb.HISTORY,
    "メニュー": Verb.MENU,
    "メニュ": Verb.MENU,  # as a reply is read: without the stroke at its end
    "準備": Verb.PREPARE,
    "事前準備": Verb.PREPARE,
    "preparation": Verb.PREPARE,
    "当日": Verb.RUNBOOK,
    "手順書": Verb.RUNBOOK,
    "steps": Verb.RUNBOOK,
    "受信テスト": Verb.TESTS,
    "テスト表": Verb.TESTS,
    "matrix": Verb.TESTS,
    "文面": Verb.TEXT,
    "案内文": Verb.TEXT,
    "依頼文": Verb.TEXT,
    "texts": Verb.TEXT,
    "カレンダー": Verb.CALENDAR,
    "カレンダ": Verb.CALENDAR,
    "ics": Verb.CALENDAR,
    "報告": Verb.REPORT,
    "報告書": Verb.REPORT,
    "レポート": Verb.REPORT,
    "書き出し": Verb.EXPORT,
    "エクスポート": Verb.EXPORT,
    "受信制限": Verb.LOCKDOWN,
    "lock-down": Verb.LOCKDOWN,
    "設定": Verb.SETTINGS,
    "config": Verb.SETTINGS,
    "延期": Verb.RESCHEDULE,
    "日程変更": Verb.RESCHEDULE,
    "変更": Verb.RESCHEDULE,
    "move": Verb.RESCHEDULE,
    "postpone": Verb.RESCHEDULE,
    "担当": Verb.ASSIGN,
    "切り戻し": Verb.ROLLBACK,
    "切戻し": Verb.ROLLBACK,
    "ロールバック": Verb.ROLLBACK,
    "revert": Verb.ROLLBACK,
    "roll-back": Verb.ROLLBACK,
    "中止": Verb.CANCEL,
    "取消": Verb.CANCEL,
    "キャンセル": Verb.CANCEL,
    "abort": Verb.CANCEL,
    "stop": Verb.CANCEL,
    "質問": Verb.ASK,
    "faq": Verb.ASK,
    "ヘルプ": Verb.HELP,
    "使い方": Verb.HELP,
    "?": Verb.HELP,
}


# A cutover is meant by these; the others are of the workspace, or of a domain.
OF_CUTOVER = frozenset(Verb) - {
    Verb.START,
    Verb.LIST,
    Verb.CHECK,
    Verb.ASK,
    Verb.SETTINGS,
    Verb.HELP,
}


@dataclass(frozen=True, slots=True)
class Command:
    """A verb and what followed it; `verb` None: no such word, `nearest` may be what was meant."""

    verb: Verb | None
    rest: str = ""
    word: str = ""
    nearest: Verb | None = None


def parse_command(text: str) -> Command:
    """What `/mxcutover …` asks for. Nothing at all is a request for help. Raises nothing."""
    stripped = text.strip()
    if not stripped:
        return Command(Verb.HELP)
    word, _, rest = stripped.replace("\u3000", " ").partition(" ")
    key = unicodedata.normalize("NFKC", word).lower()
    verb = SPELLINGS.get(key)
    if verb is not None:
        return Command(verb, rest.strip(), word)
    close = get_close_matches(key, SPELLINGS, n=1, cutoff=0.7)
    return Command(None, rest.strip(), word, SPELLINGS[close[0]] if close else None)
