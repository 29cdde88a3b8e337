"""Reads a reply clause by clause. Doubt ends in UNCLEAR, never in a step marked done."""

import re
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches
from zoneinfo import ZoneInfo

from bot.domain.commands import SPELLINGS, Verb
from bot.domain.cutover import Step
from bot.domain.replies import words
from bot.domain.replies.joining import STANDINGS, joined
from bot.domain.replies.model import Meaning, Need, Reply
from bot.domain.replies.reason import splits
from bot.domain.replies.steps import find_steps, names_everything, names_no_step
from bot.domain.replies.times import Context, later_at, new_day
from bot.domain.when import Partial, parse_when
from bot.domain.when.numbers import plain

LONGEST_TEXT = 2000
MOST_CLAUSES = 150  # a person's reply has a handful; each costs some tenths of a millisecond
MOST_STEPS = len(Step)

_QUOTED = re.compile(r"^(?:>|&gt;).*$", re.MULTILINE)
_CODE = re.compile(r"```.*?```|`", re.DOTALL)
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
_LINK = re.compile(r"<[^<>|@]*\|([^<>]*)>")
_USER = re.compile(r"\x01(\d+)\x01")
_EDGES = " 　\t、,.。!！~ー-…・;\"'「」()（）*_"

_ELLIPSIS = re.compile(r"(?<=[^\x00-\x7f])(?:\.{2,}|・{2,})(?=[^\x00-\x7f])")
_STEPWISE = re.compile(r"[、,;]\s*|(?<=[っしん])[てで]、?(?=\d|手順|ステップ|ttl|mx|zip)|\s+(?:and|while)\s+")

_KNOWN_WORDS = {
    "done": Meaning.DONE,
    "finished": Meaning.DONE,
    "completed": Meaning.DONE,
    "完了": Meaning.DONE,
    "完了しました": Meaning.DONE,
    "終わりました": Meaning.DONE,
    "できました": Meaning.DONE,
    "まだです": Meaning.NOT_YET,
    "not yet": Meaning.NOT_YET,
    "later": Meaning.LATER,
    "tomorrow": Meaning.LATER,
    "変更できない": Meaning.CANT,
    "できません": Meaning.CANT,
    "can't change": Meaning.CANT,
    "延期": Meaning.RESCHEDULE,
    "postpone": Meaning.RESCHEDULE,
    "reschedule": Meaning.RESCHEDULE,
    "中止": Meaning.CANCEL,
    "cancel": Meaning.CANCEL,
    "切り戻し": Meaning.ROLL_BACK,
    "roll back": Meaning.ROLL_BACK,
}


def understand(
    text: str,
    now: datetime,
    tz: ZoneInfo,
    *,
    lang: str = "ja",
    asked: Step | None = None,
    day: datetime | None = None,
    me: str | None = None,
) -> Reply:
    """What a reply in a cutover's thread means.

    `now` and `day` (the planned change) are aware; dates are read in `tz`, the person's zone. `asked`: the
    step that the bot asked for last. `me`: the bot's own Slack id, whose mention is not a person's.
    Never raises for any text; instants in the answer are aware UTC.
    """
    users: list[str] = []

    def mention(found: re.Match[str]) -> str:
        if found[1] == me:
            return " "
        users.append(found[1])
        return f" \x01{len(users) - 1}\x01 "

    bare = _CODE.sub("", _QUOTED.sub("", text[:LONGEST_TEXT].replace("\x01", "")))
    bare = _MENTION.sub(mention, _LINK.sub(r"\1", bare))
    context = Context(now, tz, lang, asked, day, tuple(users))
    for wish, reason, marked in splits(bare, now, tz, lang=lang):
        meant = _understood(wish, text, context)
        moved = [part for part in meant.parts if part.meaning is Meaning.RESCHEDULE]
        if moved and (marked or moved[0].at is not None or moved[0].readings):
            why = _USER.sub(lambda found: f"<@{users[int(found[1])]}>", reason)
            parts = [replace(part, reason=why) if part in moved else part for part in meant.parts]
            return replace(parts[0], also=tuple(replace(part, also=()) for part in parts[1:]))
    return _understood(bare, text, context)


