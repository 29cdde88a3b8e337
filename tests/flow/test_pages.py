"""Two hundred cutovers in pages: forward, back, past an end that has moved, and with the filter kept."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.domain.cutover import State
from bot.domain.teams import Team
from bot.ports import Tx
from bot.workspace.person import CUTOVER, HANAKO, Person, texts
from bot.workspace.state import TEAM_ID
from tests.contract.samples import cutover
from tests.flow.conftest import BEGINNING, House

TEAM = Team("", TEAM_ID)
MANY = 200
DOMAIN = re.compile(r"example\d+\.co\.jp")


async def fill(house: House) -> None:
    """Two hundred, one an hour; each tenth is Hanako's own."""

    def work(tx: Tx) -> None:
        for number in range(1, MANY + 1):
            tx.cutovers.add(
                cutover(
                    number,
                    TEAM,
                    channel=CUTOVER,
                    opened_at=BEGINNING,
                    day=BEGINNING + timedelta(days=20, hours=number),
                    owner=HANAKO if number % 10 == 0 else "U0KEN00001",
                    assignees=(),
                )
            )

    await house.bot.store.transact(work)


async def finish(house: House, numbers: range) -> None:
    def work(tx: Tx) -> None:
        for number in numbers:
            found = tx.cutovers.get(TEAM, f"c{number}")
            assert found is not None
            tx.cutovers.save(replace(found, state=State.CANCELLED))

    await house.bot.store.transact(work)


def domains(blocks: Any) -> list[str]:
    """Those shown, in order, each once."""
    return list(dict.fromkeys(DOMAIN.findall(texts(blocks))))


async def turned(person: Person, page: str) -> dict[str, Any]:
    """The newest answer for this person alone, once it shows `page`."""
    found = await person.wait_for(
        person.ephemerals, lambda all_: bool(all_) and page in texts(all_[-1]["blocks"])
    )
    return found[-1]


async def test_the_list_is_turned_forward_and_back(house: House) -> None:
    await fill(house)
    await house.hanako.command("/mxcutover list")
    shown = await turned(house.hanako, "1/")
    pages = int(re.findall(r"1/(\d+)ページ", texts(shown["blocks"]))[0])
    seen = domains(shown["blocks"])
    for page in range(2, pages + 1):
        await house.hanako.click(shown, "list.next")
        shown = await turned(house.hanako, f"{page}/{pages}ページ")
        seen += domains(shown["blocks"])
    assert sorted(set(seen)) == sorted(f"example{number}.co.jp" for number in range(1, MANY + 1))
    assert len(seen) == MANY  # each on one page alone, the nearest day first
    assert seen == [f"example{number}.co.jp" for number in range(1, MANY + 1)]
    await house.hanako.click(shown, "list.prev")
    shown = await turned(house.hanako, f"{pages - 1}/{pages}ページ")
    assert len(await house.hanako.ephemerals()) == 1  # turned in place, not said again


async def test_a_page_that_is_no_more_shows_the_last_there_is_and_keeps_the_filter(house: House) -> None:
    await fill(house)
    await house.hanako.command("/mxcutover list mine")
    shown = await turned(house.hanako, "1/")
    while "list.next" in str(shown["blocks"]):
        page, pages = map(int, re.findall(r"(\d+)/(\d+)ページ", texts(shown["blocks"]))[0])
        await house.hanako.click(shown, "list.next")
        shown = await turned(house.hanako, f"{page + 1}/{pages}ページ")
    last = domains(shown["blocks"])
    assert all(int(DOMAIN.findall(name)[0][7:].split(".")[0]) % 10 == 0 for name in last)
    await house.hanako.click(shown, "list.prev")
    shown = await turned(house.hanako, f"{pages - 1}/{pages}ページ")
    await finish(house, range(50, MANY + 1))  # four of Hanako's are left: a single page
    await house.hanako.click(shown, "list.next")
    shown = await house.hanako.wait_for(
        lambda: turned_to(house.hanako), lambda m: len(domains(m["blocks"])) == 4
    )
    assert domains(shown["blocks"]) == [f"example{number}.co.jp" for number in (10, 20, 30, 40)]


async def turned_to(person: Person) -> dict[str, Any]:
    return (await person.ephemerals())[-1]


async def test_the_home_is_turned_and_narrowed(house: House) -> None:
    await fill(house)
    await house.hanako.open_home()
    home = await at_page(house.hanako, "1/10ページ")
    first = domains(home["blocks"])
    assert len(first) == 20
    await house.hanako.click(home, "home.next")
    home = await at_page(house.hanako, "2/10ページ")
    assert not set(first) & set(domains(home["blocks"]))
    await finish(house, range(30, MANY + 1))  # 29 are left: two pages
    await house.hanako.click(home, "home.next")
    home = await at_page(house.hanako, "2/2ページ")
    assert len(domains(home["blocks"])) == 9
    await house.hanako.click(home, "home.mine")
    home = await at_page(house.hanako, "自分の担当だけを表示しています")
    assert domains(home["blocks"]) == ["example10.co.jp", "example20.co.jp"]


async def at_page(person: Person, page: str) -> dict[str, Any]:
    found = await person.wait_for(
        person.home, lambda view: view is not None and page in texts(view["blocks"])
    )
    assert found is not None
    return found
