"""Whose data a row is: the key that scopes every query."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Team:
    """One Slack workspace. `enterprise_id` is "" outside Enterprise Grid."""

    enterprise_id: str
    team_id: str