def _understood(bare: str, text: str, context: Context) -> Reply:
    replies = [reply for clause in _clauses(bare)[:MOST_CLAUSES] for reply in _read(clause, context)]
    return joined(replies, text.strip())


def _clauses(text: str) -> list[str]:
    """The clauses, made plain, without politeness and quotes around them."""
    lines = [_ELLIPSIS.sub("", plain(line)) for line in text.splitlines()]
    pieces = [piece for line in lines for piece in words.CLAUSE_END.split(line) if piece]
    return [piece.strip(_EDGES) for piece in pieces if piece.strip(_EDGES)]


def _read(clause: str, context: Context) -> list[Reply]:
    """The meanings of a clause: one, or several where it says of each step something else."""
    whole = _clause(clause, context)
    if words.STILL.search(clause) or words.DENIED.search(clause):
        pieces = [piece.strip(_EDGES) for piece in _STEPWISE.split(clause)]
        apart = [_clause(piece, context) for piece in pieces[:MOST_STEPS] if piece]
        if (
            1 < len(pieces) <= MOST_STEPS
            and len(apart) > 1
            and all(reply.steps and reply.meaning in STANDINGS for reply in apart)
        ):
            return apart
    return [whole]


# --- one clause ----------------------------------------------------------------------------------


def _clause(clause: str, context: Context) -> Reply:
    """What one clause means."""
    telling = words.NOISE.sub(" ", clause).strip(_EDGES)
    verb = _verb(clause, context)
    if verb:
        return verb
    shown = _USER.sub("", telling).strip(_EDGES)
    if not words.POLITE.sub(" ", shown).strip(_EDGES):
        return _courtesy(clause, telling, context)
    core = words.POLITE.sub(" ", telling).strip(_EDGES) or telling
    for reader in (_assignment, _wish, _asks, _not_needed, _unfinished, _cannot, _finished, _time):
        reply = reader(core, telling, context)
        if reply is not None:
            return reply
    if words.YES.match(shown):
        return Reply(Meaning.UNCLEAR, clause, nearest=Meaning.DONE)
    return Reply(Meaning.UNCLEAR, clause, steps=find_steps(core), nearest=_nearest(shown))


def _courtesy(clause: str, telling: str, context: Context) -> Reply:
    """Thanks and the like; 「<@U…> お願いします」 hands something over."""
    users = _mentioned(telling, context)
    if users and words.POLITE.search(telling):
        return Reply(Meaning.ASSIGN, clause, users=users)
    return Reply(Meaning.NOISE, clause)


def _mentioned(text: str, context: Context) -> tuple[str, ...]:
    return tuple(context.users[int(n)] for n in _USER.findall(text) if int(n) < len(context.users))


