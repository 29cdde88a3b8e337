"""`mxcutover migrate`, `backup`, `restore`, `healthcheck`: what an operator does around the bot.

Only declarations are imported at start-up; the database and the settings when a command runs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import typer

if TYPE_CHECKING:
    from bot.settings import Settings

OK, FAILED, BAD_USAGE = 0, 1, 2
HEALTH_TIMEOUT = 5.0  # seconds; a container's health check gives up after about ten

Lang = Annotated[str, typer.Option(help="ja | en")]
Data = Annotated[Path | None, typer.Option(help="Folder of the database (MXCUTOVER_DATA)")]


def register(app: typer.Typer) -> None:
    """Add the commands to the console script."""
    app.command("migrate", help="Bring the database's schema up to this release; a copy is made first.")(
        migrate
    )
    app.command("backup", help="Copy the SQLite database while the bot runs, and check the copy.")(backup)
    app.command("restore", help="Put a copy in the database's place; the bot must be stopped.")(restore)
    app.command("healthcheck", help="Ask a running bot whether it is ready: exit 0 if so, else 1.")(
        healthcheck
    )


def explain(error: Exception, lang: str) -> str | None:
    """What to tell an operator about a database's trouble; None: not one of those."""
    from bot.content import say
    from bot.ports import StoreUnavailable
    from bot.slack.vault import BadTokenKey
    from bot.store.backup import BackupFailed
    from bot.store.engine import BadDatabaseUrl
    from bot.store.in_use import InUse
    from bot.store.migrate import MigrationFailed

    match error:
        case StoreUnavailable():
            return say(f"ops.unavailable.{error.reason}", lang, detail=error.detail)
        case BadTokenKey():
            return say(f"ops.token_key.{error.reason}", lang)
        case BadDatabaseUrl():
            return say(f"ops.bad_url.{error.reason}", lang, scheme=error.scheme)
        case BackupFailed():
            return say(f"ops.backup.{error.reason}", lang, file=str(error.file), detail=error.detail)
        case InUse():
            return say("ops.backup.in_use", lang, file=str(error))
        case MigrationFailed():
            return say("ops.migration_failed", lang, tables=error.tables)
        case _:
            return None


def migrate(data: Data = None, lang: Lang = "ja") -> None:
    from bot.content import say
    from bot.store.engine import database_url
    from bot.store.migrate import head
    from bot.store.migrate import migrate as run_migrations

    settings, lang = _settings(data), _language(lang)
    with _explained(lang):
        done = run_migrations(database_url(settings))
    if done.newer:
        typer.echo(say("ops.newer", lang, found=str(done.after), head=head()))
    elif not done.changed:
        typer.echo(say("ops.current", lang, after=str(done.after)))
    elif done.before is None:
        typer.echo(say("ops.migrated_first", lang, after=str(done.after)))
    else:
        typer.echo(say("ops.migrated", lang, before=done.before, after=str(done.after)))
    if done.backup is not None:
        typer.echo(say("ops.copied_before", lang, file=str(done.backup)))


def backup(
    to: Annotated[Path | None, typer.Option(help="The copy's name; without it in DATA/backups")] = None,
    data: Data = None,
    lang: Lang = "ja",
) -> None:
    from bot.content import say
    from bot.store.backup import back_up_file, stamp

    settings, lang = _settings(data), _language(lang)
    with _explained(lang):
        file = _database_file(settings, "backup", lang)
        target = to or file.parent / "backups" / f"{file.stem}-{stamp()}.db"
        made = back_up_file(file, target.expanduser())
    typer.echo(say("ops.backed_up", lang, file=str(made), size=f"{made.stat().st_size:,}"))


def restore(
    copy: Annotated[Path, typer.Argument(help="The copy that `backup` or `migrate` made")],
    data: Data = None,
    lang: Lang = "ja",
) -> None:
    from bot.content import say
    from bot.store.backup import restore_file

    settings, lang = _settings(data), _language(lang)
    with _explained(lang):
        file = _database_file(settings, "restore", lang)
        kept = restore_file(copy.expanduser(), file)
    typer.echo(say("ops.restored", lang, file=str(file)))
    if kept is not None:
        typer.echo(say("ops.restored_kept", lang, file=str(kept)))


def healthcheck(
    url: Annotated[str | None, typer.Option(help="Ask this address; without it the configured one")] = None,
    lang: Lang = "ja",
) -> None:
    from bot.content import say

    lang = _language(lang)
    if url is None:
        settings = _settings(None)
        apart = settings.health_port
        url = ready_url(settings.health_host, apart) if apart else ready_url(settings.host, settings.port)
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        typer.echo(say("ops.health.bad_url", lang, url=url), err=True)
        raise typer.Exit(BAD_USAGE)
    try:
        request = Request(url, headers={"User-Agent": "mxcutover-healthcheck"})  # noqa: S310 - checked above
        with urlopen(request, timeout=HEALTH_TIMEOUT):  # noqa: S310
            typer.echo(say("ops.health.ok", lang, url=url))
    except HTTPError as error:
        typer.echo(say("ops.health.not_ready", lang, url=url, status=str(error.code)), err=True)
        error.close()
        raise typer.Exit(FAILED) from None
    except (URLError, OSError, ValueError) as error:
        typer.echo(say("ops.health.no_answer", lang, url=url, detail=str(error)), err=True)
        raise typer.Exit(FAILED) from None


def ready_url(host: str, port: int) -> str:
    """Where a bot that listens on `host` answers from this machine."""
    if host in ("", "0.0.0.0"):  # noqa: S104 - every address: this one too
        host = "127.0.0.1"
    elif host == "::":
        host = "::1"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/readyz"


def _settings(data: Path | None) -> "Settings":
    from bot.settings import Settings

    return Settings() if data is None else Settings(data=data)


def _language(lang: str) -> str:
    return lang if lang in ("ja", "en") else "ja"


def _database_file(settings: "Settings", command: str, lang: str) -> Path:
    from bot.content import say
    from bot.store.engine import database_url, parse_url, sqlite_file

    file = sqlite_file(parse_url(database_url(settings)))
    if file is None:
        typer.echo(say(f"ops.not_sqlite.{command}", lang), err=True)
        raise typer.Exit(BAD_USAGE)
    return file


@contextmanager
def _explained(lang: str) -> Iterator[None]:
    """A database's trouble ends the command with what to do about it instead of a traceback."""
    from bot.store.engine import BadDatabaseUrl

    try:
        yield
    except Exception as error:
        text = explain(error, lang)
        if text is None:
            raise
        typer.echo(text, err=True)
        raise typer.Exit(BAD_USAGE if isinstance(error, BadDatabaseUrl) else FAILED) from error
