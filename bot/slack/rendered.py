"""A message as Slack takes it."""

from dataclasses import dataclass
from typing import Any

Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class File:
    """A file that goes with a message."""

    name: str
    content: bytes
    picture: bool = False  # an SVG that is sent as an image where one can be drawn

    @property
    def is_text(self) -> bool:
        return not self.picture and not self.name.endswith(".png")


@dataclass(frozen=True, slots=True)
class Rendered:
    """`text` is the whole sense in plain words: notifications and screen readers have nothing else."""

    text: str
    blocks: tuple[Block, ...] | None = None
    files: tuple[File, ...] = ()

    def body(self) -> dict[str, Any]:
        """The arguments of a posting call."""
        if self.blocks is None:
            return {"text": self.text}
        return {"text": self.text, "blocks": list(self.blocks)}
