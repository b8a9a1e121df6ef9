"""What the text encoder is asked, for each recipe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.errors import EngineError
from engine.scoring.prompts import check_template, make_prompt

CSP_NOUN = (
    "a close-up photo of the nice {}.", "a photo with the nice {}.", "a good photo with the nice {}.",
    "a photo of the nice {}.", "{}", "the {}", "the good {}", "the nice {}",
)  # fmt: skip
CSP_ADJECTIVE = ("{}", "a nice photo of {}", "a good photo of {}", "a close-up photo of {}")


@dataclass(frozen=True, slots=True)
class Recipe:
    """Prompt templates; a text's embedding is the normalised mean over those of its kind.

    Attributes:
        label: for ID labels.
        noun: for nouns of the corpus.
        adj: for adjectives of the corpus.
    """

    label: tuple[str, ...]
    noun: tuple[str, ...]
    adj: tuple[str, ...]

    def of(self, kind: str) -> tuple[str, ...]:
        """The templates of label, noun or adj."""
        return {"label": self.label, "noun": self.noun, "adj": self.adj}[kind]

    def texts(self, words: Sequence[str], kinds: Sequence[str]) -> list[list[str]]:
        """The prompts of each word."""
        return [[make_prompt(t, word) for t in self.of(kind)] for word, kind in zip(words, kinds, strict=True)]


NEGLABEL = Recipe(("the nice {}",), ("the nice {}",), ("This is a {} photo",))
"""NegLabel's template number 85, as its code spells it, and its sentence for adjectives."""
CSP = Recipe(CSP_NOUN, CSP_NOUN, CSP_ADJECTIVE)
MCM = Recipe(("a photo of a {}",), (), ())


def recipes(label: str | None = None, noun: str | None = None, adj: str | None = None) -> dict[str, Recipe]:
    """The recipes of a run; given templates replace those of the plain recipe.

    Raises: EngineError when a template has no {}.
    """
    plain = Recipe(
        (check_template(label),) if label else NEGLABEL.label,
        (check_template(noun or label or ""),) if noun or label else NEGLABEL.noun,
        (check_template(adj),) if adj else NEGLABEL.adj,
    )
    return {"plain": plain, "csp": CSP, "mcm": MCM}


def recipe_of(values: Mapping[str, Sequence[str]]) -> Recipe:
    """A recipe from JSON.

    Raises: EngineError when a part is missing.
    """
    try:
        return Recipe(tuple(values["label"]), tuple(values["noun"]), tuple(values["adj"]))
    except KeyError as error:
        raise EngineError(f"A recipe of prompts lacks {error}.") from error
