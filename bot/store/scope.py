"""The one condition that no query of a team's rows goes without."""

from sqlalchemy import ColumnElement, Table, and_

from bot.domain.teams import Team


def of_team(table: Table, team: Team) -> ColumnElement[bool]:
    return and_(table.c.enterprise_id == team.enterprise_id, table.c.team_id == team.team_id)


def of_cutover(table: Table, team: Team, cutover_id: str) -> ColumnElement[bool]:
    """Rows that hang on one cutover."""
    return and_(of_team(table, team), table.c.cutover_id == cutover_id)
