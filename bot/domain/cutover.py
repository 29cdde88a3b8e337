"""What an MX cutover is: its phases, steps and events, and the one table that moves it.

Pure: facts and events in, a new state out. Times are aware UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from bot.domain.mx import MxSet
from bot.domain.teams import Team


class Product(StrEnum):
    """The contract (procedure P2-P4)."""

    MAILGATES = "mailgates"
    SECURITYSUITE = "securitysuite"
    SECURITYSUITE_BUSINESS = "securitysuite_business"


class Plan(StrEnum):
    """The plan within the contract (procedure P2-P4)."""

    LITE = "lite"
    COMPACT = "compact"
    BASIC = "basic"
    STANDARD = "standard"
    PREMIUM = "premium"
    BUSINESS = "business"  # ビジネス
    SENDING = "sending"  # 送信対策
    ARCHIVE = "archive"  # アーカイブ
    ENTERPRISE = "enterprise"  # エンタープライズ
    RECEIVING = "receiving"  # 受信対策
    BOTH_WAYS = "both_ways"  # 送受信対策
    SIGMA = "sigma"  # MAILGATES Σ itself, which has no plan


class MailService(StrEnum):
    """Where MailGates delivers to afterwards (procedure B1)."""

    GOOGLE = "google"
    MICROSOFT = "microsoft"
    OTHER = "other"


class State(StrEnum):
    """Where a cutover stands."""

    PREPARING = "preparing"
    CHANGING = "changing"  # the planned time has come, or the first new MX was seen
    WATCHING = "watching"  # every authoritative address has the new set; caches may hold the old
    STABILISING = "stabilising"  # t_safe has passed; ten days until the TTL is restored
    FINISHED = "finished"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"
    CANCELLED = "cancelled"


OPEN_STATES = frozenset(
    {State.PREPARING, State.CHANGING, State.WATCHING, State.STABILISING, State.ROLLING_BACK}
)


class Event(StrEnum):
    """What can happen to a cutover."""

    DAY_BEGAN = "day_began"
    MX_SEEN_SOME = "mx_seen_some"  # some authoritative address gives the new set
    MX_SEEN_ALL = "mx_seen_all"  # every one does
    MX_WENT_BACK = "mx_went_back"  # one that had it gives something else again
    SAFE_REACHED = "safe_reached"
    TTL_RESTORED = "ttl_restored"
    RESCHEDULED = "rescheduled"
    ROLL_BACK = "roll_back"
    OLD_MX_SEEN_ALL = "old_mx_seen_all"
    CANCEL = "cancel"


class Step(StrEnum):
    """A line of the checklist; in the order in which it is shown."""

    CONNECTOR = "connector"  # B1
    TTL = "ttl"  # B2, B4
    SUPPORT = "support"  # W3
    MX = "mx"  # the day, 1
    ADMIN = "admin"  # 2
    ALLOW_RULE = "allow_rule"  # 3
    DELIVERY = "delivery"  # 4
    OUTSIDE_TEST = "outside_test"  # 5
    ZIP = "zip"  # 6
    RESTORE_TTL = "restore_ttl"  # B7


PREPARATION = (Step.CONNECTOR, Step.TTL, Step.SUPPORT)
THE_DAY = (Step.MX, Step.ADMIN, Step.ALLOW_RULE, Step.DELIVERY, Step.OUTSIDE_TEST, Step.ZIP)
AFTERWARDS = (Step.RESTORE_TTL,)


class StepStatus(StrEnum):
    OPEN = "open"
    DONE = "done"
    SKIPPED = "skipped"  # somebody said why it cannot be done; the reason is kept
    NOT_NEEDED = "not_needed"


@dataclass(frozen=True, slots=True)
class StepState:
    """How one step stands, who said so and when. `verified` is set where DNS itself showed it."""

    status: StepStatus = StepStatus.OPEN
    by: str | None = None
    at: datetime | None = None
    reason: str | None = None
    verified: bool = False

    @property
    def settled(self) -> bool:
        return self.status is not StepStatus.OPEN


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the authoritative servers gave when the cutover was opened; roll-back and B7 use it."""

    mx: MxSet
    ttl: int | None
    nameservers: tuple[str, ...]
    dns_host: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Instants:
    """The instants of dns-checks.md, as last derived from stored observations; None: not yet."""

    t_lowered: datetime | None = None
    safe_to_flip: datetime | None = None
    t_flip: datetime | None = None
    t_safe: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cutover:
    """One domain's change of MX, as stored."""

    id: str
    team: Team
    domain: str  # A-label form, lower case, no final dot
    product: Product
    plan: Plan
    mail_service: MailService
    expected: MxSet
    day: datetime  # the planned moment of the change
    owner: str
    channel: str
    opened_at: datetime
    lang: str = "ja"
    tz: str = "Asia/Tokyo"
    state: State = State.PREPARING
    plan_version: int = 1
    version: int = 0  # optimistic lock: raised by each save
    steps: Mapping[Step, StepState] = field(default_factory=dict)
    snapshot: Snapshot | None = None
    instants: Instants = Instants()
    asked: Step | None = None  # the step that the last message in the thread asked for
    thread_ts: str | None = None
    assignees: tuple[str, ...] = ()
    next_look_at: datetime | None = None  # when DNS is to be looked at again, unasked
    progress_ts: str | None = None  # the message that shows the change arriving, edited in place
    alert: str | None = None  # what the last unasked warning was about; None: all is well

    def step(self, step: Step) -> StepState:
        return self.steps.get(step, StepState())

    def with_step(self, step: Step, state: StepState) -> "Cutover":
        return replace(self, steps={**self.steps, step: state})

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES


