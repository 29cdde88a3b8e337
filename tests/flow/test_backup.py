"""A copy of a bot's database while it works, put back by the commands an operator types."""

import asyncio
import os
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
