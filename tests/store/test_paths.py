"""File names as text, and back."""

import os

from hypothesis import given
from hypothesis import strategies as st

from store.paths import path_of_text, text_of_path


def test_what_is_utf8_stays_as_it_is() -> None:
    assert text_of_path("n02084071/a b'\"\n日本.JPEG") == "n02084071/a b'\"\n日本.JPEG"


def test_bytes_that_are_not_utf8_are_spelled_out() -> None:
    assert text_of_path(b"caf\xe9/x.jpg") == r"caf\xe9/x.jpg"
    assert os.fsencode(path_of_text(r"caf\xe9/x.jpg")) == b"caf\xe9/x.jpg"


def test_a_backslash_is_doubled() -> None:
    assert text_of_path(r"a\xe9") == r"a\\xe9"


@given(st.binary(min_size=1).filter(lambda raw: b"\0" not in raw))
def test_any_name_comes_back(raw: bytes) -> None:
    text = text_of_path(raw)
    assert text.encode() is not None
    assert os.fsencode(path_of_text(text)) == raw
