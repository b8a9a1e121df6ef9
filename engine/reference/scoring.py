"""The scripts' scores: logits of pictures, and statistics of subclasses with their outliers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.reference.stages import WNID
from engine.reference.streams import NotReadable, stream_json


@dataclass(frozen=True, slots=True)
class Logit:
    """A picture with its logit, a hundred times the cosine."""

    superclass: str
    name: str
    root: str
    wnid: str
    file: str
    logit: float


@dataclass(frozen=True, slots=True)
class Statistic:
    """A subclass in numbers, on the normalised logits of its superclass; outliers are (root, file)."""

    superclass: str
    name: str
    wnid: str
    mean: float
    standard_deviation: float | None
    outliers: tuple[tuple[str, str], ...]


def kind_of(file: Path) -> str | None:
    """logits or statistics, by the first entry of the file; None where it is neither."""
    try:
        _, entry = next(stream_json(file))
    except (StopIteration, NotReadable):
        return None
    if "mean_normalized_logit" in entry:
        return "statistics"
    return "logits" if "logit" in entry and "image_path" in entry else None


def stream_logits(file: Path) -> Iterator[Logit | str]:
    """Every picture of a file of logits; a path that names no synset comes as text.

    Raises: NotReadable.
    """
    for superclass, entry in stream_json(file):
        place = place_of(entry.get("image_path"))
        if place is None or entry.get("logit") is None:
            yield str(entry.get("image_path"))
            continue
        root, wnid, name = place
        yield Logit(superclass, str(entry.get("prompt_specific")), root, wnid, name, float(entry["logit"]))


def stream_statistics(file: Path) -> Iterator[Statistic | str]:
    """Every subclass of a file of statistics; one without a synset or a mean comes as text.

    Raises: NotReadable.
    """
    for superclass, entry in stream_json(file):
        wnid, mean = str(entry.get("folder_name")), entry.get("mean_normalized_logit")
        if not WNID.fullmatch(wnid) or mean is None:
            yield f"{superclass}: {entry.get('prompt_specific')} ({wnid})"
            continue
        places = [place_of(one.get("image_path")) for one in entry.get("outliers", [])]
        outliers = tuple((place[0], place[2]) for place in places if place is not None)
        deviation = entry.get("std_normalized_logit")
        yield Statistic(superclass, str(entry.get("prompt_specific")), wnid, float(mean), deviation, outliers)


def place_of(path: Any) -> tuple[str, str, str] | None:
    """Name of the root, wnid and file name of a path .../ROOT/n01234567/FILE; None for another path."""
    steps = re.split(r"[\\/]", str(path))
    if len(steps) < 2 or not WNID.fullmatch(steps[-2]):
        return None
    return (steps[-3] if len(steps) > 2 else ""), steps[-2], steps[-1]
