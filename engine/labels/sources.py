"""The sources of labels side by side: imported files, and what people have settled here."""

from store.connection import Cursor
from store.labels.claims import fetch_own_labels
from store.labels.truth import LabelledImage, fetch_labelled_images, fetch_source

OWN = "own"
"""The workspace's own marks: pictures whose own label and every proposal were confirmed or rejected by a person."""


def labelled_images(cursor: Cursor, source: str) -> list[LabelledImage]:
    """Every picture that a source speaks of, with its valid labels, by picture.

    Args:
        source: the name of an imported source, or `own`.

    Raises: UnknownSource.
    """
    if source != OWN:
        fetch_source(cursor, source)
        return fetch_labelled_images(cursor, source)
    return [
        LabelledImage(OWN, row["image_id"], row["path"], row["wnid"], tuple(row["labels"]))
        for row in fetch_own_labels(cursor).to_pylist()
    ]
