"""Which concepts the demo shows: twelve superclasses, and below each twelve leaves that ImageNet-22k knows."""

import random
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from engine.errors import EngineError
from store.connection import Cursor
from store.demo import KnownLeaf, fetch_known_leaves

SUBCLASSES = 12
# Each thing that the demo can draw, with the synset that it stands for.
SUPERCLASSES = {
    "bird": "n01503061",
    "fish": "n02512053",
    "dog": "n02084071",
    "tree": "n13104059",
    "flower": "n11669921",
    "car": "n02958343",
    "boat": "n02858304",
    "hat": "n03497657",
    "bottle": "n02876657",
    "fruit": "n07705931",
    "chair": "n03001627",
    "building": "n02913152",
}


@dataclass(frozen=True, slots=True)
class DemoClass:
    """One subclass of the demo.

    Attributes:
        superclass: the thing that its pictures show, a key of SUPERCLASSES.
        wnid: of the subclass.
        word: its first lemma, words joined by spaces.
        position: 0 for the subclass that is drawn in the most usual manner, SUBCLASSES - 1 for the oddest.
    """

    superclass: str
    wnid: str
    word: str
    position: int


def choose_classes(cursor: Cursor) -> list[DemoClass]:
    """The 144 subclasses of the demo, the same for everybody who has the same WordNet.

    Raises: EngineError if the catalogue's WordNet knows too few leaves.
    """
    chosen: list[DemoClass] = []
    taken: set[str] = set()
    for superclass, root in SUPERCLASSES.items():
        familiar: dict[str, KnownLeaf] = {}
        for leaf in sorted(fetch_known_leaves(cursor, root), key=familiarity):
            word = leaf.lemma.replace("_", " ")
            if len(familiar) < SUBCLASSES and word.lower() not in taken:
                taken.add(word.lower())
                familiar[word] = leaf
        if len(familiar) < SUBCLASSES:
            raise EngineError(
                f"Below {root} are only {len(familiar)} leaves that ImageNet-22k knows; the demo needs {SUBCLASSES}.",
                "The catalogue is not a complete WordNet 3.0; make a new workspace.",
            )
        words = list(familiar)
        # How odd a subclass looks should not follow from how familiar it is.
        random.Random(root).shuffle(words)
        chosen += [DemoClass(superclass, familiar[word].wnid, word, place) for place, word in enumerate(words)]
    return chosen


def familiarity(leaf: KnownLeaf) -> tuple[bool, bool, int, int, str]:
    """A sort key that puts what most people know first: ImageNet-1k, no names, often tagged, one word."""
    is_name = leaf.lemma != leaf.lemma.lower()
    return not leaf.in_imagenet_1k, is_name, -leaf.sense_count, leaf.lemma.count("_"), leaf.wnid


def as_settings(classes: Sequence[DemoClass]) -> list[list[str | int]]:
    """The classes as JSON values, for the settings of a job."""
    return [list(astuple(kind)) for kind in classes]


def classes_from(settings: Sequence[Sequence[str | int]]) -> list[DemoClass]:
    """The classes from the settings of a job."""
    return [
        DemoClass(str(superclass), str(wnid), str(word), int(position)) for superclass, wnid, word, position in settings
    ]
