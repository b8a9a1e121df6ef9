"""What tests look up in a catalogue and no screen asks for in this form."""

from collections.abc import Mapping

from store.connection import Cursor
from store.images.pictures import Image


def pictures_of(cursor: Cursor, wnid: str) -> list[Image]:
    """The pictures of a synset, by root and path."""
    rows = cursor.execute(
        "SELECT image_id, root_id, wnid, path FROM image WHERE wnid = $wnid ORDER BY root_id, path", {"wnid": wnid}
    ).fetchall()
    return [Image(*row) for row in rows]


def picture_count(cursor: Cursor) -> int:
    """How many pictures there are."""
    return int(cursor.execute("SELECT count(*) FROM image").fetchall()[0][0])


def closure_of(cursor: Cursor, wnid: str) -> Mapping[str, int]:
    """Everything below a synset with its steps down, nearest first, then by wnid."""
    rows = cursor.execute(
        "SELECT wnid, depth FROM hyponym_closure WHERE ancestor_wnid = $wnid ORDER BY depth, wnid", {"wnid": wnid}
    ).fetchall()
    return dict(rows)


def ancestors_of(cursor: Cursor, wnid: str) -> Mapping[str, int]:
    """Every synset that has this one in its closure with the steps up, nearest first, then by wnid."""
    rows = cursor.execute(
        "SELECT ancestor_wnid, depth FROM hyponym_closure WHERE wnid = $wnid ORDER BY depth, ancestor_wnid",
        {"wnid": wnid},
    ).fetchall()
    return dict(rows)
