"""One transaction's repositories."""

from sqlalchemy import Connection

from bot.store.cutovers import SqlCutovers, SqlHistory, SqlObservations
from bot.store.inbox import SqlInbox
from bot.store.outbox import SqlOutbox
from bot.store.people import SqlPeople, SqlPlaces, SqlQuestions
from bot.store.reminders import SqlReminders
from bot.store.workspaces import SqlWorkspaces


class SqlTx:
    """ports.Tx. `connection` is for what is not a port: retention, installations, tests."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.cutovers = SqlCutovers(connection)
        self.history = SqlHistory(connection)
        self.reminders = SqlReminders(connection)
        self.outbox = SqlOutbox(connection)
        self.inbox = SqlInbox(connection)
        self.people = SqlPeople(connection)
        self.observations = SqlObservations(connection)
        self.places = SqlPlaces(connection)
        self.questions = SqlQuestions(connection)
        self.workspaces = SqlWorkspaces(connection)
