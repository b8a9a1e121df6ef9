"""The folder of a demo: what lies where in it, and how far the demo has come."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from engine.demo.classes import SUPERCLASSES, DemoClass, as_settings
from engine.errors import EngineError
from engine.jobs.folder import JobFolder
from engine.jobs.runner import submit

STEPS = 300


@dataclass(frozen=True, slots=True)
class DemoPlace:
    """The demo's folder, which is a workspace with a few things more."""

    root: Path

    @property
    def record(self) -> Path:
        """Holds the seed; its presence says that the folder is a demo."""
        return self.root / ".demo.json"

    @property
    def pictures(self) -> Path:
        """The wnid folders."""
        return self.root / "pictures"

    @property
    def checkpoint(self) -> Path:
        """The trained CLIP, for local-dir:."""
        return self.root / "demo-clip"

    @property
    def seeds(self) -> Path:
        """The list of superclasses."""
        return self.root / "superclasses.yaml"

    @property
    def export(self) -> Path:
        """Where the demo exports to."""
        return self.root / "exports" / "demo"

    def claim(self, seed: int | None) -> int:
        """Make the folder a demo's, or find that it is one already.

        Args:
            seed: None: the one that the folder was made with, or 0.

        Returns: the seed of this demo.
        Raises: EngineError if something else lies there, or a demo with another seed.
        """
        if self.record.is_file():
            made_with = int(json.loads(self.record.read_text(encoding="utf-8"))["seed"])
            if seed not in (None, made_with):
                raise EngineError(
                    f"The demo in {self.root} was made with seed {made_with}.",
                    f"Name another folder for seed {seed}, or leave --seed out to go on with this one.",
                )
            return made_with
        if self.root.exists() and (not self.root.is_dir() or any(self.root.iterdir())):
            raise EngineError(f"{self.root} is there already, and no demo.", "Name a folder that does not exist yet.")
        self.root.mkdir(parents=True, exist_ok=True)
        self.record.write_text(json.dumps({"seed": seed or 0}) + "\n", encoding="utf-8")
        return seed or 0

    def write_seeds(self) -> None:
        """Write the list of superclasses that `candidates seed` reads."""
        text = yaml.safe_dump(dict(SUPERCLASSES), sort_keys=False)
        self.seeds.write_text(f"# The demo's superclasses: a name and a synset each.\n{text}", encoding="utf-8")

    def submit_training(self, classes: Sequence[DemoClass], seed: int, steps: int) -> JobFolder:
        """Start the job that trains the demo's CLIP, on the CPU, where equal seeds give equal weights."""
        settings = {
            "classes": as_settings(classes),
            "steps": steps,
            "seed": seed,
            "target": str(self.checkpoint.absolute()),
        }
        return submit(
            self.root.absolute(), "train-demo-clip", settings, device="cpu", title="the demo's CLIP", reviewer="demo"
        )
