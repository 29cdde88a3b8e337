"""Questions to FAQ entries."""

from functools import lru_cache

from bot.ports import Matcher


@lru_cache(maxsize=1)
def default_matcher() -> Matcher:
    """The best matcher that this installation has (the joint one with the extra `semantic`); loaded once."""
    try:
        from bot.matching.semantic import JointMatcher
    except ImportError:
        from bot.matching.plain import PlainMatcher

        return PlainMatcher()
    return JointMatcher()
