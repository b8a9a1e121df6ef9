"""What lies in a folder of the scripts, read and keyed, and what is damaged in it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import EngineError
from engine.reference import damage as told
from engine.reference.damage import Collision, Damage
from engine.reference.lists import Line, ListFile, find_lists, read_list
from engine.reference.scoring import Statistic, kind_of
from engine.reference.stages import Entry, Unkeyed, Work, find_stages, read_work
from engine.reference.take import OnProgress, Taken
from engine.reference.take_scores import read_statistics
from store import reference as store
from store.connection import Cursor


@dataclass(slots=True)
class Found:
    """What lies in the folder.

    Attributes:
        counts: lines of the lists by kind, split and superclass.
        placed: the split that the lists put a subclass (superclass and wnid) into.
    """

    work: Work
    logits: Path | None
    statistics_file: Path | None
    statistics: list[Statistic]
    lists: list[ListFile]
    counts: Counter[tuple[str, str, str]]
    placed: dict[tuple[str, str], str]


def find_work(folder: Path, data_id: str | None, taken: Taken, tell: OnProgress) -> Found:
    """Read what the scripts wrote.

    Args:
        folder: that they ran in.
        data_id: which work, where several lie there; None: the only one.
        taken: gets what cannot be read.
        tell: how far it is.

    Raises: EngineError if nothing of the scripts is there, or a file cannot be read.
    """
    stages = find_stages(folder / "mapping", data_id)
    tell("reading mapping", 0, 0)
    work = read_work(stages)
    work.data_id = work.data_id or data_id or ""
    kinds: dict[str, Path] = {}
    for file in sorted((folder / "scoring").glob("*.json")):
        kind = kind_of(file)
        if kind is not None:
            kinds.setdefault(kind, file)
    tell("reading statistics", 0, 0)
    statistics = read_statistics(kinds.get("statistics"), taken)
    lists = find_lists(folder / "lists", work.data_id or None) if (folder / "lists").is_dir() else []
    if not stages and not kinds and not lists:
        raise EngineError(
            f"{folder} holds nothing that SOOD's scripts wrote.", "It has mapping/, scoring/ or lists/ in it."
        )
    found = Found(work, kinds.get("logits"), kinds.get("statistics"), statistics, lists, Counter(), {})
    tell("reading lists", 0, 0)
    _count_lists(found, taken)
    _entries_of_scores(found)
    return found


def _count_lists(found: Found, taken: Taken) -> None:
    for file in found.lists:
        for line in read_list(file):
            if not isinstance(line, Line):
                taken.unread.append(f"{file.path.name}: {line}")
                continue
            found.counts[file.kind, file.split, line.superclass] += 1
            if file.kind == "classification":
                found.placed[line.superclass, line.wnid] = file.split
                if (line.superclass, line.wnid) not in found.work.entries and not found.work.files:
                    found.work.entries[line.superclass, line.wnid] = _selected(line.superclass, line.wnid, line.name)


def _entries_of_scores(found: Found) -> None:
    """Subclasses that only statistics name, where no mapping is there."""
    if found.work.files:
        return
    for one in found.statistics:
        entry = _selected(one.superclass, one.wnid, one.name)
        found.work.entries.setdefault((one.superclass, one.wnid), entry)


def _selected(superclass: str, wnid: str, name: str) -> Entry:
    return Entry(superclass, wnid, name, is_selected=True)


def drop_unknown(cursor: Cursor, work: Work) -> None:
    """Leave out what is no synset of WordNet 3.0; it is listed with what has no key."""
    known = store.fetch_known_synsets(cursor, sorted({wnid for _, wnid in work.entries}))
    for key in [key for key in work.entries if key[1] not in known]:
        entry = work.entries.pop(key)
        work.unkeyed.append(Unkeyed("", entry.superclass, f"{entry.name}: {entry.wnid} is no synset of WordNet 3.0"))


def find_collisions(cursor: Cursor, work: Work) -> list[Collision]:
    """Subclasses whose name another synset with pictures or of ImageNet-21K bears, too."""
    namesakes = store.fetch_namesakes(cursor, sorted({wnid for _, wnid in work.entries}))
    found = []
    for (superclass, wnid), entry in work.entries.items():
        if wnid in namesakes:
            senses = dict(store.fetch_senses_above(cursor, superclass, [wnid]))
            is_below = None if not senses else any(senses.values())
            found.append(Collision(superclass, entry.name, wnid, namesakes[wnid], is_below))
    return found


def find_damage(cursor: Cursor, found: Found, collisions: Sequence[Collision]) -> list[Damage]:
    """Everything in the files that is not as the scripts meant it."""
    has_scores = found.logits is not None or found.statistics_file is not None
    images = store.fetch_image_counts(cursor, sorted({wnid for _, wnid in found.work.entries}))
    outliers = {(one.wnid, file): one.superclass for one in found.statistics for _, file in one.outliers}
    superclasses = sorted({name for kind, _, name in found.counts if kind == "classification"})
    return [
        *told.replica_damage(found.work),
        *told.collision_damage(collisions),
        *told.stage_damage(found.work, has_scores),
        *told.small_damage(images, found.work),
        *told.outlier_damage(outliers, _lines(found) if outliers else ()),
        *told.list_damage(found.lists, found.counts, superclasses),
        *told.statistic_damage(found.statistics),
    ]


def _lines(found: Found) -> Iterator[Line]:
    for file in found.lists:
        if file.kind == "classification":
            yield from (line for line in read_list(file) if isinstance(line, Line))


def file_names(found: Found, folder: Path) -> Iterator[str]:
    """The files that were found, sorted, with their paths below the folder."""
    files = [*found.work.files.values(), *(file.path for file in found.lists)]
    files += [file for file in (found.logits, found.statistics_file) if file is not None]
    yield from sorted(str(file.relative_to(folder)) for file in files)
