"""The formats that there are, and what each of them offers."""

import importlib
import pkgutil
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast

from engine.errors import EngineError
from engine.export import formats as formats_package
from engine.export.options import OnPictures, Size
from engine.export.plan import Plan
from store.connection import Cursor

DEFAULT_FORMATS = ("sood", "parquet")


class Format(Protocol):
    """What a module in engine/export/formats offers.

    Some offer more: TREE names a folder of links or copies that it fills, RESUMES says that a run which was cut off can
    go on, NEEDS names formats that are brought along, IS_LAST says that it describes the files of others, and warnings
    (of a plan) tells what a person should think of.
    """

    NAME: str
    SENTENCE: str

    def files(self, plan: Plan) -> list[str]:
        """The files it writes, relative to the export, with slashes; those of its tree are not among them."""

    def check(self, cursor: Cursor, plan: Plan) -> None:
        """Raise EngineError if the format cannot hold something; write nothing."""

    def size(self, cursor: Cursor, plan: Plan) -> Size:
        """What it comes to, exactly or told from a sample."""

    def write(self, cursor: Cursor, plan: Plan, folder: Path, tell: OnPictures) -> None:
        """Write the files from the rows laid out on the cursor; raise EngineError as check does."""


def available_formats() -> dict[str, Format]:
    """The formats that there are, by name: every module in the folder formats."""
    modules = [
        importlib.import_module(f"{formats_package.__name__}.{found.name}")
        for found in pkgutil.iter_modules(formats_package.__path__)
    ]
    return {module.NAME: cast("Format", module) for module in modules}


def chosen_formats(names: Sequence[str]) -> dict[str, Format]:
    """The formats of these names, in the order in which they are written: by name, what describes files last.

    Raises: EngineError if there is no such format, or none was named.
    """
    available = available_formats()
    unknown = [name for name in names if name not in available]
    if unknown or not names:
        raise EngineError(
            f"There is no format {', '.join(unknown)}." if unknown else "No format was named.",
            f"There are {', '.join(available)}.",
        )
    wanted = dict.fromkeys(names)
    for name in names:
        wanted |= dict.fromkeys(getattr(available[name], "NEEDS", ()))
    ordered = sorted(wanted, key=lambda name: (getattr(available[name], "IS_LAST", False), name))
    return {name: available[name] for name in ordered}


def trees_of(formats: dict[str, Format]) -> list[str]:
    """The folders of pictures that formats fill."""
    return [tree for one in formats.values() if (tree := getattr(one, "TREE", None))]


def resumes(formats: dict[str, Format]) -> bool:
    """Whether a run of these formats that was cut off can go on where it was."""
    return any(getattr(one, "TREE", None) or getattr(one, "RESUMES", False) for one in formats.values())


def warnings_of(formats: dict[str, Format], plan: Plan) -> list[str]:
    """What a person should think of before using these formats."""
    return [told for one in formats.values() if hasattr(one, "warnings") for told in one.warnings(plan)]
