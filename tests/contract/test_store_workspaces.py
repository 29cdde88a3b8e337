"""A workspace's installation and settings: every store keeps them apart from those of the others."""

from datetime import timedelta

from bot.domain.teams import Team
from bot.ports import Installation, Store, Tx
from tests.contract.samples import GRID_A, NOW, A, B


def installed(token: str = "xoxb-secret") -> Installation:
    return Installation(token, "U_BOT", "B_BOT", "A_APP", ("commands", "chat:write"), "U_1", "Acme", NOW)


async def test_an_installation_is_kept_replaced_and_forgotten(store: Store) -> None:
    await store.transact(lambda tx: tx.workspaces.install(A, installed()))
    assert await store.transact(lambda tx: tx.workspaces.installation(A)) == installed()
    await store.transact(lambda tx: tx.workspaces.install(A, installed("xoxb-newer")))
    assert await store.transact(lambda tx: tx.workspaces.installation(A)) == installed("xoxb-newer")
    assert await store.transact(lambda tx: tx.workspaces.installed()) == (A,)
    assert await store.transact(lambda tx: tx.workspaces.uninstall(A))
    assert await store.transact(lambda tx: tx.workspaces.installed()) == ()
    assert await store.transact(lambda tx: tx.workspaces.installation(A)) is None
    assert not await store.transact(lambda tx: tx.workspaces.uninstall(A))


async def test_settings_outlive_the_installation(store: Store) -> None:
    later = NOW + timedelta(hours=1)
    assert await store.transact(lambda tx: tx.workspaces.settings(A)) is None
    await store.transact(lambda tx: tx.workspaces.set(A, {"operators": ["U_1"]}, NOW))
    await store.transact(lambda tx: tx.workspaces.install(A, installed()))
    await store.transact(lambda tx: tx.workspaces.set(A, {"operators": ["U_2"]}, later))
    assert await store.transact(lambda tx: tx.workspaces.installation(A)) == installed()
    await store.transact(lambda tx: tx.workspaces.uninstall(A))
    assert await store.transact(lambda tx: tx.workspaces.settings(A)) == {"operators": ["U_2"]}


async def test_another_workspace_sees_none_of_it(store: Store) -> None:
    def keep(tx: Tx) -> None:
        tx.workspaces.install(A, installed())
        tx.workspaces.set(A, {"channels": ["C1"]}, NOW)

    await store.transact(keep)
    for other in (B, GRID_A, Team("", "")):
        assert await store.transact(lambda tx, other=other: tx.workspaces.installation(other)) is None  # type: ignore[misc]
        assert await store.transact(lambda tx, other=other: tx.workspaces.settings(other)) is None  # type: ignore[misc]
        assert not await store.transact(lambda tx, other=other: tx.workspaces.uninstall(other))  # type: ignore[misc]
    assert await store.transact(lambda tx: tx.workspaces.installation(A)) == installed()


def test_a_token_is_in_no_repr() -> None:
    assert "xoxb-secret" not in repr(installed())
