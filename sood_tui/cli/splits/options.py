"""What commands of the room splits share: options, and what a new split starts from."""

from enum import StrEnum
from typing import Annotated

import typer

from engine.errors import EngineError
from engine.splits.settings import SplitSettings
from engine.workspace import Workspace
from sood_tui.cli.context import settings_of

Name = Annotated[str, typer.Option("--split", metavar="NAME", help="Which split; else the main one.")]
OneSuperclass = Annotated[str | None, typer.Option(metavar="NAME", help="Only this superclass.")]
By = Annotated[str | None, typer.Option(metavar="NAME", help="Who changes it; else the setting `reviewer`.")]
Note = Annotated[str | None, typer.Option(metavar="TEXT", help="Why; kept with the change.")]


class Remedy(StrEnum):
    """What to do where the percentile rule leaves a band empty."""

    keep = "keep"
    greedy = "greedy"
    unweighted = "unweighted"


class Tails(StrEnum):
    """Which outliers are left out."""

    both = "both"
    low = "low"
    none = "none"


class MeanOver(StrEnum):
    """Which pictures make the mean of a subclass."""

    all = "all"
    kept = "kept"


class EqualiseBy(StrEnum):
    """What is counted when superclasses are made comparable in size."""

    none = "none"
    subclasses = "subclasses"
    pictures = "pictures"


class MatchBands(StrEnum):
    """Which bands are to show equally many labels."""

    none = "none"
    tests = "tests"
    all = "all"


def numbers(text: str) -> tuple[float, ...]:
    """The percentiles in a text like 20,40.

    Raises: EngineError.
    """
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise EngineError(f"{text!r} is no list of percentiles.", "Example: --bands 10,20,40,60") from None


def defaults_of(workspace: Workspace) -> SplitSettings:
    """What a split starts from, as the settings of the workspace say."""
    from sood_tui.benches.thresholds import split_defaults

    return split_defaults(settings_of(workspace), workspace.seed)
