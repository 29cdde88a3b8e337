"""The console script `mxcutover`. Each command imports what it needs when it runs: start-up counts."""

from bot.cli.app import app


def main() -> None:
    """Run the console script."""
    app()
