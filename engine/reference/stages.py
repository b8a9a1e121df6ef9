"""What the scripts left of each subclass, stage by stage, keyed by superclass and wnid."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.reference.streams import stream_yaml

WNID = re.compile(r"n\d{8}")
_SUB = re.compile(r"(?P<data_id>.+)_sub_(?P<minimum>\d+)(?P<equalised>_equalized)?\.yaml")
_KINDS = (
    ("_human_checked_remove_replicas_dict.yaml", "replicas"),
    ("_remove_replicas_dict.yaml", "replicas"),
    ("_human_checked_dict.yaml", "human"),
    ("_out_dict.yaml", "vlm"),
)


@dataclass(slots=True)
class Entry:
    """One subclass under one superclass; None where its stage was not reached.

    Attributes:
        name: as the scripts call it.
        similarity: of the words, as the scripts' text model saw it.
        is_seen: the vision-language model said yes, as the script understood it.
        answer: what the model said.
        is_kept: a person kept it.
        is_cleared: the replica filter took it away.
        is_selected: it stands in the file of superclasses with enough subclasses.
        is_equalised_away: the equalisation took it away.
    """

    superclass: str
    wnid: str
    name: str
    similarity: float | None = None
    is_seen: bool | None = None
    answer: str | None = None
    is_kept: bool | None = None
    is_cleared: bool | None = None
    is_selected: bool | None = None
    is_equalised_away: bool | None = None


@dataclass(frozen=True, slots=True)
class Unkeyed:
    """Something in a file that names no synset, or whose parts do not fit together."""

    file: str
    superclass: str
    what: str


@dataclass(slots=True)
class Work:
    """Everything that mapping/ holds.

    Attributes:
        data_id: the name that the scripts' files begin with.
        entries: by superclass and wnid, in the order of the files.
        superclasses: in the order of the files; the stage that each has reached.
        minimum: the least number of subclasses, where that stage was reached.
        files: that were read, by stage.
        unkeyed: what could not be read out of them.
    """

    data_id: str = ""
    entries: dict[tuple[str, str], Entry] = field(default_factory=dict)
    superclasses: dict[str, str] = field(default_factory=dict)
    minimum: int | None = None
    files: dict[str, Path] = field(default_factory=dict)
    unkeyed: list[Unkeyed] = field(default_factory=list)

    def of(self, superclass: str) -> list[Entry]:
        """The entries of a superclass."""
        return [entry for (name, _), entry in self.entries.items() if name == superclass]


def find_stages(folder: Path, data_id: str | None = None) -> dict[str, Path]:
    """The file of each stage that is there: vlm, human, replicas, minimum, equalised.

    Args:
        folder: the mapping folder.
        data_id: which work, where files of several lie there; None takes the one with the most files.
    """
    found: dict[str, dict[str, Path]] = {}
    for file in sorted(folder.glob("*.yaml")):
        known = _SUB.fullmatch(file.name)
        if known:
            stage = "equalised" if known["equalised"] else "minimum"
            found.setdefault(known["data_id"], {})[stage] = file
            continue
        for ending, stage in _KINDS:
            if file.name.endswith(ending):
                found.setdefault(file.name.removesuffix(ending), {})[stage] = file
                break
    if data_id is not None:
        return found.get(data_id, {})
    return max(found.values(), key=len, default={})


def data_id_of(stages: Mapping[str, Path]) -> str:
    """The name that the files of the stages begin with."""
    for stage, file in stages.items():
        known = _SUB.fullmatch(file.name)
        if known:
            return known["data_id"]
        ending = next(ending for ending, kind in _KINDS if kind == stage and file.name.endswith(ending))
        return file.name.removesuffix(ending)
    return ""


def read_work(stages: Mapping[str, Path]) -> Work:
    """Read the files of all stages, the earliest first; a later stage adds to what an earlier one said.

    Raises: NotReadable.
    """
    work = Work(data_id_of(stages), files=dict(stages))
    for stage in ("vlm", "human", "replicas"):
        if stage in stages:
            for superclass, info in stream_yaml(stages[stage]):
                _read_checked(work, stage, stages[stage].name, superclass, info)
    selected = [stage for stage in ("minimum", "equalised") if stage in stages]
    for stage in selected:
        known = _SUB.fullmatch(stages[stage].name)
        work.minimum = int(known["minimum"]) if known else None
        for superclass, info in stream_yaml(stages[stage]):
            _read_selected(work, stage, stages[stage].name, superclass, info)
    for entry in work.entries.values() if selected else ():
        entry.is_selected = bool(entry.is_selected)
    return work


def wnid_of_folder(folder: object) -> str | None:
    """The wnid that a path ends with; None where it ends otherwise."""
    last = re.split(r"[\\/]", str(folder).rstrip("\\/"))[-1]
    return last if WNID.fullmatch(last) else None


def _read_checked(work: Work, stage: str, file: str, superclass: str, info: Any) -> None:
    if not isinstance(info, Mapping):
        work.unkeyed.append(Unkeyed(file, superclass, "is no mapping"))
        return
    work.superclasses[superclass] = stage
    names, folders = list(info.get("classes", [])), list(info.get("folders_paths", info.get("folders", [])))
    if len(names) != len(folders):
        work.unkeyed.append(Unkeyed(file, superclass, f"{len(names)} classes but {len(folders)} folders"))
        return
    rows = list(_entries(work, file, superclass, names, folders))
    for key, values in (("scores", info.get("scores")), ("vis_checks", info.get("vis_checks")),
                        ("raw_vis_checks", info.get("raw_vis_checks"))):  # fmt: skip
        if values is None:
            continue
        if len(values) != len(names):
            work.unkeyed.append(Unkeyed(file, superclass, f"{len(names)} classes but {len(values)} {key}"))
            continue
        for entry, value in zip(rows, values, strict=True):
            if entry is not None:
                _set(entry, key, value)
    if stage != "vlm":
        _read_people(work, file, superclass, info, rows)


def _set(entry: Entry, key: str, value: Any) -> None:
    if key == "scores":
        entry.similarity = float(value)
    elif key == "vis_checks":
        entry.is_seen = bool(value)
    else:
        entry.answer = str(value)


def _read_people(work: Work, file: str, superclass: str, info: Mapping[str, Any], rows: Sequence[Entry | None]) -> None:
    """Decisions stand in the order of what the model accepted, replicas in the order of what a person kept."""
    seen = [entry for entry, said in zip(rows, info.get("vis_checks", []), strict=False) if said]
    kept = list(info.get("manually_check_images", []))
    if len(kept) != len(seen):
        told = f"{len(seen)} classes were accepted by the model but {len(kept)} decided on"
        work.unkeyed.append(Unkeyed(file, superclass, told))
        return
    for entry, said in zip(seen, kept, strict=True):
        if entry is not None:
            entry.is_kept = bool(said)
    if "replica_filter" not in info:
        return
    human = [entry for entry, said in zip(seen, kept, strict=True) if said]
    replicas = list(info["replica_filter"])
    if len(replicas) != len(human):
        told = f"{len(human)} classes were kept but the replica filter has {len(replicas)}"
        work.unkeyed.append(Unkeyed(file, superclass, told))
        return
    for entry, said in zip(human, replicas, strict=True):
        if entry is not None:
            entry.is_cleared = not said


def _read_selected(work: Work, stage: str, file: str, superclass: str, info: Any) -> None:
    if not isinstance(info, Mapping) or len(info.get("classes", [])) != len(info.get("folders", [])):
        work.unkeyed.append(Unkeyed(file, superclass, "classes and folders do not fit together"))
        return
    work.superclasses[superclass] = stage
    filters = info.get("equalization_filter")
    rows = list(_entries(work, file, superclass, info["classes"], info["folders"]))
    for place, entry in enumerate(rows):
        if entry is None:
            continue
        entry.is_selected = True
        if filters is not None and place < len(filters):
            entry.is_equalised_away = not filters[place]


def _entries(
    work: Work, file: str, superclass: str, names: Sequence[Any], folders: Sequence[Any]
) -> Iterator[Entry | None]:
    for name, folder in zip(names, folders, strict=True):
        wnid = wnid_of_folder(folder)
        if wnid is None:
            work.unkeyed.append(Unkeyed(file, superclass, f"{name}: the folder {folder} names no synset"))
            yield None
            continue
        yield work.entries.setdefault((superclass, wnid), Entry(superclass, wnid, str(name)))
