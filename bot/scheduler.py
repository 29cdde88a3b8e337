"""The ticks: APScheduler calls, the database decides."""
