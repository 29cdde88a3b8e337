"""What a reply in a cutover's thread means: a small grammar, ja and en; a table of replies tests it."""

from bot.domain.replies.grammar import understand
from bot.domain.replies.model import Meaning, Need, Reply
from bot.domain.replies.reason import LONGEST_REASON
from bot.domain.replies.times import read_new_day

__all__ = ["LONGEST_REASON", "Meaning", "Need", "Reply", "read_new_day", "understand"]
