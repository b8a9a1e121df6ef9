"""Which concepts the demo shows: twelve superclasses, and twelve leaves of WordNet below each that ImageNet-22k knows."""

from dataclasses import dataclass

SUBCLASSES = 12

@dataclass(frozen=True, slots=True)
class DemoClass:
    """One subclass of the demo.

    Attributes:
        superclass: the thing that its pictures show, a key of engine.demo.subjects.SUBJECTS.
        wnid: of the subclass.
        word: its first lemma, words joined by spaces.
        position: 0 for the subclass that is drawn in the most usual manner, SUBCLASSES - 1 for the oddest.
    """

    superclass: str
    wnid: str
    word: str
    position: int
