"""What an evaluation job is told, as files in a folder of its own: the plan, the pictures, the words."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet

from engine.jobs.files import write_whole

KIND = "evaluation"
FOLDER = "evaluations"
PLAN_FILE = "plan.json"
PICTURES_FILE = "pictures.parquet"


@dataclass(frozen=True, slots=True)
class SetPlan:
    """A set of the run; ``npz`` names the file where its embeddings come from one."""

    name: str
    role: str
    near_or_far: str | None
    source: str
    sha256: str
    images: int
    relatives: int
    note: str | None
    npz: str | None


@dataclass(frozen=True, slots=True)
class NegativesPlan:
    """Where the negative labels of a recipe come from.

    Attributes:
        given: name of an artefact whose words are in the folder; None: they are mined from the corpus in the folder.
        name: what to call what is mined.
        corpus: settings of the corpus, for the record.
        left_out: reason -> how many words fell away.
        percentile: of the distances to the ID labels, in [0, 1]; 0 is the nearest label.
        fraction: share of each part of speech to keep.
        count: number to keep instead.
        per_pos: rank parts of speech apart.
        ranking: neglabel, csp or interneg.
    """

    given: str | None = None
    name: str = ""
    corpus: Mapping[str, Any] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    percentile: float = 0.05
    fraction: float = 0.15
    count: int | None = None
    per_pos: bool = True
    ranking: str = "neglabel"


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """A sweep instead of single settings: every combination of its axes.

    Attributes:
        counts: numbers of negative labels, prefixes of the ranking.
        groups: numbers of groups.
        temperatures: above 0.
        percentiles: of the ranking; each has a ranking of its own, as each of the following.
        prompts: templates for ID labels and nouns; empty: that of the request alone.
        corpora: sources of words; empty: that of the request alone.
        models: names, each with its weights; empty: that of the request alone.
    """

    counts: tuple[int, ...]
    groups: tuple[int, ...]
    temperatures: tuple[float, ...]
    percentiles: tuple[float, ...] = (0.05,)
    prompts: tuple[str, ...] = ()
    corpora: tuple[str, ...] = ()
    models: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a run depends on beside the pictures and the words.

    Attributes:
        model: None where all embeddings come from files.
        methods: name -> settings, in the order of the table.
        recipes: name -> templates of label, noun and adj.
        orders: of the streams of adaptive methods, each a row of the table.
        calibration: share of the ID pictures that only set the threshold; 0: none.
        wanted: share of ID that the threshold keeps.
        catalogue_id: whose image ids are meant.
        re_embed: encode files anew that have changed since they were embedded.
        corpora: for a sweep, where the words of each corpus come from, in the order of its axis.
        request: what was asked, as JSON values, so that it can be asked again.
    """

    title: str
    model: str | None
    pretrained: str | None
    batch_size: int
    methods: Mapping[str, Mapping[str, Any]]
    recipes: Mapping[str, Mapping[str, list[str]]]
    label_names: list[str]
    label_keys: list[str]
    labels_by: str
    negatives: Mapping[str, NegativesPlan]
    sets: list[SetPlan]
    orders: tuple[str, ...]
    seed: int
    calibration: float
    wanted: float
    catalogue_id: str
    re_embed: bool = False
    compatible: bool = False
    sweep: SweepPlan | None = None
    corpora: tuple[NegativesPlan, ...] = ()
    request: Mapping[str, Any] = field(default_factory=dict)

    @property
    def models(self) -> tuple[tuple[str, str | None], ...]:
        """The models that pictures are embedded with, each with its weights; none where embeddings are given."""
        if self.model is None:
            return ()
        return (self.sweep.models if self.sweep else ()) or ((self.model, self.pretrained),)

    def write(self, folder: Path) -> None:
        """Write it as JSON, whole or not at all."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=2)
        write_whole(folder / PLAN_FILE, lambda stream: stream.write(text.encode() + b"\n"))

    @classmethod
    def read(cls, folder: Path) -> "Plan":
        """Read it back."""
        values = json.loads((folder / PLAN_FILE).read_text(encoding="utf-8"))
        sweep = values.pop("sweep")
        # A plan of an earlier version has one order.
        orders = values.pop("orders", None) or [values.pop("order")]
        return cls(
            **{
                **values,
                "orders": tuple(orders),
                "negatives": {recipe: NegativesPlan(**one) for recipe, one in values["negatives"].items()},
                "sets": [SetPlan(**one) for one in values["sets"]],
                "sweep": None if sweep is None else sweep_of(sweep),
                "corpora": tuple(NegativesPlan(**one) for one in values.get("corpora", ())),
            }
        )


def sweep_of(values: Mapping[str, Any]) -> SweepPlan:
    """A sweep from JSON, where a tuple is a list."""
    models = tuple((str(model), weights) for model, weights in values.get("models", ()))
    return SweepPlan(**{**{key: tuple(value) for key, value in values.items()}, "models": models})


def write_table(folder: Path, name: str, table: pa.Table) -> None:
    """Write a Parquet file, whole or not at all."""
    write_whole(folder / name, lambda stream: parquet.write_table(table, stream, compression="zstd"))


def read_table(folder: Path, name: str) -> pa.Table:
    """Read a Parquet file of the folder."""
    return parquet.read_table(folder / name)


def words_file(recipe: str) -> str:
    """Name of the file with the words of a recipe: the corpus, or the words of an artefact by rank."""
    return f"words-{recipe}.parquet"


def negatives_file(recipe: str) -> str:
    """Name of the file with what was mined."""
    return f"negatives-{recipe}.parquet"
