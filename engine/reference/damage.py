"""What the known bugs of the scripts did to a piece of work, one by one, and what puts it right.

Source: the numbers are those of METHODS 6.1, in its order of importance.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.reference.lists import Line, ListFile
from engine.reference.scoring import Statistic
from engine.reference.stages import Work

SHEET = 16
EMPTY = {
    "segmentation": (9, "review of masks", "it was emptied for writing and never written"),
    "classification": (6, "root of the pictures", "no picture was found, the root was named without imagenet21k_train"),
}
"""What an empty list of each kind tells: number of the bug, its title, and why."""


@dataclass(frozen=True, slots=True)
class Damage:
    """One trace of a bug. bug is its number; superclass and wnid are empty where it concerns all."""

    bug: int
    title: str
    superclass: str
    wnid: str
    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Collision:
    """A name that several synsets of ImageNet share; the scripts knew only one of them."""

    superclass: str
    name: str
    wnid: str
    others: tuple[str, ...]
    is_below: bool | None


def replica_damage(work: Work) -> list[Damage]:
    """Bug 1: for a class that several superclasses kept, the filter took away another one."""
    kept = [entry for entry in work.entries.values() if entry.is_kept and entry.is_cleared is not None]
    claims = Counter(entry.name for entry in kept)
    names: dict[str, list[str]] = defaultdict(list)
    found = []
    for entry in kept:
        if not entry.is_cleared:
            names[entry.name].append(entry.superclass)
        elif claims[entry.name] < 2:
            told = f"{entry.name} was taken out of {entry.superclass}, though nobody else claims it"
            remedy = f"sood-tui review accept {entry.superclass} {entry.wnid}"
            found.append(Damage(1, "replica filter", entry.superclass, entry.wnid, told, remedy))
    for name, claimed in names.items():
        if len(claimed) > 1:
            wnid = next(entry.wnid for entry in kept if entry.name == name)
            told = f"{name} still stands under {' and '.join(claimed)}"
            remedy = f"sood-tui review assign {wnid} {claimed[0]}"
            found.append(Damage(1, "replica filter", claimed[0], wnid, told, remedy))
    return found


def stage_damage(work: Work, has_scores: bool) -> list[Damage]:
    """Stages that were left out, answers that were misread, and samples that nobody can repeat."""
    found = []
    if "human" in work.files and "replicas" not in work.files:
        found.append(
            Damage(1, "replica filter", "", "", "no file of the replica filter is there; without a replica the script "
                   "writes none, and the next one stops", "nothing: what people kept is taken over")
        )  # fmt: skip
    if "minimum" in work.files and "equalised" not in work.files and not has_scores:
        found.append(
            Damage(4, "equalisation", "", "", "the file that scoring opens was never written; the driver leaves the "
                   "stage out", "sood-tui splits rules --equalise subclasses, or nothing")
        )  # fmt: skip
    for entry in work.entries.values():
        if entry.is_seen is False and entry.answer is not None and is_yes(entry.answer):
            told = f"the answer {entry.answer!r} means yes, and was read as no"
            remedy = f"sood-tui review accept {entry.superclass} {entry.wnid}"
            found.append(Damage(3, "answer of the model", entry.superclass, entry.wnid, told, remedy))
    if "vlm" in work.files or "human" in work.files:
        told = "the pictures that the model and the reviewers saw were drawn without a seed and not kept"
        found.append(Damage(10, "samples", "", "", told, "sood-tui filters run and sood-tui review draw by a seed"))
    return found


def is_yes(answer: str) -> bool:
    """Whether an answer means yes to a person: blanks, case and punctuation aside."""
    return answer.strip().strip(".,!;:'\"").strip().lower() in ("y", "yes")


def small_damage(images: Mapping[str, int], work: Work) -> list[Damage]:
    """Bug 3: the scripts draw 16 pictures and stop where a folder has fewer."""
    small = sorted({entry.wnid for entry in work.entries.values() if 0 < images.get(entry.wnid, SHEET) < SHEET})
    told = (
        f"{len(small)} subclasses have fewer than {SHEET} pictures, on which the scripts stop: {', '.join(small[:5])}"
    )
    return [Damage(3, "small folders", "", "", told, "nothing: sheets here take what there is")] if small else []


def statistic_damage(statistics: Iterable[Statistic]) -> list[Damage]:
    """Bug 12: the spread of a single picture is NaN, which JSON does not have."""
    single = [one for one in statistics if one.standard_deviation is None]
    if not single:
        return []
    told = f"{len(single)} subclasses have NaN as their spread: {', '.join(one.name for one in single[:5])}"
    return [Damage(12, "NaN in JSON", "", "", told, "nothing: it is read as unknown")]


def outlier_damage(outliers: Mapping[tuple[str, str], str], lines: Iterable[Line]) -> list[Damage]:
    """Bug 5: outliers are taken out by comparing paths as text, so that another root keeps all of them.

    Args:
        outliers: (wnid, file) -> superclass.
        lines: of the lists for classification.
    """
    there = Counter(outliers[line.wnid, line.file] for line in lines if (line.wnid, line.file) in outliers)
    told = "outliers stand in the lists: their paths were compared as text, and the root was another one"
    return [
        Damage(5, "outliers kept", superclass, "", f"{count} {told}", "nothing: here they are left out")
        for superclass, count in sorted(there.items())
    ]


def list_damage(
    files: Sequence[ListFile], counts: Mapping[tuple[str, str, str], int], superclasses: Sequence[str]
) -> list[Damage]:
    """Bugs 6, 7, 9 and 11: lists without lines, lists that were cut off, superclasses without Hard.

    Args:
        files: the lists that are there.
        counts: (kind, split, superclass) -> lines.
        superclasses: that stand in any list for classification.
    """
    found = []
    for file in files:
        whole = sum(count for (kind, split, _), count in counts.items() if (kind, split) == (file.kind, file.split))
        others = sum(count for (kind, _, _), count in counts.items() if kind == file.kind)
        if whole == 0 and (file.kind == "segmentation" or not others):
            bug, title, why = EMPTY[file.kind]
            found.append(Damage(bug, title, "", "", f"{file.path.name} is empty: {why}", "make the lists again"))
        elif file.kind == "segmentation" and file.split == "train":
            full = sum(c for (kind, split, _), c in counts.items() if (kind, split) == ("classification", "train"))
            if 0 < whole < full:
                told = f"{file.path.name} has {whole} of {full} pictures: the last lines were never flushed"
                found.append(Damage(7, "masks cut off", "", "", told, "make the masks of the others"))
    for split in ("hard", "easy"):
        if any(file.split == split and file.kind == "classification" for file in files):
            for superclass in superclasses:
                if not counts.get(("classification", split, superclass)):
                    told = f"{superclass} has no picture in {split}: one of its subclasses holds too many pictures"
                    remedy = f"sood-tui splits set --remedy greedy --superclass {superclass}"
                    found.append(Damage(11, "empty list", superclass, "", told, remedy))
    return found


def collision_damage(collisions: Sequence[Collision]) -> list[Damage]:
    """Bug 2: names were turned into synsets, so that of several with one name all but one are out of reach."""
    return [
        Damage(
            2, "names for synsets", one.superclass, one.wnid,
            f"{one.name} also names {', '.join(one.others)}, which the scripts could not reach"
            + ("" if one.is_below is not False else f"; {one.wnid} does not lie below {one.superclass}"),
            f"sood-tui wordnet show {one.others[0]}",
        )
        for one in collisions
    ]  # fmt: skip
