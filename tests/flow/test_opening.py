"""From `/mxcutover start` to an open cutover."""

from bot.workspace.person import texts
from tests.flow.conftest import House


async def test_start_opens_the_form_at_once_and_fills_in_what_dns_says(house: House) -> None:
    await house.hanako.command("/mxcutover start example.co.jp")
    view = await house.hanako.wait_for(house.hanako.modal, lambda v: v and "mail.old-provider" in texts(v))
    assert view is not None
    assert "3600" in texts(view)
