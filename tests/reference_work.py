"""Files of the form that SOOD's scripts write, made by their rules but by other code, with their bugs where asked."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

ROOT = "imagenet21k_train"
Logits = Mapping[str, Mapping[str, Sequence[float]]]
"""Superclass -> wnid -> logit of each picture."""


@dataclass
class ReferenceWork:
    """What is written, and where.

    Attributes:
        folder: the scripts' working folder.
        pictures: the folder ROOT, with a folder a wnid; its files are made.
        logits: of every picture that is scored.
        names: how the scripts call each wnid.
        data_root: how the scripts were told to find ROOT's parent; another spelling switches the outliers off.
    """

    folder: Path
    pictures: Path
    logits: Logits
    names: Mapping[str, str]
    data_root: str = ""
    statistics: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.data_root = self.data_root or str(self.pictures.parent)
        for subs in self.logits.values():
            for wnid, values in subs.items():
                (self.pictures / wnid).mkdir(parents=True, exist_ok=True)
                for number in range(len(values)):
                    (self.pictures / wnid / f"{wnid}_{number}.JPEG").touch()

    def path_of(self, wnid: str, file: str) -> str:
        """A path as scoring writes it: the data root may end without the inner folder."""
        return os.path.join(self.data_root, ROOT, wnid, file)

    def write_mapping(self, info: Mapping[str, Mapping[str, Any]], name: str) -> None:
        """A file of mapping/."""
        (self.folder / "mapping").mkdir(parents=True, exist_ok=True)
        (self.folder / "mapping" / name).write_text(yaml.dump(dict(info)))

    def checked(
        self, superclass: str, wnids: Sequence[str], answers: Sequence[str], kept: Sequence[bool] | None = None
    ) -> dict[str, Any]:
        """What the filter by the model, and then a person, leave of a superclass."""
        folders = [os.path.join(self.data_root, ROOT, wnid) for wnid in wnids]
        info: dict[str, Any] = {
            "classes": [self.names[wnid] for wnid in wnids],
            "folders_paths": folders,
            "folders": folders,
            "n_images": 0,
            "n_classes": len(wnids),
            "scores": [0.5 + place / 100 for place in range(len(wnids))],
            "vis_checks": [answer.lower() in ("y", "yes") for answer in answers],
            "raw_vis_checks": list(answers),
        }
        if kept is not None:
            info["manually_check_images"] = list(kept)
        return info

    def write_scores(self) -> None:
        """scoring/: logits, and statistics by the scripts' rules."""
        (self.folder / "scoring").mkdir(parents=True, exist_ok=True)
        logits: dict[str, list[dict[str, Any]]] = {}
        for superclass in sorted(self.logits):
            subs = self.logits[superclass]
            values = [value for scores in subs.values() for value in scores]
            least, most = min(values), max(values)
            rows = logits.setdefault(superclass, [])
            means = []
            for wnid, scores in subs.items():
                files = os.listdir(self.pictures / wnid)
                normalised = []
                for file in files:
                    number = int(file.rsplit("_", 1)[1].split(".")[0])
                    logit = float(scores[number])
                    normalised.append((logit - least) / (most - least))
                    path = self.path_of(wnid, file)
                    rows.append(
                        {
                            "image_path": path,
                            "logit": logit,
                            "prompt_specific": self.names[wnid],
                            "normalized_logit": normalised[-1],
                        }
                    )
                means.append((wnid, files, np.array(normalised)))
            self.statistics[superclass] = [
                self._statistic(*one) for one in sorted(means, key=lambda one: one[2].mean())
            ]
        (self.folder / "scoring" / "logit_dict_total_test.json").write_text(json.dumps(logits, indent=4))
        (self.folder / "scoring" / "statistics.json").write_text(json.dumps(self.statistics, indent=4))

    def _statistic(self, wnid: str, files: Sequence[str], values: np.ndarray) -> dict[str, Any]:
        low, high = np.percentile(values, [25, 75])
        fence = 1.5 * (high - low)
        outliers = [
            {"image_path": self.path_of(wnid, file), "normalized_logit": float(value)}
            for file, value in zip(files, values, strict=True)
            if value < low - fence or value > high + fence
        ]
        return {
            "prompt_specific": self.names[wnid],
            "folder_name": wnid,
            "mean_normalized_logit": float(values.mean()),
            "std_normalized_logit": float(values.std(ddof=1)) if len(values) > 1 else float("nan"),
            "outliers": outliers,
        }

    def write_lists(self, data_id: str = "work", base: str | None = None) -> None:
        """lists/classification: the cut at 40 and 20, a line a picture, grouped by the name of its subclass."""
        out = self.folder / "lists" / "classification"
        out.mkdir(parents=True, exist_ok=True)
        base = base or os.path.join(self.data_root, ROOT)
        lists: dict[str, dict[str, list[str]]] = {"train_iid": {}, "test_easy_ood": {}, "test_hard_ood": {}}
        for class_id, (superclass, subs) in enumerate(self.statistics.items()):
            rows = []
            for sub in subs:
                gone = {one["image_path"] for one in sub["outliers"]}
                for _, _, files in os.walk(os.path.join(base, sub["folder_name"])):
                    for file in files:
                        if os.path.join(base, sub["folder_name"], file) not in gone:
                            rows.append(
                                (
                                    f"{ROOT}/{sub['folder_name']}/{file}",
                                    sub["prompt_specific"],
                                    sub["mean_normalized_logit"],
                                )
                            )
            easy, hard = (np.percentile([row[2] for row in rows], p) for p in (40, 20))
            for path, name, mean in rows:
                split = "train_iid" if mean >= easy else "test_easy_ood" if mean >= hard else "test_hard_ood"
                lists[split].setdefault(name, []).append(f"{path} {class_id} {superclass} {name}\n")
        for split, groups in lists.items():
            text = "".join(line for lines in groups.values() for line in lines)
            (out / f"{split}_{data_id}.txt").write_text(text)
