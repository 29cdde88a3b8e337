"""The real process on a disk of its own, which gets full, and which is read-only. Mounting takes root."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.workspace.person import texts
from tests.flow.test_killed import SCRIPT, World, world

__all__ = ["world"]
pytestmark = pytest.mark.timeout(180)
LONG = "a" * 150_000


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where `world` has its data: a small disk."""
    place = tmp_path_factory.mktemp("disk")
    if not mounted("-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)):
        pytest.skip("a disk cannot be mounted here")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def mounted(*words: str) -> bool:
    return subprocess.run(["mount", *words], check=False, capture_output=True).returncode == 0


def fill(place: Path) -> Path:
    """Leave no room at all."""
    file = place / "other people's data"
    with file.open("wb", buffering=0) as rest:
        try:
            while rest.write(b"x" * 4096):
                pass
        except OSError:
            return file
    raise AssertionError("the disk did not get full")


async def test_on_a_full_disk_nothing_is_acknowledged_that_is_not_kept(world: World, tmp_path: Path) -> None:
    hanako = world.hanako
    other = fill(tmp_path)
    answer = await hanako.command(f"/mxcutover ask {LONG}")
    assert not answer["ok"]
    assert await hanako.notices()  # Slack tells the person
    assert await hanako.ephemerals() == []
    other.unlink()
    assert (await hanako.command("/mxcutover help"))["ok"]
    await hanako.wait_for(hanako.ephemerals, lambda all_: any("使い方" in texts(m) for m in all_), 20)
    assert world.bot is not None
    assert world.bot.returncode is None
    assert (await hanako.command(f"/mxcutover ask {LONG}"))["ok"], "it was the disk"


async def test_on_a_read_only_disk_it_does_not_start_and_says_why(world: World, tmp_path: Path) -> None:
    assert await world.stop_bot() == 0
    assert mounted("-o", "remount,ro", str(tmp_path))
    try:
        process = await asyncio.create_subprocess_exec(
            *(SCRIPT, "run"), env=world.environment, stderr=asyncio.subprocess.PIPE
        )
        _, said = await asyncio.wait_for(process.communicate(), 60)
    finally:
        assert mounted("-o", "remount,rw", str(tmp_path))
    text = said.decode()
    assert process.returncode == 1, text
    assert "read-only" in text
    assert "Traceback" not in text
    await world.start_bot()
