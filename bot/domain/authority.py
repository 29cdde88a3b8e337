"""Who may do what. Asked afresh at every click, submission and reply; a message is no authority."""

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.cutover import Cutover
from bot.domain.teams import Team


class Role(StrEnum):
    """What somebody is to one cutover."""

    OWNER = "owner"
    ASSIGNEE = "assignee"
    OPERATOR = "operator"
    VIEWER = "viewer"  # a full member of the workspace
    STRANGER = "stranger"  # a full member whom the viewers that are set leave out
    OUTSIDER = "outsider"  # a guest, or somebody of another workspace


class Act(StrEnum):
    """What a person asks the bot to do, as far as authority is concerned."""

    SEE = "see"
    OPEN = "open"
    SETTLE = "settle"  # answer a reminder, tick a step
    MOVE = "move"  # reschedule, assign
    END = "end"  # cancel, roll back, override a guard
    SET = "set"  # the workspace's own settings


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, as the workspace vouches for them at this moment."""

    team: Team
    user: str
    lang: str = "ja"
    tz: str = "Asia/Tokyo"
    is_guest: bool = False
    is_foreign: bool = False
    is_viewer: bool = True  # False: the workspace has set who may look, and this is none of them


ALLOWED: dict[Act, frozenset[Role]] = {
    Act.SEE: frozenset({Role.OWNER, Role.ASSIGNEE, Role.OPERATOR, Role.VIEWER}),
    Act.OPEN: frozenset({Role.OWNER, Role.ASSIGNEE, Role.OPERATOR, Role.VIEWER}),
    Act.SETTLE: frozenset({Role.OWNER, Role.ASSIGNEE, Role.OPERATOR}),
    Act.MOVE: frozenset({Role.OWNER, Role.ASSIGNEE, Role.OPERATOR}),
    Act.END: frozenset({Role.OWNER, Role.OPERATOR}),
    Act.SET: frozenset({Role.OPERATOR}),
}


class NotAllowed(Exception):
    """The actor may not; `who_may` names those who could (roles of people that exist for this cutover)."""

    def __init__(self, act: Act, who_may: tuple[str, ...]) -> None:
        super().__init__(f"not allowed: {act}")
        self.act = act
        self.who_may = who_may


def role_of(actor: Actor, cutover: Cutover | None, operators: frozenset[str]) -> Role:
    """The actor's role. With no operators set, everybody who may look is one."""
    if actor.is_guest or actor.is_foreign or (cutover is not None and cutover.team != actor.team):
        return Role.OUTSIDER
    if cutover is not None and cutover.owner == actor.user:
        return Role.OWNER
    if cutover is not None and actor.user in cutover.assignees:
        return Role.ASSIGNEE
    if actor.user in operators:
        return Role.OPERATOR
    if not actor.is_viewer:
        return Role.STRANGER
    return Role.VIEWER if operators else Role.OPERATOR


def authorise(actor: Actor, act: Act, cutover: Cutover | None, operators: frozenset[str]) -> None:
    """Raises NotAllowed where the actor's role does not cover `act`."""
    if role_of(actor, cutover, operators) in ALLOWED[act]:
        return
    people: list[str] = []
    if cutover is not None and cutover.team == actor.team:
        people = [cutover.owner]
        if act is not Act.END:
            people += list(cutover.assignees)
    people += sorted(operators)
    raise NotAllowed(act, tuple(dict.fromkeys(people)))
