"""The one condition that no query of a team's rows goes without.

Statements are built once, with the team as parameters; `team_key` and `cutover_key` give their values.
"""

from typing import Any

from sqlalchemy import ColumnElement, Table, and_, bindparam

from bot.domain.teams import Team


def of_team(table: Table) -> ColumnElement[bool]:
    return and_(table.c.enterprise_id == bindparam("of_enterprise"), table.c.team_id == bindparam("of_team"))


def of_cutover(table: Table) -> ColumnElement[bool]:
    """Rows that hang on one cutover."""
    return and_(of_team(table), table.c.cutover_id == bindparam("of_cutover"))


def team_key(team: Team, **more: Any) -> dict[str, Any]:
    """The parameters of `of_team`, and `more`."""
    return {"of_enterprise": team.enterprise_id, "of_team": team.team_id, **more}


def cutover_key(team: Team, cutover_id: str, **more: Any) -> dict[str, Any]:
    """The parameters of `of_cutover`, and `more`."""
    return team_key(team, of_cutover=cutover_id, **more)
