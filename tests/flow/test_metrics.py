"""What is counted while the whole bot works; and that the figures name nobody."""

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from bot.metrics import add_metrics
from tests.flow.conftest import House
from tests.flow.test_opening import private
from tests.flow.test_whole_cutover import open_cutover
from tests.unit.test_metrics import samples


async def test_a_flow_is_counted_and_nobody_is_named(house: House) -> None:
    await open_cutover(house)
    await house.hanako.command("/mxcutover ask メールが届かない")
    await private(house.hanako, "")
    await house.bot.slack.worker.idle()
    app = web.Application()
    add_metrics(app, house.bot.metrics, house.bot.waiting)
    async with (
        TestServer(app) as server,
        ClientSession() as http,
        http.get(server.make_url("/metrics")) as answer,
    ):
        text = await answer.text()
    found = samples(text)
    assert found["mxcutover_acknowledgement_seconds_count{status=200}"] >= 3
    assert found["mxcutover_dns_look_seconds_count{look=full}"] >= 1
    assert found["mxcutover_dns_answers_total{asked=authoritative,outcome=answer}"] >= 1
    assert sum(value for name, value in found.items() if "faq_decisions_total" in name) >= 1
    for word in ("example.co.jp", "dnsv", "U0", "C0", "T0", "xoxb", "127.0.0.1"):
        assert word not in text
