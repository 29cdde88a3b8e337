"""Settings, from the environment and `.env`. Every one is documented in the README; a test compares."""

from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _words(value: object) -> object:
    """Comma- or space-separated text as a list."""
    if isinstance(value, str):
        return [word for word in value.replace(",", " ").split() if word]
    return value


# Reserved for private use, or in use there though never delegated: RFC 6761, 6762, 7686, 8375, 9476, ICANN's
# .internal, and the names of its report on collisions. A question for one tells outsiders of the inside.
INTERNAL = (
    "internal", "local", "localhost", "localdomain", "lan", "intranet", "private", "corp", "home", "mail",
    "home.arpa", "onion", "alt",
)  # fmt: skip

Words = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """What an operator can set. SLACK_* and DATABASE_URL keep the names that others use too."""

    model_config = SettingsConfigDict(
        env_prefix="MXCUTOVER_", env_file=".env", extra="ignore", populate_by_name=True
    )

    slack_bot_token: SecretStr | None = Field(
        default=None, validation_alias="SLACK_BOT_TOKEN", description="Bot token, xoxb-…"
    )
    slack_app_token: SecretStr | None = Field(
        default=None, validation_alias="SLACK_APP_TOKEN", description="App token, xapp-…: Socket Mode"
    )
    slack_signing_secret: SecretStr | None = Field(
        default=None, validation_alias="SLACK_SIGNING_SECRET", description="Signing secret: HTTP"
    )
    slack_client_id: str = Field(
        default="",
        validation_alias="SLACK_CLIENT_ID",
        description="Client id: the app is installed in several workspaces, over HTTP",
    )
    slack_client_secret: SecretStr | None = Field(
        default=None, validation_alias="SLACK_CLIENT_SECRET", description="Client secret, with the client id"
    )
    slack_api_url: str = Field(
        default="https://slack.com/api/",
        validation_alias="SLACK_API_URL",
        description="Another server that speaks Slack's Web API",
    )
    token_key: SecretStr | None = Field(
        default=None,
        description="Keys that encrypt the workspaces' tokens in the database, the newest first",
    )
    database_url: SecretStr | None = Field(
        default=None,
        validation_alias="DATABASE_URL",
        description="SQLAlchemy URL; without it SQLite in the data folder",
    )
    data: Path = Field(default=Path("data"), description="Folder for the database and back-ups")
    host: str = Field(default="127.0.0.1", description="Address to listen on")
    port: int = Field(default=3000, description="Port for Slack's HTTP requests or the local workspace")
    health_host: str = Field(default="127.0.0.1", description="Address of the health checks' own port")
    health_port: int = Field(
        default=0, ge=0, le=65535, description="Port for the health checks alone; 0: the other port has them"
    )
    resolvers: Words = Field(
        default=(), description="Recursive resolvers as HOST or HOST:PORT; without it the system's"
    )
    nameservers: Words = Field(
        default=(), description="Authoritative servers as HOST:PORT; then no delegation is followed"
    )
    sample_resolvers: Words = Field(
        default=("8.8.8.8", "1.1.1.1", "9.9.9.9"),
        description="Public caches that are sampled after the change; empty: none",
    )
    closed_days: Words = Field(
        default=(), description="Further days without support, as YYYY-MM-DD, besides weekends and holidays"
    )
    operators: Words = Field(
        default=(),
        description="Ids of users (U…) and user groups (S…) that may act on all; without it every member",
    )
    viewers: Words = Field(
        default=(),
        description="Ids of users (U…) and user groups (S…) that may look and ask; without it every member",
    )
    channels: Words = Field(
        default=(), description="Ids of the channels where the bot may be used; without it everywhere"
    )
    channel_languages: Words = Field(
        default=(),
        description="Language of what everybody in a channel sees, as C0123ABC=en; else whoever began's",
    )
    freezes: Words = Field(
        default=(),
        description="Days on which nothing may be changed, as 2026-12-28..2027-01-04",
    )
    messages_per_second: float = Field(
        default=1.0, description="Pace of messages in one channel; Slack allows about one"
    )
    keep_deliveries_days: int = Field(
        default=30, ge=1, description="Days to keep what Slack delivered and what was said, once settled"
    )
    keep_conversations_days: int = Field(
        default=30, ge=1, description="Days to keep an unfinished FAQ conversation and a person's locale"
    )
    keep_questions_days: int = Field(
        default=90, ge=1, description="Days to keep questions to the FAQ, for `faq report`"
    )
    keep_observations_days: int = Field(
        default=90, ge=1, description="Days to keep what DNS said of a cutover that is over"
    )
    keep_cutovers_days: int = Field(
        default=0, ge=0, description="Days to keep a cutover that is over, with its history; 0: for ever"
    )
    looks_per_minute: int = Field(
        default=20, ge=0, description="DNS looks that one person may cause in a minute; 0: any number"
    )
    internal_suffixes: Words = Field(
        default=INTERNAL, description="Names below these are never asked for; empty: any may be"
    )
    lease_seconds: float = Field(
        default=60.0,
        ge=1,
        le=900,
        description="For how long a reminder (at least 60) or message belongs to the replica that took it up",
    )
    heartbeat_url: SecretStr | None = Field(
        default=None, description="Address that is told every minute that all is well (GET)"
    )
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR")

    @field_validator(
        "resolvers",
        "nameservers",
        "sample_resolvers",
        "closed_days",
        "operators",
        "viewers",
        "channels",
        "channel_languages",
        "freezes",
        "internal_suffixes",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return _words(value)

    @field_validator(
        "slack_bot_token",
        "slack_app_token",
        "slack_signing_secret",
        "slack_client_secret",
        "token_key",
        "database_url",
        "heartbeat_url",
        mode="before",
    )
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return None if value == "" else value

    def token_keys(self) -> tuple[str, ...]:
        """The keys for tokens at rest, the newest first."""
        kept = self.token_key.get_secret_value() if self.token_key else ""
        return tuple(key.strip() for key in kept.split(",") if key.strip())

    def secrets(self) -> tuple[str, ...]:
        """Every secret that is set, and the password in the database's address, to keep out of the log."""
        values = [getattr(self, name) for name in type(self).model_fields]
        found = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
        password = urlsplit(self.database_url.get_secret_value()).password if self.database_url else None
        return (*found, *self.token_keys(), *((password, unquote(password)) if password else ()))
