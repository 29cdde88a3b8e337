"""Questions to FAQ entries."""

from functools import lru_cache

from bot.content.faq_loader import phrases
from bot.ports import Matcher


@lru_cache(maxsize=1)
def default_matcher() -> Matcher:
    """The best matcher that this installation has; loaded once."""
    from bot.matching.nearest import NearestPhrase

    return NearestPhrase(phrases())
