r"""File names as text. A name may hold any bytes; a catalogue column holds only UTF-8.

Bytes that are not UTF-8 are written as ``\xHH`` and a backslash as ``\\``, so that the text can be turned back.
"""

import os
import re

_ESCAPE = re.compile(r"\\(\\|x[0-9a-f]{2})")


def text_of_path(path: str | bytes) -> str:
    r"""The text that stands for a path.

    Args:
        path: as the operating system gave it (str with surrogate escapes, or bytes).

    Returns: UTF-8 text; ``b"caf\xe9"`` becomes ``caf\\xe9`` (with one backslash).
    """
    decoded = os.fsdecode(path).replace("\\", "\\\\")
    if decoded.isascii():
        return decoded
    return "".join(f"\\x{ord(c) - 0xDC00:02x}" if "\udc80" <= c <= "\udcff" else c for c in decoded)


def path_of_text(text: str) -> str:
    """The path that a text stands for, as a str that the operating system's calls take."""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda found: "\\" if found[1] == "\\" else chr(0xDC00 + int(found[1][1:], 16)), text)
