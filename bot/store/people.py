"""Who somebody is to Slack, where they stand in a conversation, and what was asked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update

from bot.domain.teams import Team
from bot.ports import Person, Question
from bot.store.codec import team_columns
from bot.store.dialect import insert_or_replace
from bot.store.scope import of_team, team_key
from bot.store.tables import PEOPLE, PLACES, QUESTIONS

GET_PERSON = select(PEOPLE).where(of_team(PEOPLE), PEOPLE.c.user_id == bindparam("of_user"))
_THE_PLACE = (of_team(PLACES), PLACES.c.key == bindparam("of_key"))
GET_PLACE = select(PLACES.c.value).where(*_THE_PLACE)
DROP_PLACE = delete(PLACES).where(*_THE_PLACE)
ASK = insert(QUESTIONS).returning(QUESTIONS.c.id)
RATE = (
    update(QUESTIONS)
    .where(of_team(QUESTIONS), QUESTIONS.c.id == bindparam("of_id"))
    .values(helped=bindparam("has_helped"))
)
UNANSWERED = (
    select(QUESTIONS)
    .where(
        QUESTIONS.c.at >= bindparam("since"),
        or_(QUESTIONS.c.entry.is_(None), QUESTIONS.c.helped.is_(False)),
    )
    .order_by(QUESTIONS.c.at.desc(), QUESTIONS.c.id.desc())
    .limit(bindparam("limit"))
)


class SqlPeople:
    """ports.People."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, team: Team, user: str) -> Person | None:
        row = self._connection.execute(GET_PERSON, team_key(team, of_user=user)).mappings().first()
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
        values = {
            **team_columns(team),
            "user_id": person.user,
            "locale": person.locale,
            "tz": person.tz,
            "is_guest": person.is_guest,
            "at": person.at,
        }
        self._connection.execute(insert_or_replace(self._connection.dialect.name, PEOPLE), values)


class SqlPlaces:
    """ports.Places."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, team: Team, key: str) -> Mapping[str, Any] | None:
        value: Mapping[str, Any] | None = self._connection.execute(
            GET_PLACE, team_key(team, of_key=key)
        ).scalar_one_or_none()
        return value

    def put(self, team: Team, key: str, value: Mapping[str, Any], at: datetime) -> None:
        values = {**team_columns(team), "key": key, "value": dict(value), "at": at}
        self._connection.execute(insert_or_replace(self._connection.dialect.name, PLACES), values)

    def drop(self, team: Team, key: str) -> None:
        self._connection.execute(DROP_PLACE, team_key(team, of_key=key))


class SqlQuestions:
    """ports.Questions."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, team: Team, question: Question) -> int:
        values = {
            **team_columns(team),
            "text": question.text,
            "lang": question.lang,
            "decision": question.decision,
            "entry": question.entry,
            "at": question.at,
            "helped": question.helped,
        }
        row_id: int = self._connection.execute(ASK, values).scalar_one()
        return row_id

    def rate(self, team: Team, question_id: int, helped: bool) -> bool:
        parameters = team_key(team, of_id=question_id, has_helped=helped)
        return self._connection.execute(RATE, parameters).rowcount == 1

    def unanswered(self, *, since: datetime, limit: int) -> Sequence[Question]:
        found = self._connection.execute(UNANSWERED, {"since": since, "limit": limit}).mappings()
        return [
            Question(
                text=row["text"],
                lang=row["lang"],
                decision=row["decision"],
                entry=row["entry"],
                at=row["at"],
                helped=row["helped"],
            )
            for row in found
        ]
