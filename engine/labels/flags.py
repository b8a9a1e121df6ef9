"""Pictures whose single label is in doubt, with the reason."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.labels.sources import labelled_images
from store.connection import Cursor
from store.labels.truth import LabelledImage

CLUTTER_FROM = 3

FLAGS = {
    "no_valid_label": "no label is valid",
    "other_label": "its own label is not among the valid ones",
    "clutter": f"{CLUTTER_FROM} valid labels or more",
}


@dataclass(frozen=True, slots=True)
class FlaggedImage:
    """A picture with a flag; `original` is the wnid of the folder it lies in, `wnids` its valid labels."""

    source: str
    image_id: int
    path: str
    flag: str
    original: str
    wnids: tuple[str, ...]


def flags_of(image: LabelledImage) -> tuple[str, ...]:
    """The flags of one picture, none or several."""
    found = []
    if not image.wnids:
        found.append("no_valid_label")
    elif image.original not in image.wnids:
        found.append("other_label")
    if len(image.wnids) >= CLUTTER_FROM:
        found.append("clutter")
    return tuple(found)


def flagged(cursor: Cursor, source: str, wanted: Sequence[str] = tuple(FLAGS)) -> list[FlaggedImage]:
    """Every flagged picture of a source, ordered by picture."""
    return [
        FlaggedImage(image.source, image.image_id, image.path, flag, image.original, image.wnids)
        for image in labelled_images(cursor, source)
        for flag in flags_of(image)
        if flag in wanted
    ]
