"""What every use case is given, and how its answer finds the way back."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol, TypeVar

from bot.domain.authority import Actor
from bot.domain.calendar import BusinessCalendar
from bot.domain.findings import Finding
from bot.domain.names import NameRules
from bot.domain.policy import Policy, policy_from_json
from bot.domain.teams import Team
from bot.ports import Clock, Delivery, Dns, Outgoing, Store, Tx, VersionConflict
from bot.usecases.ask import Asker

T = TypeVar("T")


class HostNamer(Protocol):
    def __call__(self, nameservers: tuple[str, ...]) -> str | None:
        """The id of the DNS host that these NS names belong to (procedure B3)."""
        ...


@dataclass(frozen=True, slots=True)
class Deps:
    """The ports and the rules that stay the same for a running bot."""

    store: Store
    dns: Dns
    clock: Clock
    asker: Asker
    calendar: BusinessCalendar
    rules: NameRules
    name_host: HostNamer
    can_lower_ttl: Callable[[str], bool | None] = field(default=lambda host: None)  # by such an id
    operators: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()  # operators as they were set, where some of them are by group
    unsure: bool = False  # Slack did not say who is in a group of operators
    policy: Policy = field(default_factory=Policy)  # what the environment sets; see `scoped`
    wake: Callable[[], None] = field(default=lambda: None)
    then: Callable[[Tx], None] | None = None  # to be done with what settles the delivery (see `transact`)
    note: Callable[..., None] = field(default=lambda event, **ids: None)  # a line of the log, with its ids
    looks_per_minute: int = 0  # looks at DNS that one person may cause; 0: any number

    def who_could(self, people: tuple[str, ...]) -> list[str]:
        """Of those who could, the operators by the group that was set, not by each of its members.

        Nobody of them: those who may look, where the workspace has set that.
        """
        by_group = self.operators - self.named if self.named else frozenset()
        return [one for one in people if one not in by_group] or sorted(self.policy.viewers)


@dataclass(frozen=True, slots=True)
class Where:
    """Where somebody spoke: a channel, maybe a thread, maybe with a response_url to answer in private."""

    channel: str
    thread_ts: str | None = None
    response_url: str | None = None
    is_dm: bool = False
    lang: str | None = None  # of what everybody there sees; None: as the person speaks
    message_ts: str | None = None  # the message that was clicked
    is_ephemeral: bool = False  # that message is seen by the person alone

    def again(self, actor: Actor, kind: str, args: Mapping[str, Any] | None = None, **more: Any) -> Outgoing:
        """In place of the message that was clicked; a new private answer where nothing was.

        `lang`: of a message that everybody sees.
        """
        shared = more.pop("lang", None)
        if self.message_ts is None:
            return self.private(actor, kind, args, **more)
        if self.is_ephemeral:
            return self.private(actor, kind, {**(args or {}), "replace": True}, **more)
        return Outgoing(
            Delivery.UPDATE,
            kind,
            args or {},
            lang=actor.lang if self.is_dm else self.lang or shared or actor.lang,
            channel=self.channel,
            update_ts=self.message_ts,
            **more,
        )

    def private(
        self, actor: Actor, kind: str, args: Mapping[str, Any] | None = None, **more: Any
    ) -> Outgoing:
        """An answer for the actor's eyes: by response_url, in the DM, or ephemeral in the channel."""
        delivery = Delivery.EPHEMERAL
        if self.response_url:
            delivery = Delivery.RESPONSE
        elif self.is_dm:
            delivery = Delivery.POST
        return Outgoing(
            delivery,
            kind,
            args or {},
            lang=actor.lang,
            channel=self.channel,
            user=actor.user,
            thread_ts=self.thread_ts,
            response_url=self.response_url,
            **more,
        )

    def here(self, actor: Actor, kind: str, args: Mapping[str, Any] | None = None, **more: Any) -> Outgoing:
        """An answer that everybody there sees, in the same thread where there is one."""
        lang = more.pop("lang", None) or self.lang or actor.lang
        return Outgoing(
            Delivery.POST, kind, args or {}, lang=lang, channel=self.channel, thread_ts=self.thread_ts, **more
        )


class DoneBefore(Exception):
    """This delivery was dealt with already; nothing was written."""


async def scoped(deps: Deps, team: Team) -> Deps:
    """The rules as `team` has set them; what it has not set is as the environment says."""
    policy = await deps.store.transact(lambda tx: policy_in(tx, deps, team))
    return replace(deps, policy=policy, operators=policy.operators)


def policy_in(tx: Tx, deps: Deps, team: Team) -> Policy:
    """What `team` has set, as `scoped` reads it."""
    kept = tx.workspaces.settings(team)
    return deps.policy if kept is None else policy_from_json(kept)


async def transact(deps: Deps, team: Team, row_id: int | None, work: Callable[[Tx], T]) -> T:
    """Run `work` and settle the inbox row with it, together or not at all; then wake the sender.

    What is to follow the delivery (`deps.then`) is put down in the same transaction.

    Raises DoneBefore where the row was settled before, and whatever `work` raises.
    """

    def both(tx: Tx) -> T:
        if row_id is not None:
            if not tx.inbox.done(row_id):
                raise DoneBefore
            if deps.then is not None:
                deps.then(tx)
        return work(tx)

    result = await deps.store.transact(both)
    deps.wake()
    return result


async def persistently(attempt: Callable[[], Awaitable[T]], *, tries: int = 5) -> T:
    """Decide again on fresh data when somebody else saved the cutover in between."""
    for _ in range(tries - 1):
        try:
            return await attempt()
        except VersionConflict:
            continue
    return await attempt()


async def say(deps: Deps, team: Team, row_id: int | None, *messages: Outgoing) -> None:
    """Put messages into the outbox and settle the delivery."""

    def work(tx: Tx) -> None:
        for message in messages:
            tx.outbox.put(team, message)

    await transact(deps, team, row_id, work)


def finding_data(findings: tuple[Finding, ...]) -> list[dict[str, Any]]:
    """Findings as message arguments."""
    return [
        {
            "id": finding.id,
            "status": finding.status.value,
            "severity": finding.severity.value,
            "args": dict(finding.args),
        }
        for finding in findings
    ]


def jsonable(args: Mapping[str, Any]) -> dict[str, Any]:
    """Message arguments as a row keeps them; an instant becomes `{"at": ISO}`, which the renderer knows."""
    return {
        name: {"at": value.isoformat()} if isinstance(value, datetime) else value
        for name, value in args.items()
    }
