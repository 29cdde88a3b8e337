"""A submitted form: judged at once, since Slack takes the errors with the acknowledgement only."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain.authority import Act, Actor, NotAllowed, authorise
from bot.domain.policy import Policy, groups_in
from bot.slack import elements as el
from bot.slack import settings_form, watch
from bot.slack.errors import TryLater
from bot.slack.forms import CALLBACK, error_response, filled, not_needed_view
from bot.slack.groups import Groups
from bot.slack.intake import Delivered
from bot.slack.names import named
from bot.slack.payloads import Body, who
from bot.slack.people import CannotVerify, Directory
from bot.slack.voice import Voice
from bot.usecases.context import Deps, scoped
from bot.usecases.start import Errors, NotNeeded, Request, form_key, validate


class Submissions:
    """Answers a view submission, and reads it again when it is carried out."""

    def __init__(self, deps: Deps, directory: Directory, groups: Groups) -> None:
        self._groups = groups
        self._deps = deps
        self._directory = directory

    async def acknowledge(self, delivered: Delivered) -> Mapping[str, Any] | None:
        """Errors for the form, or None: the submission stands and is to be kept."""
        body = delivered.payload
        view: Body = body.get("view") or {}
        settings = settings_form.is_settings(body)
        if watch.override_of(body) is not None:
            return None  # the cutover that it names is authorised when it is carried out
        if view.get("callback_id") != CALLBACK and not settings:
            return {}
        person = who("view", body)
        deps = await scoped(self._deps, delivered.team)
        try:
            actor = await self._directory.actor(delivered.team, person.user, home_team=person.home_team)
            deps, actor = await self._groups.resolved(deps, actor)
            authorise(actor, Act.SET if settings else Act.OPEN, None, deps.operators)
        except (CannotVerify, TryLater):  # the form waits for its answer
            return _refusal(Voice("ja"), "refuse.cannot_verify")
        except NotAllowed as refused:
            who_could = deps.who_could(refused.who_may)
            return _refusal(Voice(actor.lang), "refuse.outsider", who_could, unsure=deps.unsure)
        voice = Voice(actor.lang)
        if settings:
            chosen = settings_form.policy_of(body) or Policy()
            operators = await self._members(actor, chosen.operators)
            viewers = await self._members(actor, chosen.viewers)
            wrong = settings_form.errors(voice, actor, body, operators, viewers)
            return {"response_action": "errors", "errors": wrong} if wrong else None
        form = await self.form(actor, view)
        if form is None:
            return _refusal(voice, "refuse.gone")
        if not deps.policy.allows(str(form.get("channel", ""))):
            return _refusal(voice, "refuse.not_here", sorted(deps.policy.channels))
        result = validate(deps, filled(view), form.get("domain"))
        if isinstance(result, Errors):
            return error_response(voice, result, has_domain_field=form.get("domain") is None)
        if isinstance(result, NotNeeded):
            return not_needed_view(voice, result)
        return None

    async def _members(self, actor: Actor, ids: frozenset[str]) -> frozenset[str]:
        """`ids`, and everybody in those of them that are groups."""
        found = [await self._groups.members(actor.team, group) or frozenset() for group in groups_in(ids)]
        return ids.union(*found)

    async def form(self, actor: Actor, view: Body) -> Mapping[str, Any] | None:
        """What the form stands for; None where it is not this person's."""
        key = form_key(str(view.get("private_metadata", "")))
        form = await self._deps.store.transact(lambda tx: tx.places.get(actor.team, key))
        return form if form is not None and form.get("user") == actor.user else None

    async def request(self, actor: Actor, body: Body) -> tuple[str, Request] | None:
        """The channel and the request of a submission that was kept; None where it no longer stands."""
        view: Body = body.get("view") or {}
        form = await self.form(actor, view)
        if form is None:
            return None
        deps = await scoped(self._deps, actor.team)
        result = validate(deps, filled(view), form.get("domain"))
        return (str(form["channel"]), result) if isinstance(result, Request) else None


def _refusal(voice: Voice, key: str, who: Sequence[str] = (), *, unsure: bool = False) -> dict[str, Any]:
    """The form turns into the reason why not, and who could."""
    if key == "refuse.not_here":
        text = voice.raw(key, channels=[f"<#{channel}>" for channel in who[:20]])
    elif who:
        text = voice.raw("refuse.not_allowed", who=named(who[:20]))
    else:
        text = voice(key)
    if unsure:
        text += "\n" + voice("refuse.group_unknown")
    return {
        "response_action": "update",
        "view": {
            "type": "modal",
            "callback_id": "refused",
            "title": el.plain(voice("form.title"), 24),
            "close": el.plain(voice("form.close"), 24),
            "blocks": [el.section(text)],
        },
    }
