"""/livez and /readyz: whether the process lives, and whether it can do its work."""

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

Check = Callable[[], Awaitable[bool]]


def add_health(app: web.Application, live: Check, ready: Mapping[str, Check]) -> None:
    """`live` and each part of `ready` answer quickly; a part that raises is not ready."""

    async def livez(_: web.Request) -> web.Response:
        good = await _safely(live)
        return web.json_response({"live": good}, status=200 if good else 503)

    async def readyz(_: web.Request) -> web.Response:
        parts = {name: await _safely(check) for name, check in ready.items()}
        good = all(parts.values())
        return web.json_response({"ready": good, **parts}, status=200 if good else 503)

    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)


async def _safely(check: Check) -> bool:
    try:
        return await check()
    except Exception:
        return False
