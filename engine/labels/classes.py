"""Which classes a picture could show, and what each is called in a prompt."""

from dataclasses import dataclass

from engine.errors import EngineError
from engine.evaluation.labels import distinct_names, imagenet_names
from store.connection import Cursor
from store.evaluation import sets as store
from store.review.queue import accepted
from store.wordnet.lists import fetch_class_list

CLASS_LISTS = {
    "pictures": "synsets that have pictures here",
    "accepted": "accepted subclasses",
    "imagenet_1k": "the 1,000 classes of ImageNet-1k",
}
IMAGENET = "imagenet_1k"


@dataclass(frozen=True, slots=True)
class ClassNames:
    """Classes in the order of their index: wnids, and the names that prompts use."""

    list_name: str
    wnids: tuple[str, ...]
    names: tuple[str, ...]


def class_names(cursor: Cursor, list_name: str) -> ClassNames:
    """The classes of a list.

    Args:
        list_name: one of CLASS_LISTS.

    Raises: EngineError for another name, and for a list with fewer than two classes.
    """
    if list_name not in CLASS_LISTS:
        raise EngineError(f"{list_name!r} is no list of classes.", f"Lists are {', '.join(CLASS_LISTS)}.")
    if list_name == "pictures":
        wnids = [wnid for wnid, _ in store.fetch_with_pictures(cursor)]
    elif list_name == "accepted":
        wnids = sorted({wnid for _, wnid in accepted(cursor)})
    else:
        wnids = fetch_class_list(cursor, IMAGENET)
    if len(wnids) < 2:
        raise EngineError(
            f"The list {list_name} ({CLASS_LISTS[list_name]}) has {len(wnids)} classes here.",
            "Two are needed at least, so that one can be preferred to another.",
        )
    if list_name == IMAGENET and len(wnids) == len(imagenet_names()):
        return ClassNames(list_name, tuple(wnids), tuple(imagenet_names()))
    lemmas = store.fetch_lemmas(cursor, wnids)
    words = {wnid: [lemma.replace("_", " ") for lemma in lemmas.get(wnid, [wnid])] for wnid in wnids}
    names = distinct_names(words)
    return ClassNames(list_name, tuple(wnids), tuple(names[wnid] for wnid in wnids))
