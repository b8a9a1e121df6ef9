"""Reading files of multi-label truth: ReaL, ImageNetV2's, and plain CSV.

Nothing of a file is taken in before the whole of it has been understood.
"""

import csv
import importlib.util
import json
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from engine.errors import EngineError

KINDS = ("real", "imagenetv2", "csv")
REAL_FILE_NAME = "ILSVRC2012_val_{:08d}.JPEG"


@dataclass(frozen=True, slots=True)
class TruthEntry:
    """One picture of a truth file.

    Attributes:
        line: line or entry of the file, from 1.
        file: file name of the picture, without folders.
        wnids: its valid labels, sorted; empty where no label is valid.
    """

    line: int
    file: str
    wnids: tuple[str, ...]


def timm_real_file() -> Path:
    """ReaL labels as timm ships them; found without importing timm, which would load torch."""
    spec = importlib.util.find_spec("timm")
    if spec is None or spec.origin is None:
        raise EngineError(
            "timm is not installed, so its copy of the ReaL labels is not here.", "Name the file yourself."
        )
    return Path(spec.origin).parent / "data" / "_info" / "imagenet_real_labels.json"


def read_truth(path: Path, kind: str, classes: Sequence[str], synsets: Set[str] = frozenset()) -> list[TruthEntry]:
    """Read a truth file.

    Args:
        kind: `real` (JSON list, entry i belongs to validation picture i + 1), `imagenetv2` (JSON object, file name to
            class indices) or `csv` (header `file,labels`; labels are wnids or class indices, separated by spaces or
            semicolons).
        classes: wnids in the order of the class indices (the ImageNet-1k list).
        synsets: further wnids that a CSV may name.

    Raises: EngineError naming file and line for anything that is not as it should be, two lines for one picture,
        and a file without a single valid label.
    """
    reader = {"real": _read_real, "imagenetv2": _read_imagenetv2, "csv": _read_csv}[kind]
    known = frozenset(classes) | (synsets if kind == "csv" else frozenset())
    entries = []
    first_line: dict[str, int] = {}
    for line, file, raw in reader(path):
        if file in first_line:
            raise EngineError(f"{path}, line {line}: {file} stands on line {first_line[file]} already.")
        first_line[file] = line
        entries.append(TruthEntry(line, file, _wnids(raw, classes, known, f"{path}, line {line}")))
    if not any(entry.wnids for entry in entries):
        raise EngineError(f"{path} has no valid label for any of its {len(entries)} pictures.", "Is it the right file?")
    return entries


Raw = tuple[int, str, Sequence[object]]


def _read_real(path: Path) -> Iterator[Raw]:
    entries = _json(path)
    if not isinstance(entries, list):
        raise EngineError(
            f"{path} is no list of label lists.", "ReaL is a JSON list; for an object use --kind imagenetv2."
        )
    for index, labels in enumerate(entries, start=1):
        if not isinstance(labels, list):
            raise EngineError(f"{path}, line {index}: {labels!r} is no list of class indices.")
        yield index, REAL_FILE_NAME.format(index), labels


def _read_imagenetv2(path: Path) -> Iterator[Raw]:
    pairs = _json(path, pairs=True)
    if not isinstance(pairs, _Pairs):
        raise EngineError(f"{path} is no object of file names.", "For a JSON list, ReaL's form, use --kind real.")
    for index, (file, labels) in enumerate(pairs, start=1):
        if not isinstance(labels, list):
            raise EngineError(f"{path}, line {index}: the labels of {file} are no list.")
        yield index, file.rsplit("/", 1)[-1], labels


def _read_csv(path: Path) -> Iterator[Raw]:
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            rows = csv.DictReader(lines)
            if not {"file", "labels"} <= set(rows.fieldnames or ()):
                raise EngineError(f"{path} has no columns `file` and `labels`.", "Its first line must name them.")
            for row in rows:
                if row["file"] is None or row["labels"] is None:
                    raise EngineError(f"{path}, line {rows.line_num}: a column is missing.")
                yield rows.line_num, row["file"].rsplit("/", 1)[-1], row["labels"].replace(";", " ").split()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EngineError(f"{path} cannot be read: {error}") from error


class _Pairs(list[tuple[str, object]]):
    """A JSON object as its pairs in order, so that a name that stands twice is seen."""


def _json(path: Path, pairs: bool = False) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_Pairs if pairs else None)
    except json.JSONDecodeError as error:
        raise EngineError(f"{path}, line {error.lineno}: {error.msg}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise EngineError(f"{path} cannot be read: {error}") from error


def _wnids(raw: Sequence[object], classes: Sequence[str], known: Set[str], where: str) -> tuple[str, ...]:
    found = set()
    for label in raw:
        text = str(label)
        if text in known:
            found.add(text)
        elif text.isdecimal() and not isinstance(label, bool) and int(text) < len(classes):
            found.add(classes[int(text)])
        else:
            reason = f"Class indices go from 0 to {len(classes) - 1}; a CSV may name any synset of the catalogue."
            raise EngineError(f"{where}: the label {label!r} is none of the {len(classes)} classes.", reason)
    return tuple(sorted(found))