TRANSITIONS: Mapping[tuple[State, Event], State] = {
    (State.PREPARING, Event.RESCHEDULED): State.PREPARING,
    (State.PREPARING, Event.DAY_BEGAN): State.CHANGING,
    (State.PREPARING, Event.MX_SEEN_SOME): State.CHANGING,
    (State.PREPARING, Event.MX_SEEN_ALL): State.WATCHING,
    (State.PREPARING, Event.CANCEL): State.CANCELLED,
    (State.CHANGING, Event.RESCHEDULED): State.PREPARING,
    (State.CHANGING, Event.MX_SEEN_SOME): State.CHANGING,
    (State.CHANGING, Event.MX_SEEN_ALL): State.WATCHING,
    (State.CHANGING, Event.ROLL_BACK): State.ROLLING_BACK,
    (State.CHANGING, Event.CANCEL): State.CANCELLED,
    (State.WATCHING, Event.MX_WENT_BACK): State.CHANGING,
    (State.WATCHING, Event.MX_SEEN_ALL): State.WATCHING,
    (State.WATCHING, Event.SAFE_REACHED): State.STABILISING,
    (State.WATCHING, Event.ROLL_BACK): State.ROLLING_BACK,
    (State.STABILISING, Event.MX_WENT_BACK): State.CHANGING,
    (State.STABILISING, Event.MX_SEEN_ALL): State.STABILISING,
    (State.STABILISING, Event.TTL_RESTORED): State.FINISHED,
    (State.STABILISING, Event.ROLL_BACK): State.ROLLING_BACK,
    (State.ROLLING_BACK, Event.OLD_MX_SEEN_ALL): State.ROLLED_BACK,
    (State.ROLLING_BACK, Event.CANCEL): State.CANCELLED,
}


class NotNow(Exception):
    """The event has no meaning in this state; nothing was changed."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"{event} does not apply to a cutover that is {state}")
        self.state = state
        self.event = event


def decide(state: State, event: Event) -> State:
    """The state after `event`. Raises NotNow where the table has no such row."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise NotNow(state, event) from None


def accepts(state: State, event: Event) -> bool:
    """Whether `event` has a meaning in `state`."""
    return (state, event) in TRANSITIONS
