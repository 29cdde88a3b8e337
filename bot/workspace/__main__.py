"""`python -m bot.workspace`: this Slack alone, in a process of its own."""

import argparse
import asyncio
import signal
from datetime import timedelta
from pathlib import Path

from bot.workspace.clock import MovableClock
from bot.workspace.delivery import RETRY_DELAYS
from bot.workspace.server import LocalWorkspace


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bot.workspace", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port; 0: any free one")
    parser.add_argument("--state", type=Path, help="file that keeps the workspace")
    parser.add_argument(
        "--http-target",
        action="append",
        default=[],
        help="deliver as signed HTTP requests to this address; several take turns",
    )
    parser.add_argument(
        "--retry-delays",
        default=",".join(str(delay) for delay in RETRY_DELAYS),
        help="seconds before each redelivery of an event",
    )
    parser.add_argument("--ahead", type=float, default=0.0, help="seconds the clock is ahead at the start")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    workspace = LocalWorkspace(
        MovableClock(offset=timedelta(seconds=arguments.ahead)),
        host=arguments.host,
        port=arguments.port,
        state_file=arguments.state,
        http_targets=arguments.http_target,
        retry_delays=[float(delay) for delay in arguments.retry_delays.split(",") if delay],
    )
    await workspace.start()
    print(workspace.url, flush=True)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await ended.wait()
    await workspace.stop()


def main() -> None:
    asyncio.run(_serve(_arguments()))


if __name__ == "__main__":
    main()
