"""The one door for what Slack delivers: kept in the inbox before it is acknowledged, worked on after.

A global middleware, because Bolt acknowledges an event before any listener runs: a crash in between
would lose it. Whatever cannot be kept is not acknowledged, so Slack delivers it again (events) or tells
the person (commands, clicks).
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.domain.teams import Team
from bot.ports import Clock, Store
from bot.slack.payloads import authorized_user
from bot.slack.sender import Clients
from bot.slack.shape import TooMuch, storable, well_formed
from bot.slack.vault import BadTokenKey

log = structlog.get_logger(__name__)

SLACK_HOOKS = ("https://hooks.slack.com/", "https://hooks.slack-gov.com/")
ADMITTED = "admitted"  # where the door leaves what it has classified, in Bolt's context of the request
SYNCHRONOUS = "view"  # a submission's answer is its acknowledgement: it may carry errors for the form


@dataclass(frozen=True, slots=True)
class Delivered:
    """One delivery, classified. `delivery_id` is the same when Slack delivers it again."""

    kind: str
    delivery_id: str
    team: Team
    payload: Mapping[str, Any]


Work = Callable[[int], None]
Submit = Callable[[Delivered], Awaitable[Mapping[str, Any] | None]]


def classify(given: object) -> Delivered | None:
    """What a request body is; None for what the bot has no use for (it is acknowledged all the same).

    Of no use is also what is not of the shape that Slack documents: sent again, it would be no better.
    Raises nothing.
    """
    if not isinstance(given, Mapping):
        return None
    kind = _kind(given)
    if kind is None:
        return None
    try:
        body: Mapping[str, Any] = storable(given)
    except TooMuch:
        log.warning("put aside: too much in it", kind=kind)
        return None
    if not well_formed(kind, body):
        log.warning("put aside: not of Slack's shape", kind=kind)
        return None
    team_part = body.get("team")
    team_id = body.get("team_id") or (team_part.get("id") if isinstance(team_part, Mapping) else None) or ""
    enterprise_part = body.get("enterprise")
    enterprise_id = (
        body.get("enterprise_id")
        or (enterprise_part.get("id") if isinstance(enterprise_part, Mapping) else None)
        or ""
    )
    # The same delivery again has the same body to the letter; its trigger makes it unlike any other.
    unique = body.get("event_id") if kind == "event" else None
    if not unique:
        text = json.dumps(body, sort_keys=True, ensure_ascii=False)
        unique = hashlib.sha256(text.encode()).hexdigest()
    return Delivered(kind, f"{kind}:{unique}", Team(str(enterprise_id), str(team_id)), body)


class Odd(ValueError):
    """A request body that Bolt cannot be given."""


def admit(body: object) -> Delivered | None:
    """As `classify`; raises Odd for what is not of Slack's shape.

    Bolt reads a payload itself before any of the bot's own code sees it, and stumbles over odd ones.
    """
    delivered = classify(body)
    if delivered is None and not (isinstance(body, Mapping) and _kind(body) is None):
        raise Odd
    return delivered


def _kind(body: Mapping[str, Any]) -> str | None:
    if "command" in body:
        return "command"
    match body.get("type"):
        case "event_callback":
            return "event"
        case "block_actions":
            return "action"
        case "view_submission" | "view_closed":
            return "view" if body["type"] == "view_submission" else None
        case "shortcut" | "message_action":
            return "shortcut"
    return None


_SAID_BY_PEOPLE = (None, "thread_broadcast", "file_share")


def own_echo(body: Mapping[str, Any]) -> bool:
    """Whether an event is a bot's message, or an edit of any: never to be answered. Its own come back too."""
    event = body.get("event")
    if not isinstance(event, Mapping):
        return False
    if event.get("type") == "message" and event.get("subtype") not in _SAID_BY_PEOPLE:
        return True
    bot_user = authorized_user(body)
    return bool(event.get("bot_id")) or (bot_user is not None and event.get("user") == bot_user)


class Intake(AsyncMiddleware):
    """Keeps deliveries and hands them on. Bolt's `before_authorize`; nothing else is registered.

    Before, because authorising asks Slack: a moment in which auth.test fails would be acknowledged, and
    the delivery lost. A middleware of Bolt's own kind, not a function, for which Bolt would look up the
    arguments anew each time.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        work: Work,
        submit: Submit,
        clients: Clients,
        *,
        answer_at: tuple[str, ...] = (),
    ) -> None:
        """`answer_at`: what the addresses begin with to which answers may be sent, besides Slack's own."""
        self._answer_at = (*SLACK_HOOKS, *answer_at)
        self._store = store
        self._clock = clock
        self._work = work
        self._submit = submit
        self._clients = clients

    async def async_process(
        self, *, req: AsyncBoltRequest, resp: BoltResponse, next: Callable[[], Awaitable[BoltResponse]]
    ) -> BoltResponse | None:
        """Take one delivery; 503 where it could not be kept, so that Slack sends it again."""
        if req.body.get("type") == "url_verification":
            return await next()
        try:
            return await self._take(req)
        except BadTokenKey as bad:
            log.critical("not kept, so not acknowledged", why=str(bad))
        except Exception:
            log.exception("not kept, so not acknowledged")
        return BoltResponse(status=503, body="")

    async def _take(self, req: AsyncBoltRequest) -> BoltResponse:
        delivered = req.context[ADMITTED] if ADMITTED in req.context else classify(req.body)
        if delivered is None or own_echo(delivered.payload):
            return BoltResponse(status=200, body="")
        if await self._clients.of(delivered.team) is None:
            log.warning("put aside: not installed there", kind=delivered.kind, team_id=delivered.team.team_id)
            return BoltResponse(status=200, body="")
        delivered = self._without_strange_address(delivered)
        if delivered.kind == SYNCHRONOUS:
            answer = await self._submit(delivered)
            if answer is not None:
                return BoltResponse(
                    status=200,
                    body=json.dumps(answer, ensure_ascii=False),
                    headers={"content-type": "application/json"},
                )
        await self.keep(delivered)
        return BoltResponse(status=200, body="")

    def _without_strange_address(self, delivered: Delivered) -> Delivered:
        """A response_url elsewhere is left out: the answer then goes by the API, to the person alone."""
        url = delivered.payload.get("response_url")
        if url is None or url.startswith(self._answer_at):
            return delivered
        log.warning("an address for answers that is not Slack's", kind=delivered.kind)
        rest = {name: value for name, value in delivered.payload.items() if name != "response_url"}
        return replace(delivered, payload=rest)

    async def keep(self, delivered: Delivered) -> None:
        """Store the delivery and start its work; one that was stored before is left alone."""
        at = self._clock.now()
        row_id = await self._store.transact(
            lambda tx: tx.inbox.accept(
                delivered.delivery_id, delivered.kind, delivered.team, delivered.payload, at
            )
        )
        if row_id is not None:
            self._work(row_id)