def _verb(clause: str, context: Context) -> Reply | None:
    """A command's word by itself, or with "show me" and the like around it."""
    if not clause.strip("?？ "):
        return Reply(Meaning.VERB, clause, verb=Verb.HELP)
    bare = words.POLITE.sub(" ", clause).strip(_EDGES + "?？")
    bare = re.sub(r"^(?:show|give|tell)(?: me)?(?: the)?\s+|^(?:the|my)\s+", "", bare)
    bare = re.sub(
        r"(?:を|は|が)?(?:見せて|表示(?:して)?|教えて|確認したい|見たい|どう(?:です|なって(?:い)?ます)?か?)?$",
        "",
        bare,
    )
    bare = re.sub(r"\bagain$", "", bare).strip(_EDGES)
    bare = re.sub(r"^(?:今|現在|最新|次|今後)の", "", bare)
    verb = SPELLINGS.get(bare)
    if verb is None and words.STATUS.search(clause):
        verb = Verb.STATUS
    elif verb is None and words.CHECK_AGAIN.search(clause):
        asking = words.QUESTION_START.match(clause) and not words.REQUEST.search(clause)
        verb = None if asking else Verb.CHECK
    if verb is None:
        return None
    match verb:
        case Verb.RESCHEDULE if bare == "変更":
            return Reply(Meaning.UNCLEAR, clause, nearest=Meaning.RESCHEDULE)
        case Verb.RESCHEDULE:
            return Reply(Meaning.RESCHEDULE, clause, needs=(Need.DATE, Need.TIME))
        case Verb.CANCEL:
            return Reply(Meaning.CANCEL, clause)
        case Verb.ROLLBACK:
            return Reply(Meaning.ROLL_BACK, clause)
        case Verb.ASSIGN:
            users = context.users
            return Reply(Meaning.ASSIGN, clause, users=users, needs=() if users else (Need.USER,))
        case _:
            return Reply(Meaning.VERB, clause, verb=verb)


def _is_question(clause: str) -> bool:
    return bool(
        words.QUESTION_END.search(clause)
        or words.QUESTION_WORDS.search(clause)
        or words.QUESTION_START.match(clause)
    )


def _assignment(core: str, clause: str, context: Context) -> Reply | None:
    """担当は <@U…>: whoever is mentioned; somebody without a mention has to be asked for."""
    users = _mentioned(core, context)
    if _is_question(clause) and not words.REQUEST.search(clause):
        return None
    if users and words.ASSIGN.search(clause):
        return Reply(Meaning.ASSIGN, clause, users=users)
    if not users and words.ASSIGN_WHOM.search(core):
        return Reply(Meaning.ASSIGN, clause, needs=(Need.USER,))
    return None


def _wish(core: str, clause: str, context: Context) -> Reply | None:
    """Cancel, roll back, reschedule. A question about one of them is a question; a denial is unclear."""
    wished = next(
        (
            meaning
            for meaning, pattern in (
                (Meaning.ROLL_BACK, words.ROLL_BACK),
                (Meaning.CANCEL, words.CANCEL),
                (Meaning.RESCHEDULE, words.RESCHEDULE),
            )
            if pattern.search(core)
        ),
        None,
    )
    if wished is None and _names_new_day(core, clause, context):
        wished = Meaning.RESCHEDULE
    if wished is None:
        return None
    if words.METHOD.search(core):
        return Reply(Meaning.QUESTION, clause)
    if words.NOT_TO.search(core) or (wished is Meaning.CANCEL and words.NOT_CANCEL.search(core)):
        return Reply(Meaning.UNCLEAR, clause)
    if words.PERHAPS.search(words.POLITE_IF.sub("", core)):
        asking = _is_question(clause) and not words.REQUEST.search(clause)
        return Reply(
            Meaning.QUESTION if asking else Meaning.UNCLEAR, clause, nearest=None if asking else wished
        )
    if wished is Meaning.ROLL_BACK and _restores_ttl(core, context):
        return None
    reschedule = new_day(core, clause, context) if wished is Meaning.RESCHEDULE else None
    asking = _is_question(clause) and not words.REQUEST.search(clause)
    if asking and (reschedule is None or (reschedule.at is None and not reschedule.readings)):
        return Reply(Meaning.QUESTION, clause)
    return reschedule or Reply(wished, clause)


def _names_new_day(core: str, clause: str, context: Context) -> bool:
    """A date to which something is moved, where that is not one step: 12/12 22:00に変更してください."""
    moved, made = words.MOVE_TO.search(clause), words.MAKE_IT.search(clause)
    if not (moved or made) or find_steps(words.WHOLE.sub(" ", core)):
        return False
    dated = parse_when(core, context.now, context.tz, lang=context.lang)
    if isinstance(dated, Partial):
        return bool(moved) and dated.day is not None
    return dated is not None


