"""Who somebody is to Slack, and where they stand in a conversation."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select

from bot.domain.teams import Team
from bot.ports import Person
from bot.store.codec import team_columns
from bot.store.dialect import insert_or_replace
from bot.store.scope import of_team
from bot.store.tables import PEOPLE, PLACES


class SqlPeople:
    """ports.People."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, team: Team, user: str) -> Person | None:
        statement = select(PEOPLE).where(of_team(PEOPLE, team), PEOPLE.c.user_id == user)
        row = self._connection.execute(statement).mappings().first()
        if row is None:
            return None
        return Person(
            user=row["user_id"],
            locale=row["locale"],
            tz=row["tz"],
            is_guest=row["is_guest"],
            at=row["at"],
        )

    def put(self, team: Team, person: Person) -> None:
        insert_or_replace(
            self._connection,
            PEOPLE,
            key=("enterprise_id", "team_id", "user_id"),
            values={
                **team_columns(team),
                "user_id": person.user,
                "locale": person.locale,
                "tz": person.tz,
                "is_guest": person.is_guest,
                "at": person.at,
            },
        )


class SqlPlaces:
    """ports.Places."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, team: Team, key: str) -> Mapping[str, Any] | None:
        value: Mapping[str, Any] | None = self._connection.execute(
            select(PLACES.c.value).where(of_team(PLACES, team), PLACES.c.key == key)
        ).scalar_one_or_none()
        return value

    def put(self, team: Team, key: str, value: Mapping[str, Any], at: datetime) -> None:
        insert_or_replace(
            self._connection,
            PLACES,
            key=("enterprise_id", "team_id", "key"),
            values={**team_columns(team), "key": key, "value": dict(value), "at": at},
        )

    def drop(self, team: Team, key: str) -> None:
        self._connection.execute(delete(PLACES).where(of_team(PLACES, team), PLACES.c.key == key))
