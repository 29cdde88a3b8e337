"""Several workspaces: the app is installed by OAuth over HTTP, and speaks with each one's own token.

The SDK's flow does the OAuth; what it keeps is in this bot's own database, scoped like everything else.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from logging import Logger, getLogger
from typing import Any

import structlog
from aiohttp import web
from pydantic import SecretStr
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.error import BoltError
from slack_bolt.oauth.async_callback_options import (
    AsyncCallbackOptions,
    AsyncFailureArgs,
    AsyncSuccessArgs,
)
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_bolt.response import BoltResponse
from slack_sdk.oauth.installation_store import Installation as SdkInstallation
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore
from slack_sdk.web.async_client import AsyncWebClient

from bot.content import say
from bot.domain.teams import Team
from bot.manifest import load_manifest
from bot.ports import Clock, InboxRow, Installation, Store, Tx
from bot.slack.client import client_of
from bot.slack.vault import Vault

log = structlog.get_logger(__name__)

INSTALL_PATH = "/slack/install"
REDIRECT_PATH = "/slack/oauth_redirect"
STATE_LIVES = timedelta(minutes=10)
CLOCKS_DIFFER = timedelta(seconds=5)  # Slack's and this machine's; nobody installs an app anew so soon
NOBODY = Team("", "")  # before the installation it is not known whose it will be


@dataclass(frozen=True, slots=True)
class OAuthApp:
    """The app's own credentials, from its page at Slack."""

    client_id: str
    client_secret: SecretStr


class ManyTeams:
    """The clients of a bot that is installed in several workspaces, each by its own token."""

    def __init__(self, store: Store, api_url: str, vault: Vault) -> None:
        self._store = store
        self._vault = vault
        self._api_url = api_url
        self._known: dict[Team, AsyncWebClient] = {}

    async def of(self, team: Team) -> AsyncWebClient | None:
        """None where the app is not installed (any more). The token is read afresh each time.

        Raises BadTokenKey where it cannot be opened.
        """
        installed = await self._store.transact(lambda tx: tx.workspaces.installation(team))
        if installed is None:
            self._known.pop(team, None)
            return None
        token = self._vault.open(installed.bot_token)
        known = self._known.get(team)
        if known is None or known.token != token:
            # Without the SDK's own retries: after a reset connection it would post twice.
            known = client_of(token, self._api_url)
            self._known[team] = known
        return known


class OrgWide(BoltError):
    """The app was installed for a whole organisation; it works in one workspace at a time."""


async def _failed(args: AsyncFailureArgs) -> BoltResponse:
    """An installation for a whole organisation is refused in words; the rest as the SDK does."""
    if not isinstance(args.error, OrgWide):
        return await args.default.failure(args)
    log.warning("an installation for a whole organisation was refused")
    paragraphs = "".join(f'<p lang="{lang}">{say("install.org_wide", lang)}</p>' for lang in ("ja", "en"))
    return BoltResponse(
        status=400,
        headers={"Content-Type": "text/html; charset=utf-8"},
        body=f'<!doctype html><meta charset="utf-8"><title>MX cutover</title>{paragraphs}'
        f'<p><a href="{INSTALL_PATH}">{INSTALL_PATH}</a></p>',
    )


async def _succeeded(args: AsyncSuccessArgs) -> BoltResponse:
    return await args.default.success(args)


class _Kept(AsyncInstallationStore):
    """What the SDK's flow hands over, in ports.Workspaces."""

    def __init__(self, store: Store, clock: Clock, vault: Vault) -> None:
        self._store = store
        self._clock = clock
        self._vault = vault

    @property
    def logger(self) -> Logger:
        return getLogger(__name__)

    async def async_save(self, installation: SdkInstallation) -> None:
        if installation.is_enterprise_install or not installation.team_id:
            raise OrgWide
        team = Team(installation.enterprise_id or "", installation.team_id or "")
        scopes = installation.bot_scopes or ()
        kept = Installation(
            bot_token=self._vault.seal(installation.bot_token or ""),
            bot_user=installation.bot_user_id or "",
            bot_id=installation.bot_id or "",
            app_id=installation.app_id or "",
            scopes=tuple(scopes.split(",") if isinstance(scopes, str) else scopes),
            installed_by=installation.user_id or "",
            team_name=installation.team_name or "",
            at=self._clock.now(),
        )
        await self._store.transact(lambda tx: tx.workspaces.install(team, kept))
        log.info("installed", team_id=team.team_id)


