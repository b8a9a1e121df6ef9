"""What a form asks, and what was answered: texts, turned into values with a sentence for what cannot be."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar, cast

from engine.errors import EngineError
from engine.jobs.devices import check_device
from engine.jobs.execution import Execution
from engine.jobs.spec import Executor
from sood_tui.settings import Settings, typed_value
from store.errors import StoreError

Value = TypeVar("Value")
NO_YES = ("no", "yes")


class WrongField(EngineError):
    """What was answered in one field cannot be."""

    def __init__(self, field: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.field = field


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that is asked.

    Attributes:
        name: for the program.
        title: for a person.
        help: one line about it.
        value: what it begins with.
        choices: all it can be; empty: any text.
    """

    name: str
    title: str
    help: str
    value: str = ""
    choices: tuple[str, ...] = ()


SUPERCLASSES = Field("superclasses", "superclasses", "names with commas between them; empty: all of them")


def model_fields(settings: Settings, inherited: bool = False) -> tuple[Field, ...]:
    """Model and weights; inherited: empty fields stand for what pictures were scored with."""
    model = "open_clip's architecture, local-dir:FOLDER or hf-hub:ORG/NAME"
    weights = "open_clip's tag or a checkpoint; empty with local-dir: and hf-hub:"
    if inherited:
        return (
            Field("model", "model", f"{model}; empty: that of the scoring"),
            Field("pretrained", "weights", weights),
        )
    return (
        Field("model", "model", model, settings.text("scoring.model")),
        Field("pretrained", "weights", weights, settings.text("scoring.pretrained")),
    )


def batch_field(size: int, what: str = "pictures") -> Field:
    """How large a batch is."""
    return Field("batch_size", "batch size", f"{what}; halved by itself when memory runs out", str(size))


def execution_fields(settings: Settings) -> tuple[Field, ...]:
    """Where a job runs, who schedules it, how urgent it is."""
    return (
        Field(
            "device",
            "device",
            "auto, cpu, cpu:N, cuda, cuda:0 or cuda:0,2: a process each",
            settings.text("scoring.device"),
        ),
        Field("priority", "priority", "waiting jobs of a higher one go first", "0"),
        Field("executor", "executor", "processes here, or a Ray cluster", "local", ("local", "ray")),
        Field("address", "address", "of the Ray cluster; empty: $RAY_ADDRESS"),
        Field("storage", "storage", "URL for a cluster's parts; empty: the workspace"),
        Field("force", "force", "start even where it would not fit, as far as can be told", "no", NO_YES),
    )


@dataclass(frozen=True, slots=True)
class Answers:
    """What was typed into the fields.

    Attributes:
        texts: of each field, by its name.
        estimate: only find out what the work would take.
    """

    texts: Mapping[str, str]
    estimate: bool = False

    def text(self, name: str) -> str:
        """As it is, without spaces around."""
        return self.texts[name].strip()

    def optional(self, name: str) -> str | None:
        """None where nothing was typed."""
        return self.text(name) or None

    def required(self, name: str, hint: str) -> str:
        """Something.

        Raises: WrongField where nothing was typed.
        """
        if not self.text(name):
            raise WrongField(name, "This must be said.", hint)
        return self.text(name)

    def yes(self, name: str) -> bool:
        """Whether yes was chosen."""
        return self.text(name) == "yes"

    def whole(self, name: str, least: int | None = None) -> int:
        """A whole number.

        Raises: WrongField for anything else, or less than the least.
        """
        text = self.text(name).replace(",", "")
        if not text.removeprefix("-").isdecimal():
            raise WrongField(name, f"{self.text(name)!r} is no whole number.")
        if least is not None and int(text) < least:
            raise WrongField(name, f"{text} is too little.", f"At least {least}.")
        return int(text)

    def optional_whole(self, name: str, least: int | None = None) -> int | None:
        """A whole number, or None where nothing was typed.

        Raises: WrongField, see ``whole``.
        """
        return self.whole(name, least) if self.text(name) else None

    def share(self, name: str) -> float:
        """A number above 0 and at most 1.

        Raises: WrongField for anything else.
        """
        try:
            number = float(self.text(name))
        except ValueError:
            number = 0.0
        if not 0 < number <= 1:
            raise WrongField(name, f"{self.text(name)!r} is no share.", "Write a number above 0, at most 1: 0.15.")
        return number

    def listed(self, name: str) -> tuple[str, ...]:
        """What stands between commas."""
        return tuple(one.strip() for one in self.text(name).split(",") if one.strip())

    def words(self, name: str) -> tuple[str, ...]:
        """What stands between spaces; quotation marks keep spaces together.

        Raises: WrongField where a quotation mark stands alone.
        """
        try:
            return tuple(shlex.split(self.text(name)))
        except ValueError:
            raise WrongField(name, "A quotation mark stands alone.", "Write 'NAME=folder:/a folder'.") from None

    def at(self, name: str, act: Callable[[], Value]) -> Value:
        """What an action gives; what it refuses is this field's fault.

        Raises: WrongField.
        """
        try:
            return act()
        except (EngineError, StoreError) as error:
            raise WrongField(name, error.message, error.hint) from error

    def settings(self, settings: Settings, keys: Mapping[str, str]) -> Settings:
        """The settings with what was typed in their place.

        Args:
            settings: as they are.
            keys: field -> key of the setting; a field that is empty leaves it alone, unless it may be empty.

        Raises: WrongField where a text is no such value.
        """
        typed = {
            key: self.at(field, lambda key=key, field=field: typed_value(key, self.text(field)))  # type: ignore[misc]
            for field, key in keys.items()
        }
        return replace(
            settings,
            values={**settings.values, **typed},
            sources={**settings.sources, **dict.fromkeys(typed, "command line")},
        )

    def device(self) -> str:
        """Where the job runs.

        Raises: WrongField where that names no device.
        """
        return self.at("device", lambda: check_device(self.text("device")))

    def execution(self) -> Execution:
        """Who schedules the job.

        Raises: WrongField where that cannot be.
        """
        found = Execution(
            cast("Executor", self.text("executor")),
            self.optional("address"),
            self.optional("storage"),
            self.whole("priority"),
            self.estimate,
            self.yes("force"),
        )
        if found.executor == "local":
            for name in ("address", "storage"):
                if self.text(name):
                    raise WrongField(name, "This speaks of a cluster.", "Choose the executor ray, or leave it empty.")
        self.at("executor", found.check)
        return found
