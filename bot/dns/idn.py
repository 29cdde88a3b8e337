"""NameRules from the `idna` library (IDNA 2008, UTS 46) and the public suffix list."""

from collections.abc import Iterable
from functools import lru_cache

import idna
from publicsuffixlist import PublicSuffixList

from bot.domain.names import below_any


class TableRules:
    """The tables that domain.names asks. Loading the suffix list takes some 50 ms: it is done on demand."""

    def __init__(self, internal: Iterable[str] = ()) -> None:
        """`internal`: names that are not asked for, nor any below them."""
        self._internal = tuple(internal)

    def to_ascii(self, label: str) -> str:
        """Raises ValueError (idna's own errors are ValueErrors) where IDNA 2008 forbids the label."""
        mapped = idna.uts46_remap(label, std3_rules=True, transitional=False)
        if "." in mapped or not mapped:
            raise ValueError("a label may neither vanish nor fall apart")
        return idna.alabel(mapped).decode("ascii")

    def to_unicode(self, label: str) -> str:
        return idna.ulabel(label)

    def is_internal(self, name: str) -> bool:
        return below_any(name, self._internal)

    def is_public_suffix(self, name: str) -> bool:
        """Registries' suffixes only: a host of the list's private part may well have its own MX."""
        return bool(_suffixes().is_public(name))


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(only_icann=True, accept_unknown=False)
