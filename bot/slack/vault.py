"""Tokens at rest: encrypted with the operator's own key, so a copy of the database opens no workspace."""

from collections.abc import Sequence
from dataclasses import replace

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bot.content import say
from bot.domain.teams import Team
from bot.ports import Store, Tx

_SEALED = "fernet:"


class BadTokenKey(ValueError):
    """`reason`: form (no Fernet key), missing (tokens are encrypted, no key is set) or wrong."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"token key, {reason}: {say(f'ops.token_key.{reason}', 'en')}")
        self.reason = reason


class Vault:
    """Seals with the first key, opens with any: a new key is put in front of the old one."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        """`keys`: Fernet keys (32 bytes, URL-safe base64); none: tokens stay as they are.

        Raises BadTokenKey.
        """
        try:
            fernets = [Fernet(key) for key in keys]
        except ValueError:
            raise BadTokenKey("form") from None
        self._newest = fernets[0] if fernets else None
        self._all = MultiFernet(fernets) if fernets else None

    @property
    def has_key(self) -> bool:
        return self._newest is not None

    def seal(self, token: str) -> str:
        """The token as it is kept."""
        if self._newest is None:
            return token
        return _SEALED + self._newest.encrypt(token.encode()).decode()

    def open(self, kept: str) -> str:
        """The token again; one that was kept plain is given as it is. Raises BadTokenKey."""
        if not kept.startswith(_SEALED):
            return kept
        if self._all is None:
            raise BadTokenKey("missing")
        try:
            return self._all.decrypt(kept.removeprefix(_SEALED)).decode()
        except InvalidToken:
            raise BadTokenKey("wrong") from None

    def is_current(self, kept: str) -> bool:
        """Whether it is sealed with the first key; without keys, whether it can be read as it is."""
        if self._newest is None or not kept.startswith(_SEALED):
            return self._newest is None
        try:
            self._newest.decrypt(kept.removeprefix(_SEALED))
        except InvalidToken:
            return False
        return True

    async def opens_all(self, store: Store) -> bool:
        """Whether the token of every workspace can be read: another replica may have a newer key."""

        def work(tx: Tx) -> bool:
            kept = (tx.workspaces.installation(team) for team in tx.workspaces.installed())
            try:
                for installation in kept:
                    if installation is not None:
                        self.open(installation.bot_token)
            except BadTokenKey:
                return False
            return True

        return await store.transact(work)

    async def reseal(self, store: Store) -> int:
        """Seal anew, with the first key, every token that is kept plain or under an older one; how many.

        Raises BadTokenKey where one cannot be opened; then nothing was changed.
        """

        def work(tx: Tx) -> int:
            changed: dict[Team, str] = {}
            for team in tx.workspaces.installed():
                kept = tx.workspaces.installation(team)
                if kept is None:
                    continue
                token = self.open(kept.bot_token)
                if not self.is_current(kept.bot_token):
                    changed[team] = self.seal(token)
            for team, sealed in changed.items():
                kept = tx.workspaces.installation(team)
                if kept is not None:
                    tx.workspaces.install(team, replace(kept, bot_token=sealed))
            return len(changed)

        return await store.transact(work)
