"""Image lists and dataset stanzas for OpenOOD: what is below openood/ goes over a checkout of OpenOOD.

Easy, Hard and other bands keep their class ids and stand as covariate-shifted ID (csid): their superclass is still
right. Sets that belong to no class have the label -1. OpenOOD wants ID pictures that were not trained on, and SOOD has
none; so train is drawn apart by the seed, a tenth each for validation and test, and the whole list is there as well.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from engine.errors import EngineError
from engine.export.formats.sood import Unlistable
from engine.export.listed import counted, listed_pictures
from engine.export.options import OnPictures, Size, quiet
from engine.export.plan import Plan, list_name
from store.connection import Cursor

NAME = "openood"
SENTENCE = "openood/: imglists (bands as csid with class ids, OOD sets with -1) and the stanzas of the data sets."
DATA_SET = "sood"
LISTS = f"openood/data/benchmark_imglist/{DATA_SET}"
STANZAS = f"openood/configs/datasets/{DATA_SET}"
OOD_LABEL = -1
_TENTHS = ("test", "val")


def files(plan: Plan) -> list[str]:
    """The files that the format writes."""
    names = ["train", "fit", "val", "test", *_bands(plan), *(f"ood_{one.name}" for one in plan.options.ood)]
    stanzas = [f"{STANZAS}/{DATA_SET}.yml", f"{STANZAS}/{DATA_SET}_fsood.yml"]
    return [*(f"{LISTS}/{name}_{DATA_SET}.txt" for name in names), *stanzas]


def check(cursor: Cursor, plan: Plan) -> None:
    """Look at every name: OpenOOD splits a line at the first blank.

    Raises: EngineError.
    """
    for _ in _lines(cursor, plan):
        pass


def warnings(plan: Plan) -> list[str]:
    """What OpenOOD still lacks."""
    if plan.options.ood:
        return []
    return ["openood: no OOD set was named (--ood NAME=SET), so the stanza has csid only."]


def size(cursor: Cursor, plan: Plan) -> Size:
    """What it comes to: every line of train stands twice."""
    found = sum(len(line.encode()) * (2 if name in ("fit", *_TENTHS) else 1) for name, line in _lines(cursor, plan))
    stanzas = sum(len(text.encode()) for text in _stanzas(plan).values())
    return Size(len(files(plan)), found + stanzas, True, False)


def write(cursor: Cursor, plan: Plan, folder: Path, tell: OnPictures = quiet) -> None:
    """Write lists and stanzas.

    Raises: EngineError.
    """
    (folder / LISTS).mkdir(parents=True, exist_ok=True)
    (folder / STANZAS).mkdir(parents=True, exist_ok=True)
    done, whole = 0, counted(plan)
    with ExitStack() as stack:
        opened = {
            name.removeprefix(f"{LISTS}/").removesuffix(f"_{DATA_SET}.txt"): stack.enter_context(
                (folder / name).open("w", encoding="utf-8", newline="\n", errors="surrogateescape")
            )
            for name in files(plan)
            if name.startswith(LISTS)
        }
        for name, line in _lines(cursor, plan):
            opened[name].write(line)
            if name in ("fit", *_TENTHS):
                opened["train"].write(line)
            done += 1
            if done % 50_000 == 0:
                tell(min(done, whole), whole)
    tell(whole, whole)
    for name, text in _stanzas(plan).items():
        (folder / STANZAS / name).write_text(text, encoding="utf-8", newline="\n")


def part_of(path: str, seed: int) -> str:
    """Which part of train a picture is drawn into: test and val take a tenth each, fit the rest.

    It depends on the picture's own path and the seed only, so that one picture more moves no other.
    """
    tenth = int.from_bytes(hashlib.sha256(f"{seed}\0{path}".encode()).digest()[:8], "big") * 10 >> 64
    return _TENTHS[tenth] if tenth < len(_TENTHS) else "fit"


def _bands(plan: Plan) -> list[str]:
    return [list_name(split).removesuffix("_ood") for split in plan.splits if split != "train"]


def _lines(cursor: Cursor, plan: Plan) -> Iterator[tuple[str, str]]:
    """Name of a list and a line of it; all names that a line cannot hold are gathered before one is an error."""
    unlistable = Unlistable()
    seed = plan.prepared.settings.seed
    for split in plan.splits:
        for picture in listed_pictures(cursor, plan, split):
            path = unlistable.look(picture.path, is_path=True)
            name = part_of(picture.path, seed) if split == "train" else list_name(split).removesuffix("_ood")
            yield name, f"{path} {picture.class_id}\n"
    for one in plan.options.ood:
        for written in one.paths:
            if written.startswith("/"):
                raise EngineError(f"The OOD set {one.name} has the absolute path {written}.", "OpenOOD refuses those.")
            yield f"ood_{one.name}", f"{unlistable.look(written, is_path=True)} {OOD_LABEL}\n"
    unlistable.tell(NAME)


def _stanzas(plan: Plan) -> dict[str, str]:
    """The two files that name the lists to OpenOOD."""
    classes = len(plan.prepared.superclasses)
    groups: dict[str, list[str]] = {"nearood": [], "farood": []}
    for one in plan.options.ood:
        groups["nearood" if one.near_or_far == "near" else "farood"].append(f"ood_{one.name}")
    fsood = [
        "# data_dir is the folder that holds the roots of the paths: " + ", ".join(sorted(plan.roots.values())),
        "ood_dataset:",
        f"  name: {DATA_SET}_ood",
        f"  num_classes: {classes}",
        "  dataset_class: ImglistDataset",
        *_loading(indent=2, batch=200),
    ]
    named = {**{group: names for group, names in groups.items() if names}, "csid": _bands(plan)}
    fsood.append(f"  split_names: [{', '.join(named)}]")
    for group, names in named.items():
        fsood += [f"  {group}:", f"    datasets: [{', '.join(names)}]"]
        for name in names:
            fsood += [f"    {name}:", *_place(name, 6)]
    plain = [
        "dataset:",
        f"  name: {DATA_SET}",
        f"  num_classes: {classes}",
        "  normalization_type: imagenet",
        *_loading(indent=2),
        "  split_names: [train, val, test]",
    ]
    for part, name, shuffled in (("train", "fit", "True"), ("val", "val", "False"), ("test", "test", "False")):
        plain += [f"  {part}:", "    dataset_class: ImglistDataset", *_place(name, 4)]
        plain += ["    batch_size: 128", f"    shuffle: {shuffled}"]
    return {f"{DATA_SET}.yml": "\n".join(plain) + "\n", f"{DATA_SET}_fsood.yml": "\n".join(fsood) + "\n"}


def _loading(indent: int, batch: int | None = None) -> Sequence[str]:
    told = ["pre_size: 256", "image_size: 224", "interpolation: bilinear"]
    told += [f"{name}: '@{{{name}}}'" for name in ("num_workers", "num_gpus", "num_machines")]
    told += [f"batch_size: {batch}", "shuffle: False"] if batch else []
    return [" " * indent + line for line in told]


def _place(name: str, indent: int) -> list[str]:
    blank = " " * indent
    lists = LISTS.removeprefix("openood/")
    return [f"{blank}data_dir: ./data/images_largescale/", f"{blank}imglist_pth: ./{lists}/{name}_{DATA_SET}.txt"]
