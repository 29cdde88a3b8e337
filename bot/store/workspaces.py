"""A workspace as a whole: its installation, and what was set in it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from bot.domain.teams import Team
from bot.ports import Installation
from bot.store.codec import team_columns, team_of
from bot.store.dialect import insert_or_replace
from bot.store.scope import of_team, team_key
from bot.store.tables import WORKSPACES

ALL = select(WORKSPACES).order_by(WORKSPACES.c.enterprise_id, WORKSPACES.c.team_id)
GET = select(WORKSPACES).where(of_team(WORKSPACES))


class SqlWorkspaces:
    """ports.Workspaces."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def installation(self, team: Team) -> Installation | None:
        row = self._row(team)
        if row is None or row.installation is None:
            return None
        kept = dict(row.installation)
        return Installation(
            **{**kept, "scopes": tuple(kept["scopes"]), "at": datetime.fromisoformat(kept["at"])}
        )

    def installed(self) -> tuple[Team, ...]:
        rows = self._connection.execute(ALL).mappings()
        return tuple(team_of(row) for row in rows if row["installation"] is not None)

    def install(self, team: Team, installation: Installation) -> None:
        kept = {
            "bot_token": installation.bot_token,
            "bot_user": installation.bot_user,
            "bot_id": installation.bot_id,
            "app_id": installation.app_id,
            "scopes": list(installation.scopes),
            "installed_by": installation.installed_by,
            "team_name": installation.team_name,
            "at": installation.at.isoformat(),
        }
        self._put(team, kept, self.settings(team), installation.at)

    def uninstall(self, team: Team) -> bool:
        row = self._row(team)
        if row is None or row.installation is None:
            return False
        self._put(team, None, row.settings, row.at)
        return True

    def settings(self, team: Team) -> Mapping[str, Any] | None:
        row = self._row(team)
        return None if row is None else row.settings

    def set(self, team: Team, settings: Mapping[str, Any], at: datetime) -> None:
        row = self._row(team)
        self._put(team, None if row is None else row.installation, settings, at)

    def _row(self, team: Team) -> Row[Any] | None:
        return self._connection.execute(GET, team_key(team)).first()

    def _put(
        self,
        team: Team,
        installation: Mapping[str, Any] | None,
        settings: Mapping[str, Any] | None,
        at: datetime,
    ) -> None:
        values = {
            **team_columns(team),
            "installation": dict(installation) if installation is not None else None,
            "settings": dict(settings) if settings is not None else None,
            "at": at,
        }
        self._connection.execute(insert_or_replace(self._connection.dialect.name, WORKSPACES), values)
