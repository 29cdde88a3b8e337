"""The laboratory as a fixture."""

from collections.abc import Iterator

import pytest

from tests.lab.dns_servers import DnsLab, lab_or_skip


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DnsLab]:
    """Knot, BIND, Unbound and dnsdist, running."""
    yield from lab_or_skip(tmp_path_factory)