class _States(AsyncOAuthStateStore):
    """The states of installations under way: each is good once, for ten minutes, on every replica."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @property
    def logger(self) -> Logger:
        return getLogger(__name__)

    async def async_issue(self, *args: object, **kwargs: object) -> str:
        state, now = secrets.token_urlsafe(32), self._clock.now()
        keep = {"until": (now + STATE_LIVES).isoformat()}
        await self._store.transact(lambda tx: tx.places.put(NOBODY, f"oauth:{state}", keep, now))
        return state

    async def async_consume(self, state: str) -> bool:
        key = f"oauth:{state}"

        def work(tx: Tx) -> bool:
            kept = tx.places.get(NOBODY, key)
            tx.places.drop(NOBODY, key)
            return kept is not None and datetime.fromisoformat(kept["until"]) > self._clock.now()

        return await self._store.transact(work)


class Installs:
    """The two addresses of an installation."""

    def __init__(self, store: Store, clock: Clock, app: OAuthApp, api_url: str, vault: Vault) -> None:
        scopes = load_manifest()["oauth_config"]["scopes"]["bot"]
        kept = _Kept(store, clock, vault)
        self._flow = AsyncOAuthFlow(
            client=AsyncWebClient(base_url=api_url, timeout=15),
            settings=AsyncOAuthSettings(
                client_id=app.client_id,
                client_secret=app.client_secret.get_secret_value(),
                scopes=scopes,
                install_path=INSTALL_PATH,
                redirect_uri_path=REDIRECT_PATH,
                installation_store=kept,
                state_store=_States(store, clock),
                state_expiration_seconds=int(STATE_LIVES.total_seconds()),
                installation_store_bot_only=True,
                callback_options=AsyncCallbackOptions(success=_succeeded, failure=_failed),
            ),
        )

    def add_routes(self, web_app: web.Application) -> None:
        """Where an administrator begins, and where Slack sends them back to."""
        web_app.router.add_get(INSTALL_PATH, self._begin)
        web_app.router.add_get(REDIRECT_PATH, self._back)

    async def _begin(self, request: web.Request) -> web.Response:
        return await to_aiohttp_response(await self._flow.handle_installation(await to_bolt_request(request)))

    async def _back(self, request: web.Request) -> web.Response:
        return await to_aiohttp_response(await self._flow.handle_callback(await to_bolt_request(request)))


async def uninstalled(store: Store, row: InboxRow, event: Mapping[str, Any]) -> None:
    """The app was removed, or its bot token revoked: forget the token; what was done with it stays.

    An event may come late, again, or be worked off after an outage: one that is older than the installation
    was about an earlier one.
    """
    tokens = event.get("tokens")
    revoked = isinstance(tokens, dict) and bool(tokens.get("bot"))
    gone = event.get("type") == "app_uninstalled" or revoked
    until = _happened(row) + CLOCKS_DIFFER

    def work(tx: Tx) -> bool:
        if not tx.inbox.done(row.id) or not gone:
            return False
        installed = tx.workspaces.installation(row.team)
        return installed is not None and installed.at <= until and tx.workspaces.uninstall(row.team)

    if await store.transact(work):
        log.info("uninstalled", team_id=row.team.team_id)
    elif gone:
        log.info("uninstalled before, or installed anew since", team_id=row.team.team_id)


def _happened(row: InboxRow) -> datetime:
    """When an event was, by Slack's word; where it does not say, when it was accepted."""
    at = row.payload.get("event_time")
    try:
        return datetime.fromtimestamp(float(at), UTC) if at else row.at
    except (TypeError, ValueError, OverflowError, OSError):
        return row.at
