"""What Slack answers when it refuses a call."""

from collections.abc import Sequence


class SlackRefusal(Exception):
    """An error code of the Web API, with the lines Slack gives in response_metadata.messages."""

    def __init__(self, code: str, messages: Sequence[str] = ()) -> None:
        super().__init__(code if not messages else f"{code}: {'; '.join(messages)}")
        self.code = code
        self.messages = tuple(messages)

    def as_answer(self) -> dict[str, object]:
        """The JSON body."""
        answer: dict[str, object] = {"ok": False, "error": self.code}
        if self.messages:
            answer["response_metadata"] = {"messages": [f"[ERROR] {line}" for line in self.messages]}
            answer["errors"] = list(self.messages)
        return answer
