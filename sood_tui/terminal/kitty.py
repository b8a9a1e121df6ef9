"""Pictures by Kitty's graphics protocol: sent once under a number, then placed, hidden and forgotten by that number.

Source: https://sw.kovidgoyal.net/kitty/graphics-protocol/. Every command asks for silence (q=2): an answer would be
read as keys.
"""

import io
from base64 import standard_b64encode

from sood_tui.terminal.sixel import Indexed

CHUNK = 4096  # the most that one command may carry


def packed(picture: Indexed) -> bytes:
    """The picture as a PNG with a palette, which costs a third of its pixels' bytes."""
    from PIL import Image

    image = Image.fromarray(picture.places)
    image.putpalette(picture.palette.tobytes())
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=3)
    return out.getvalue()


def send(number: int, png: bytes) -> str:
    """Give the terminal a picture to keep under a number, without showing it."""
    text = standard_b64encode(png).decode("ascii")
    chunks = [text[start : start + CHUNK] for start in range(0, len(text), CHUNK)]
    more = [1] * (len(chunks) - 1) + [0]
    keys = [f"a=t,f=100,i={number},q=2,", *["q=2,"] * (len(chunks) - 1)]
    return "".join(f"\x1b_G{key}m={more};{chunk}\x1b\\" for key, more, chunk in zip(keys, more, chunks, strict=True))


def place(number: int, columns: int, rows: int) -> str:
    """Show a kept picture from the cursor on, over so many cells; the cursor stays."""
    return f"\x1b_Ga=p,i={number},p=1,c={columns},r={rows},C=1,q=2\x1b\\"


def hide(number: int) -> str:
    """Take a picture off the screen; the terminal keeps it."""
    return f"\x1b_Ga=d,d=i,i={number},q=2\x1b\\"


def forget(number: int) -> str:
    """Take a picture off the screen and out of the terminal's memory."""
    return f"\x1b_Ga=d,d=I,i={number},q=2\x1b\\"
