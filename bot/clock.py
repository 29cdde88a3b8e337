"""The machine's clock."""

from datetime import UTC, datetime


class SystemClock:
    """ports.Clock by the machine's time."""

    def now(self) -> datetime:
        """The present moment, aware UTC."""
        return datetime.now(UTC)
