"""Names that look like another but are not it: letters of other scripts in an internationalised name.

After the spirit of UTS 39: the letters that pass for Latin ones in a host name, no table of a library.
"""

import unicodedata

_LOOKS = str.maketrans(
    {
        # Cyrillic
        "а": "a", "в": "b", "с": "c", "ԁ": "d", "е": "e", "ё": "e", "ƒ": "f", "һ": "h", "і": "i", "ї": "i",
        "ј": "j", "к": "k", "ӏ": "l", "м": "m", "н": "h", "о": "o", "р": "p", "ԛ": "q", "г": "r", "ѕ": "s",
        "т": "t", "ѵ": "v", "ԝ": "w", "х": "x", "у": "y", "ү": "y", "ь": "b", "п": "n", "ц": "u",
        # Greek
        "α": "a", "β": "b", "ϲ": "c", "ε": "e", "η": "n", "ι": "i", "κ": "k", "ν": "v", "ο": "o", "ρ": "p",
        "σ": "o", "τ": "t", "υ": "u", "χ": "x", "γ": "y", "ω": "w",
        # Armenian, Latin's own relatives, digits
        "օ": "o", "ո": "n", "ս": "u", "հ": "h", "զ": "q", "ց": "g", "ı": "i", "ɑ": "a", "ɡ": "g", "ɩ": "i",
        "ł": "l", "đ": "d", "ø": "o", "ŧ": "t", "ħ": "h", "ꞌ": "", "0": "o", "1": "l", "ー": "-", "‐": "-",
    }
)  # fmt: skip


def readable(host: str) -> str:
    """A host with its A-labels as people see them. A label that encodes nothing stays as it is."""
    return ".".join(_decoded(label) for label in host.split("."))


def _decoded(label: str) -> str:
    if not label.lower().startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, ValueError, OverflowError):
        return label


def skeleton(text: str) -> str:
    """What the eye sees: letters without their marks, each as the Latin one that it passes for."""
    plain = unicodedata.normalize("NFKD", text.lower())
    bare = "".join(c for c in plain if unicodedata.category(c) not in ("Mn", "Cf"))
    return bare.translate(_LOOKS).replace("rn", "m").replace("vv", "w")


def looks_like(host: str, other: str) -> bool:
    """Whether an internationalised `host` passes for `other` without being it. Absolute names, any case."""
    shown = readable(host)
    return not shown.isascii() and host.lower() != other.lower() and skeleton(shown) == skeleton(other)