def _restores_ttl(core: str, context: Context) -> bool:
    """戻しました in answer to B7 speaks of the TTL, not of a roll-back."""
    if Step.RESTORE_TTL in find_steps(core):
        return True
    plainly = re.search(r"切り?戻|ロールバック|mx|roll|メール", core)
    return context.asked is Step.RESTORE_TTL and not plainly


def _asks(core: str, clause: str, _context: Context) -> Reply | None:
    """A question, or a fault that is told, goes to the FAQ."""
    if _is_question(clause):
        return Reply(Meaning.QUESTION, clause)
    if words.FAULT.search(core):
        return Reply(Meaning.QUESTION, clause)
    if words.SYMPTOM.search(core) and not words.YET.search(core) and not words.NO_FIELD.search(core):
        return Reply(Meaning.QUESTION, clause)
    return None


def _not_needed(core: str, clause: str, _context: Context) -> Reply | None:
    if words.NOT_NEEDED.search(core) and not words.NOTICES.search(core):
        return Reply(Meaning.NOT_NEEDED, clause, steps=find_steps(core), everything=names_everything(core))
    return None


def _unfinished(core: str, clause: str, context: Context) -> Reply | None:
    """Not done, or not done yet; with a time, when to ask again."""
    if words.CANT.search(core) and not words.YET.search(core):
        return None
    denied = words.DENIED.search(core) or words.NOT_DONE.search(core)
    if not denied and not words.STILL.search(core):
        return None
    if not denied and words.HEDGE.search(core) and words.DONE.search(core):
        return None
    steps = find_steps(core)
    later = later_at(core, context)
    if later is not None:
        return replace(later, text=clause, steps=steps)
    if words.LATER.search(core):
        return Reply(Meaning.LATER, clause, steps=steps, needs=(Need.TIME,))
    return Reply(Meaning.NOT_YET, clause, steps=steps)


def _cannot(core: str, clause: str, context: Context) -> Reply | None:
    if words.CANT.search(core) is None:
        return None
    later = later_at(core, context)
    if later is not None:
        return replace(later, text=clause)
    if words.LATER.search(core):
        return Reply(Meaning.LATER, clause, steps=find_steps(core), needs=(Need.TIME,))
    return Reply(Meaning.CANT, clause, steps=find_steps(core))


def _finished(core: str, clause: str, context: Context) -> Reply | None:
    found = words.DONE.search(core)
    if found is None:
        return None
    steps = find_steps(core)
    taken_back = words.TAKEN_BACK.search(core[found.end() :]) or words.CONDITION.search(core[: found.start()])
    if taken_back or words.HEDGE.search(core):
        return Reply(Meaning.UNCLEAR, clause, steps=steps, nearest=Meaning.DONE)
    if names_no_step(core):
        return Reply(Meaning.UNCLEAR, clause, nearest=Meaning.DONE, needs=(Need.STEP,))
    if Step.TTL in steps and context.asked is Step.RESTORE_TTL and len(steps) == 1:
        steps = (Step.RESTORE_TTL,)
    return Reply(Meaning.DONE, clause, steps=steps, everything=names_everything(core))


def _time(core: str, clause: str, context: Context) -> Reply | None:
    """A time alone: when to ask again. A full date and time may as well be a new day: that is asked."""
    later = later_at(core, context)
    if later is not None:
        return replace(later, text=clause, steps=find_steps(core))
    if words.LATER.search(core):
        return Reply(Meaning.LATER, clause, steps=find_steps(core), needs=(Need.TIME,))
    return None


def _nearest(text: str) -> Meaning | None:
    """What a mistyped word may have been meant for."""
    if len(text) > 30:
        return None
    close = get_close_matches(text, _KNOWN_WORDS, n=1, cutoff=0.72)
    return _KNOWN_WORDS[close[0]] if close else None
