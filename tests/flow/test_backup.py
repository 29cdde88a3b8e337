"""A copy of a bot's database while it works, put back by the commands an operator types."""

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.flow.test_killed import SCRIPT, World, everything, occurrences, settled, submit_form, world

__all__ = ["world"]
pytestmark = pytest.mark.timeout(180)


async def mxcutover(world: World, *words: str) -> tuple[int, str]:
    """A command in the bot's environment: exit code, and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(SCRIPT, *words),
        env={**os.environ, **world.environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_a_copy_of_a_working_bot_is_put_back_once_it_stands(world: World, tmp_path: Path) -> None:
    hanako, copy = world.hanako, str(tmp_path / "copy.db")
    await submit_form(hanako)
    before = await settled(hanako)
    code, said = await mxcutover(world, "backup", "--to", copy)
    assert code == 0, said
    code, said = await mxcutover(world, "restore", copy, "--lang", "en")
    assert (code, "is in use" in said) == (1, True), said
    root = (await hanako.messages())[0]
    assert await world.stop_bot() == 0
    for file in list(tmp_path.glob("mxcutover.db*")):  # noqa: ASYNC240 - a folder of this test
        file.unlink()
    code, said = await mxcutover(world, "restore", copy)
    assert code == 0, said
    await world.start_bot()
    await hanako.say("手順3 完了", str(root["channel"]), str(root["ts"]))
    await hanako.wait_for(
        lambda: everything(hanako),
        lambda all_: any("手順3 自ドメイン許可設定」を完了" in t for t in all_),
        30,
    )
    assert occurrences(await everything(hanako)) == occurrences(before)


async def test_what_was_said_after_the_copy_is_not_said_again_by_it(world: World, tmp_path: Path) -> None:
    """The copy is of a moment when Slack took nothing: all of it was still to be said."""
    hanako, copy = world.hanako, str(tmp_path / "copy.db")
    await hanako.fault("reset", method="chat.postMessage", times=1000)
    await submit_form(hanako)

    async def waiting() -> set[str]:
        return pending(tmp_path / "mxcutover.db")

    await hanako.wait_for(waiting, lambda kinds: {"root", "opened"} <= kinds, 30)
    code, said = await mxcutover(world, "backup", "--to", copy)
    assert code == 0, said
    await hanako.do("clear")
    before = await settled(hanako)
    assert occurrences(before) == (1, 1)
    assert await world.stop_bot() == 0
    code, said = await mxcutover(world, "restore", copy)
    assert code == 0, said
    await world.start_bot()
    await hanako.wait_for(waiting, lambda kinds: not kinds, 60)
    assert await everything(hanako) == before


def pending(file: Path) -> set[str]:
    """The kinds of what is still to be said."""
    with closing(sqlite3.connect(file)) as connection:
        return {kind for (kind,) in connection.execute("SELECT kind FROM outbox WHERE state = 'pending'")}
