"""A submitted form: judged at once, since Slack takes the errors with the acknowledgement only."""

from collections.abc import Mapping
from typing import Any

from bot.domain.authority import Act, Actor, NotAllowed, authorise
from bot.slack import elements as el
from bot.slack.forms import CALLBACK, error_response, filled, not_needed_view
from bot.slack.intake import Delivered
from bot.slack.payloads import Body, who
from bot.slack.people import CannotVerify, Directory
from bot.slack.voice import Voice
from bot.usecases.context import Deps
from bot.usecases.start import Errors, NotNeeded, Request, form_key, validate


class Submissions:
    """Answers a view submission, and reads it again when it is carried out."""

    def __init__(self, deps: Deps, directory: Directory) -> None:
        self._deps = deps
        self._directory = directory

    async def acknowledge(self, delivered: Delivered) -> Mapping[str, Any] | None:
        """Errors for the form, or None: the submission stands and is to be kept."""
        body = delivered.payload
        view: Body = body.get("view") or {}
        if view.get("callback_id") != CALLBACK:
            return {}
        person = who("view", body)
        try:
            actor = await self._directory.actor(delivered.team, person.user, home_team=person.home_team)
            authorise(actor, Act.OPEN, None, self._deps.operators)
        except CannotVerify:
            return _refusal(Voice("ja"), "refuse.cannot_verify")
        except NotAllowed:
            return _refusal(Voice(actor.lang), "refuse.outsider")
        voice = Voice(actor.lang)
        form = await self.form(actor, view)
        if form is None:
            return _refusal(voice, "refuse.gone")
        result = validate(self._deps, filled(view), form.get("domain"))
        if isinstance(result, Errors):
            return error_response(voice, result, has_domain_field=form.get("domain") is None)
        if isinstance(result, NotNeeded):
            return not_needed_view(voice, result)
        return None

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
        result = validate(self._deps, filled(view), form.get("domain"))
        return (str(form["channel"]), result) if isinstance(result, Request) else None


def _refusal(voice: Voice, key: str) -> dict[str, Any]:
    return {
        "response_action": "update",
        "view": {
            "type": "modal",
            "callback_id": "refused",
            "title": el.plain(voice("form.title"), 24),
            "close": el.plain(voice("form.close"), 24),
            "blocks": [el.section(voice(key))],
        },
    }
