"""Dates and times as people type them, in Japanese and English."""

from bot.domain.when.model import Ambiguous, Assumed, Impossible, Missing, Partial, Reading, Trouble, When
from bot.domain.when.parse import parse_shift, parse_when

__all__ = [
    "Ambiguous",
    "Assumed",
    "Impossible",
    "Missing",
    "Partial",
    "Reading",
    "Trouble",
    "When",
    "parse_shift",
    "parse_when",
]
