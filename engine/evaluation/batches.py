"""What detectors see: the texts, cut into blocks of bounded width, and batches of pictures scored against them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import array_api_compat
import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.evaluation.formulas import Array, Grouping, log_add_exp, log_sum_exp

WIDEST = 4_096
"""Columns of one product with negative labels; with ROWS it bounds the memory of a pass, whatever the sets' sizes."""
ROWS = 1_024
FLOATS_IN_FLIGHT = 6_000_000

TextEncoder = Callable[[Sequence[str]], Array]


@dataclass(frozen=True)
class TextBank:
    """The texts of one way of prompting.

    Attributes:
        labels: [K, d] embeddings of the ID labels, L2-normalised.
        negatives: [M, d] of the negative labels in the order of their ranking; None where there are none.
        permutation: int [M] that spreads the ranking over the groups; kept with the negative labels, so that a score
            can be had again on any device.
        label_names: K names, for prompts that join two words.
        negative_words: M words.
        noise: [pictures, d] embeddings of pictures of noise, for methods that begin with some; None without a model.
    """

    labels: Array
    negatives: Array | None = None
    permutation: NDArray[np.int64] | None = None
    label_names: tuple[str, ...] = ()
    negative_words: tuple[str, ...] = ()
    noise: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """Neighbouring groups of negative labels whose texts are multiplied at once.

    Attributes:
        texts: [groups * size, d].
        first_group: number of the first of them.
        groups: how many.
        size: labels of each.
    """

    texts: Array
    first_group: int
    groups: int
    size: int


def group_order(bank: TextBank, grouping: Grouping) -> NDArray[np.int64]:
    """Which negative labels the groups hold, first group first: int64 [M'].

    Raises: EngineError when there are fewer labels than groups.
    """
    count = 0 if bank.negatives is None else int(bank.negatives.shape[0])
    try:
        kept = sum(grouping.sizes(count))
    except ValueError as error:
        raise EngineError(str(error), f"Use at most --groups {max(count, 1)}, or mine more negative labels.") from error
    if bank.permutation is None:
        return np.arange(kept)
    return bank.permutation[bank.permutation < kept]


def blocks_of(bank: TextBank, grouping: Grouping, widest: int = WIDEST) -> list[Block]:
    """The negative labels in the order of the grouping, cut so that no product is wider than ``widest`` columns.

    A group that is wider than that is cut itself; its parts are added up in the log domain.
    """
    order = group_order(bank, grouping)
    sizes = grouping.sizes(0 if bank.negatives is None else int(bank.negatives.shape[0]))
    if bank.negatives is None:
        return []
    xp = array_api_compat.array_namespace(bank.negatives)
    index = xp.asarray(order, device=array_api_compat.device(bank.negatives))
    texts = xp.take(bank.negatives, index, axis=0)
    return list(_cut(texts, sizes, widest))


def _cut(texts: Array, sizes: Sequence[int], widest: int) -> Iterator[Block]:
    start = group = 0
    while group < len(sizes):
        size = sizes[group]
        if size > widest:
            for part in range(0, size, widest):
                width = min(widest, size - part)
                yield Block(texts[start + part : start + part + width], group, 1, width)
            start, group = start + size, group + 1
            continue
        count = 1
        while group + count < len(sizes) and sizes[group + count] == size and (count + 1) * size <= widest:
            count += 1
        yield Block(texts[start : start + count * size], group, count, size)
        start, group = start + count * size, group + count


class Texts:
    """The banks of a pass and what is made of them once: blocks for each grouping that a method asks for."""

    def __init__(self, banks: Mapping[str, TextBank], encoder: TextEncoder | None = None) -> None:
        self._banks = dict(banks)
        self._encoder = encoder
        self._blocks: dict[tuple[str, Grouping], list[Block]] = {}

    def bank(self, recipe: str) -> TextBank:
        """The texts that a recipe prompts.

        Raises: EngineError when this pass has none of that recipe.
        """
        if recipe not in self._banks:
            raise EngineError(f"This run has no texts of the recipe {recipe}.", "Run it again with that method named.")
        return self._banks[recipe]

    def blocks(self, recipe: str, grouping: Grouping) -> list[Block]:
        """The negative labels of a recipe in blocks.

        Raises: EngineError when there are none, or fewer than groups.
        """
        if self.bank(recipe).negatives is None:
            raise EngineError("This method needs negative labels, and the run has none.", "Mine them first.")
        key = (recipe, grouping)
        if key not in self._blocks:
            self._blocks[key] = blocks_of(self._banks[recipe], grouping)
        return self._blocks[key]

    def encode(self, texts: Sequence[str]) -> Array:
        """Embeddings of further texts, [n, d].

        Raises: EngineError when no text encoder is at hand.
        """
        if self._encoder is None:
            raise EngineError(
                "This method joins labels to new prompts, which needs the text encoder of the model.",
                "Embeddings that come from files alone have none: leave the method out.",
            )
        return self._encoder(texts)


class Batch:
    """Some pictures against the texts. What one method has computed, the next one finds."""

    def __init__(self, images: Array, texts: Texts, local: Array | None = None) -> None:
        """Take images [n, d], L2-normalised, and for GL-MCM their patches [n, patches, d]."""
        self.images = images
        self.texts = texts
        self.local = local
        self._labels: dict[str, Array] = {}
        self._sums: dict[tuple[Any, ...], Array] = {}

    def label_similarity(self, recipe: str = "plain") -> Array:
        """Cosines with the ID labels, [n, K]."""
        if recipe not in self._labels:
            self._labels[recipe] = self.images @ self.texts.bank(recipe).labels.T
        return self._labels[recipe]

    def label_lse(self, temperature: float, recipe: str = "plain") -> Array:
        """log-sum-exp over the ID labels, float64 [n]."""
        key = ("labels", recipe, temperature)
        if key not in self._sums:
            self._sums[key] = log_sum_exp(self.label_similarity(recipe), temperature)
        return self._sums[key]

    def negative_lse(self, temperature: float, grouping: Grouping, recipe: str = "plain") -> Array:
        """log-sum-exp of each group of negative labels, float64 [n, groups]; no more than one block at a time."""
        key = ("negatives", recipe, temperature, grouping)
        if key not in self._sums:
            self._sums[key] = self._group_sums(temperature, grouping, recipe)
        return self._sums[key]

    def _group_sums(self, temperature: float, grouping: Grouping, recipe: str) -> Array:
        xp = array_api_compat.array_namespace(self.images)
        columns: list[Array] = []
        for block in self.texts.blocks(recipe, grouping):
            similarity = self.images @ block.texts.T
            shaped = xp.reshape(similarity, (self.images.shape[0], block.groups, block.size))
            sums = log_sum_exp(shaped, temperature)
            if columns and block.first_group < sum(part.shape[1] for part in columns):
                columns[-1] = log_add_exp(columns[-1], sums)  # a further part of a group that was cut
            else:
                columns.append(sums)
        return xp.concat(columns, axis=1)


def rows_at_once(texts: Texts, recipes: Sequence[str]) -> int:
    """How many pictures one batch may hold so that the arrays in flight stay below about 64 MB of float32."""
    widest = WIDEST
    for recipe in recipes:
        widest = max(widest, int(texts.bank(recipe).labels.shape[0]))
    return max(16, min(ROWS, FLOATS_IN_FLIGHT // widest))
