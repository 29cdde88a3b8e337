"""What a desk looks at: things to tick besides the checklist, what is due or late, go or no-go.

Pure: a cutover, its ticks and a moment in; lists of codes out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

from bot.domain.cutover import Cutover, State, Step
from bot.domain.plan import LOWER_DAYS, STABLE
from bot.domain.progress import exposed_by


class Item(StrEnum):
    """Something to tick that is no step of the article (procedure, good practice)."""

    INVENTORY = "inventory"  # every account, alias and shared address is registered in MailGates
    INTERNAL_DNS = "internal_dns"  # a server inside that holds the same zone
    ANNOUNCE = "announce"  # the users have been told
    DNS_REQUEST = "dns_request"  # the company that runs the DNS has been asked
    OLD_SERVICE = "old_service"  # the old service keeps accepting mail until t_safe
    GMAIL = "gmail"
    MICROSOFT = "microsoft365"
    DOCOMO = "docomo"
    AU = "au"
    SOFTBANK = "softbank"
    OLD_PROVIDER = "old_provider"
    MAILGATES = "mailgates"  # another customer of the same system
    LOCK_DOWN = "lock_down"  # the mail service takes mail from the gateway only


PREPARE = (Item.INVENTORY, Item.INTERNAL_DNS, Item.ANNOUNCE, Item.DNS_REQUEST, Item.OLD_SERVICE)
TESTS = (
    Item.GMAIL,
    Item.MICROSOFT,
    Item.DOCOMO,
    Item.AU,
    Item.SOFTBANK,
    Item.OLD_PROVIDER,
    Item.MAILGATES,
)

TICKED = "ticked"
UNTICKED = "unticked"
DECIDED = "go_decided"


class Entry(Protocol):
    """A line of the history (ports.HistoryEntry)."""

    @property
    def at(self) -> datetime: ...
    @property
    def kind(self) -> str: ...
    @property
    def actor(self) -> str | None: ...
    @property
    def data(self) -> Mapping[str, object]: ...


@dataclass(frozen=True, slots=True)
class Tick:
    """Who ticked an item, and when."""

    by: str | None
    at: datetime


def ticks(history: Iterable[Entry]) -> Mapping[Item, Tick]:
    """What is ticked, by the last word on each item. `history`: oldest first."""
    found: dict[Item, Tick] = {}
    for entry in history:
        if entry.kind not in (TICKED, UNTICKED):
            continue
        try:
            item = Item(str(entry.data.get("item")))
        except ValueError:
            continue  # an item of a later release
        found.pop(item, None)
        if entry.kind == TICKED:
            found[item] = Tick(entry.actor, entry.at)
    return found


def decided(history: Iterable[Entry], plan_version: int) -> Tick | None:
    """Who said GO for this plan version, and when; a moved day asks for a new decision."""
    said = [e for e in history if e.kind == DECIDED and e.data.get("plan") == plan_version]
    return Tick(said[-1].actor, said[-1].at) if said else None


def lock_down_offered(cutover: Cutover) -> bool:
    """Only after t_safe: earlier, mail that still comes the old way would bounce."""
    return cutover.state in (State.STABILISING, State.FINISHED)


# --- go or no-go ------------------------------------------------------------------------------------


class Readiness(StrEnum):
    """Of one condition."""

    READY = "ready"
    ADVISED = "advised"  # open, and worth doing; it does not forbid the change
    MISSING = "missing"  # open, and the change should not be made with it


@dataclass(frozen=True, slots=True)
class Condition:
    """`code`: a step, an item, or one of safe_to_flip, snapshot, freeze."""

    code: str
    readiness: Readiness


def conditions(
    cutover: Cutover, ticked: Mapping[Item, Tick], now: datetime, *, frozen: bool = False
) -> Sequence[Condition]:
    """What is to hold before the MX is changed, in the order in which it is shown."""

    def step(which: Step, otherwise: Readiness) -> Condition:
        ready = cutover.step(which).settled
        return Condition(which.value, Readiness.READY if ready else otherwise)

    safe = cutover.instants.safe_to_flip
    waiting = safe is not None and safe > max(now, cutover.day)
    snapshot = cutover.snapshot is not None  # one without any MX says what to go back to as well
    found = [
        step(Step.CONNECTOR, Readiness.MISSING),
        step(Step.TTL, Readiness.ADVISED),
        step(Step.SUPPORT, Readiness.ADVISED),
        Condition("snapshot", Readiness.READY if snapshot else Readiness.MISSING),
        Condition("freeze", Readiness.MISSING if frozen else Readiness.READY),
    ]
    if safe is not None:  # before the TTL is lowered there is nothing to wait for
        found.insert(2, Condition("safe_to_flip", Readiness.ADVISED if waiting else Readiness.READY))
    must = {Item.INVENTORY}
    for item in PREPARE:
        otherwise = Readiness.MISSING if item in must else Readiness.ADVISED
        found.append(Condition(item.value, Readiness.READY if item in ticked else otherwise))
    return found


def may_go(found: Iterable[Condition]) -> bool:
    """GO, where nothing is missing that must be there."""
    return all(condition.readiness is not Readiness.MISSING for condition in found)


# --- what is due ------------------------------------------------------------------------------------

GRACE = timedelta(hours=12)  # a task of the morning is late in the evening


class Group(StrEnum):
    """Where a cutover stands on the desk."""

    LATE = "late"
    RUNNING = "running"
    TODAY = "today"
    WEEK = "week"
    REST = "rest"


@dataclass(frozen=True, slots=True)
class Due:
    """The next thing to do in a cutover, and from when on. `step` None: nothing but to wait."""

    at: datetime
    step: Step | None
    group: Group


def due(cutover: Cutover, now: datetime, tz: ZoneInfo) -> Due:
    """What comes next, and how pressing it is on the day of `now` in `tz`."""
    at, step = _next(cutover)
    if _is_late(cutover, at, step, now):
        return Due(at, step, Group.LATE)
    if cutover.state in (State.CHANGING, State.WATCHING, State.ROLLING_BACK):
        return Due(at, step, Group.RUNNING)
    today, then = now.astimezone(tz).date(), at.astimezone(tz).date()
    if then <= today:
        return Due(at, step, Group.TODAY)
    return Due(at, step, Group.WEEK if then <= today + timedelta(days=7) else Group.REST)


def _next(cutover: Cutover) -> tuple[datetime, Step | None]:
    day = cutover.day

    def open_(step: Step) -> bool:
        return not cutover.step(step).settled

    match cutover.state:
        case State.PREPARING:
            if open_(Step.TTL):
                return max(day - timedelta(days=LOWER_DAYS), cutover.opened_at), Step.TTL
            first = next((s for s in (Step.CONNECTOR, Step.SUPPORT) if open_(s)), None)
            return (day - timedelta(days=1), first) if first else (day, Step.MX)
        case State.CHANGING | State.ROLLING_BACK:
            return day, Step.MX if open_(Step.MX) else None
        case State.WATCHING | State.STABILISING:
            exposed = exposed_by(cutover)
            flip = cutover.instants.t_flip or day
            if exposed:
                return flip, exposed[0]
            if cutover.state is State.WATCHING:
                return cutover.instants.t_safe or flip, None
            return flip + STABLE, Step.RESTORE_TTL if open_(Step.RESTORE_TTL) else None
    return day, None


def _is_late(cutover: Cutover, at: datetime, step: Step | None, now: datetime) -> bool:
    if not cutover.is_open or step is None:
        return False
    match cutover.state:
        case State.WATCHING | State.STABILISING if exposed_by(cutover):
            return now - at > timedelta(minutes=30)
        case State.CHANGING:
            return now - at > timedelta(hours=1)
        case State.PREPARING | State.STABILISING:
            return now - at > GRACE
    return False


# --- lists -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cutovers a list shows. Nothing set: the open ones."""

    states: frozenset[State] = frozenset()
    people: frozenset[str] = frozenset()  # owner or assignee
    first: date | None = None  # of the planned day, in the reader's zone
    last: date | None = None
    late: bool = False

    def takes(self, cutover: Cutover, now: datetime, tz: ZoneInfo) -> bool:
        """Whether `cutover` belongs into the list."""
        if self.states and cutover.state not in self.states:
            return False
        if self.people and not self.people & {cutover.owner, *cutover.assignees}:
            return False
        day = cutover.day.astimezone(tz).date()
        if (self.first and day < self.first) or (self.last and day > self.last):
            return False
        return not self.late or due(cutover, now, tz).group is Group.LATE
