"""Who somebody is to Slack, where they stand in a conversation, and what was asked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select, update

from bot.domain.teams import Team
from bot.ports import Person, Question
from bot.store.codec import team_columns
from bot.store.dialect import insert_or_replace
from bot.store.scope import of_team
from bot.store.tables import PEOPLE, PLACES, QUESTIONS


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


class SqlQuestions:
    """ports.Questions."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, team: Team, question: Question) -> int:
        statement = (
            insert(QUESTIONS)
            .values(
                **team_columns(team),
                text=question.text,
                lang=question.lang,
                decision=question.decision,
                entry=question.entry,
                at=question.at,
                helped=question.helped,
            )
            .returning(QUESTIONS.c.id)
        )
        row_id: int = self._connection.execute(statement).scalar_one()
        return row_id

    def rate(self, team: Team, question_id: int, helped: bool) -> bool:
        statement = (
            update(QUESTIONS)
            .where(of_team(QUESTIONS, team), QUESTIONS.c.id == question_id)
            .values(helped=helped)
        )
        return self._connection.execute(statement).rowcount == 1

    def unanswered(self, *, since: datetime, limit: int) -> Sequence[Question]:
        statement = (
            select(QUESTIONS)
            .where(
                QUESTIONS.c.at >= since,
                or_(QUESTIONS.c.entry.is_(None), QUESTIONS.c.helped.is_(False)),
            )
            .order_by(QUESTIONS.c.at.desc(), QUESTIONS.c.id.desc())
            .limit(limit)
        )
        return [
            Question(
                text=row["text"],
                lang=row["lang"],
                decision=row["decision"],
                entry=row["entry"],
                at=row["at"],
                helped=row["helped"],
            )
            for row in self._connection.execute(statement).mappings()
        ]
