"""One exchange as it is written: shown, measured against another, told from an address."""

from collections.abc import Iterable
from ipaddress import ip_address

from bot.domain.lookalike import readable
from bot.domain.names import visible

# Where people register in Japan and elsewhere: a host right below one of these has no vendor's domain
# of its own above it. Only the third-level names that the vendor's rule could be misled by.
_SUFFIXES = frozenset(
    f"{label}.{country}."
    for country in ("jp", "uk", "kr", "nz", "za", "au", "tw", "cn")
    for label in ("ac", "ad", "co", "com", "ed", "go", "gov", "gr", "lg", "ne", "net", "or", "org")
)


def shown(exchange: str) -> str:
    """A host as people see it, on one line and with nothing hidden."""
    return visible(readable(exchange.rstrip(".")))


def is_ip_literal(exchange: str, zones: Iterable[str] = ()) -> bool:
    """Whether an exchange is an address where a name has to be, the zone appended or not."""
    candidates = [exchange, *(exchange.removesuffix("." + zone) for zone in zones)]
    for text in candidates:
        try:
            ip_address(text.rstrip(".").strip("[]").replace("\\", ""))
        except ValueError:
            continue
        return True
    return False


def vendors_domain(exchange: str) -> str | None:
    """The domain above a host, where that is somebody's and not a registry's."""
    _, _, above = exchange.partition(".")
    if above.rstrip(".").count(".") < 1 or above in _SUFFIXES:
        return None
    return above


def distance(one: str, two: str, *, bound: int = 2) -> int:
    """Edits between two names (a letter put in, left out, exchanged, or two neighbours swapped).

    Exact up to `bound`; above it, any greater number.
    """
    if abs(len(one) - len(two)) > bound:
        return bound + 1
    before: list[int] = []
    row = list(range(len(two) + 1))
    for i, a in enumerate(one, 1):
        last, row, previous = before, [i], row
        for j, b in enumerate(two, 1):
            cost = min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a != b))
            if i > 1 and j > 1 and a == two[j - 2] and one[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        before = previous
        if min(row) > bound:
            return bound + 1
    return row[-1]
