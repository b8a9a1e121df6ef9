"""The detectors, one file a method. A file here that has a ``METHOD`` is a method; nothing else lists them."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.evaluation.batches import Batch, TextBank
from engine.evaluation.formulas import Array

Settings = Mapping[str, Any]
Static = Callable[[Batch, Settings], Array]
Stream = Callable[[NDArray[np.float32], TextBank, Settings], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Method:
    """A detector: what it is called, what it needs, and the function that scores.

    Attributes:
        name: on the command line and in tables of the catalogue.
        title: as papers write it.
        paper: where it comes from.
        score: of a static method: id_scores float64 [n] of a batch, whatever else the batches hold.
        stream: of an adaptive method: id_scores float64 [n] of pictures in the order given; it starts afresh each call.
        defaults: its settings.
        recipe: which texts it is scored against: plain or csp.
        negatives: whether it needs negative labels.
        local: whether it needs patch embeddings.
        compounds: whether it encodes further prompts while it scores.
        noise: how many encoded pictures of noise it begins with.
    """

    name: str
    title: str
    paper: str
    score: Static | None = None
    stream: Stream | None = None
    defaults: Settings = field(default_factory=dict)
    recipe: str = "plain"
    negatives: bool = False
    local: bool = False
    compounds: bool = False
    noise: int = 0

    @property
    def adaptive(self) -> bool:
        """Whether a score depends on the pictures that came before; such methods have a table of their own."""
        return self.stream is not None

    def settings(self, given: Settings) -> dict[str, Any]:
        """The defaults with what was given over them; keys of other methods are left alone."""
        return {key: given.get(key, value) for key, value in self.defaults.items()}


@cache
def all_methods() -> Mapping[str, Method]:
    """Every method by name: the static ones first, each half in alphabetical order."""
    found = []
    for module in pkgutil.iter_modules(__path__):
        method = getattr(importlib.import_module(f"{__name__}.{module.name}"), "METHOD", None)
        if isinstance(method, Method):
            found.append(method)
    return {method.name: method for method in sorted(found, key=lambda method: (method.adaptive, method.name))}


def find_method(name: str) -> Method:
    """The method of that name, in any spelling of case, dashes and underscores.

    Raises: EngineError that lists what there is.
    """
    wanted = name.lower().replace("_", "-")
    for method in all_methods().values():
        if wanted in (method.name, method.name.replace("-", ""), method.title.lower()):
            return method
    raise EngineError(f"There is no method {name!r}.", f"Methods are {', '.join(all_methods())}.")
