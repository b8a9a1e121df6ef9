"""Classifiers on the bands of a split: a timm and a torchvision network as jobs, and predictions from files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from engine.evaluation.classifiers.job import read_logits
from engine.jobs.runner import find_job
from sood_tui.cli import run
from tests.evaluation_place import CATS, DOGS, Command, make_command, make_place

Transform = Callable[[Image.Image], Any]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace with a split into bands: dogs and cats, scored by the small CLIP."""
    found = make_place(tmp_path_factory.mktemp("classifier"))
    model = f"local-dir:{found.parent / 'tiny'}"
    for name, synsets in (("dog", DOGS), ("cat", CATS)):
        assert run(["-w", str(found), "candidates", "add", f"{name}.n.01", "--name", name]) == 0
        assert run(["-w", str(found), "review", "accept", name, *synsets]) == 0
    assert run(["-w", str(found), "scoring", "run", "--model", model, "--device", "cpu"]) == 0
    (found.parent / "wnids.txt").write_text("\n".join([*DOGS, *CATS, "n02012849"]) + "\n")
    return found


@pytest.fixture
def command(root: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    return make_command(root, capsys)


def timm_network() -> tuple[Any, Transform]:
    import timm

    network = timm.create_model("test_resnet", num_classes=6).eval()
    return network, timm.data.create_transform(**timm.data.resolve_model_data_config(network), is_training=False)


def torchvision_network() -> tuple[Any, Transform]:
    from torchvision import models

    network = models.get_model("shufflenet_v2_x0_5", weights=None, num_classes=6).eval()
    return network, models.get_model_weights("shufflenet_v2_x0_5").DEFAULT.transforms()


@pytest.mark.parametrize(
    ("name", "make"),
    [("timm:test_resnet", timm_network), ("torchvision:shufflenet_v2_x0_5", torchvision_network)],
)
def test_a_network_runs_as_a_job_and_its_numbers_are_those_of_its_logits(
    command: Command, root: Path, tmp_path: Path, name: str, make: Callable[[], tuple[Any, Transform]]
) -> None:
    import torch

    torch.manual_seed(3)
    network, transform = make()
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    options = ["--checkpoint", str(tmp_path / "weights.pth"), "--classes", str(root.parent / "wnids.txt")]
    view = json.loads(command("classifier", name, *options, "--device", "cpu", "--batch-size", "5", "--json"))["run"]
    assert view["run"]["model"] == name
    assert view["run"]["seconds"] > 0
    assert len(view["record"]["predictions"]["weights_sha256"]) == 64

    wnids = (root.parent / "wnids.txt").read_text().split()
    predictions = read_logits(find_job(root, view["run"]["job_id"]), tuple(wnids))
    logits = dict(zip(predictions.paths, predictions.logits if predictions.logits is not None else [], strict=True))
    with torch.inference_mode():
        for path in list(logits)[::6]:  # resized by another library's code: the same but for rounding
            own = network(transform(Image.open(path).convert("RGB"))[None])[0].numpy()
            np.testing.assert_allclose(logits[path], own, atol=0.05 * np.ptp(own) + 1e-3)

    command("export", str(view["run"]["run_id"]), str(tmp_path / "out"))
    tables = {path.name for path in (tmp_path / "out").iterdir()}
    assert tables == {"table.csv", "table.md", "table.tex", "classes.csv", "record.json", "manifest.json"}
    row = next(row for row in view["accuracy"] if (row["part"], row["metric"]) == ("train-holdout", "macro_f1"))
    cell = f"{100 * row['value']:.2f} ({100 * row['low']:.1f}-{100 * row['high']:.1f}) of {row['n_id']}"
    assert f"| all | macro_f1 | {cell} |" in (tmp_path / "out" / "table.md").read_text()

    bands = pictures_by_band(root)
    check_accuracy(view, bands, logits, wnids)
    check_detection(view, bands, logits)


def pictures_by_band(root: Path) -> dict[str, list[str]]:
    """Band to absolute paths, as an export of the split lists them."""
    assert run(["-w", str(root), "export", "run", str(root.parent / "lists"), "--formats", "csv", "--force"]) == 0
    found: dict[str, list[str]] = {}
    for row in lines_of(root.parent / "lists"):
        found.setdefault(row["split"], []).append(f"{root.parent}/{row['path']}")
    return found


def lines_of(folder: Path) -> list[dict[str, str]]:
    import csv

    found = []
    for file in sorted(folder.rglob("*.csv")):
        with file.open(newline="") as stream:
            found += [row for row in csv.DictReader(stream) if "path" in row and "split" in row]
    return found


def check_accuracy(
    view: dict[str, Any], bands: dict[str, list[str]], logits: dict[str, np.ndarray], wnids: list[str]
) -> None:
    """Accuracy, macro-F1 and the drop from counts made here; a wnid outside dogs and cats is never right."""
    named = {**dict.fromkeys(DOGS, "dog"), **dict.fromkeys(CATS, "cat")}
    rows = {(row["part"], row["class_"], row["metric"]): row for row in view["accuracy"]}
    first = None
    for band, part in (("train", "train-holdout"), ("easy", "easy"), ("hard", "hard")):
        if band not in bands:
            continue
        truth = [named[Path(path).parent.name] for path in bands[band]]
        guessed = [named.get(wnids[int(np.argmax(logits[path]))], "other") for path in bands[band]]
        hits = np.array([a == b for a, b in zip(truth, guessed, strict=True)])
        overall = rows[part, "", "accuracy"]
        assert overall["value"] == pytest.approx(hits.mean())
        assert overall["low"] <= overall["value"] <= overall["high"]
        assert overall["n_id"] == len(truth)
        present = sorted(set(truth))
        each = dict(zip(present, f1_score(truth, guessed, labels=present, average=None, zero_division=0), strict=True))
        macro = rows[part, "", "macro_f1"]
        assert macro["value"] == pytest.approx(np.mean(list(each.values())))
        assert macro["low"] <= macro["value"] <= macro["high"]
        for name in present:
            mine = np.array([t == name for t in truth])
            assert rows[part, name, "accuracy"]["value"] == pytest.approx(hits[mine].mean())
            assert rows[part, name, "f1"]["value"] == pytest.approx(each[name])
        if first is None:
            first = hits.mean()
        else:
            drop = rows[part, "", "drop"]
            assert drop["value"] == pytest.approx(first - hits.mean())
            assert drop["low"] <= drop["value"] <= drop["high"]


def check_detection(view: dict[str, Any], bands: dict[str, list[str]], logits: dict[str, np.ndarray]) -> None:
    """The three scores by their formulas, and scikit-learn's AUROC and average precision of them."""
    table = {(row["method"], row["part"]): row for row in view["rows"]}

    def scores(name: str, paths: list[str]) -> np.ndarray:
        found = np.stack([logits[path] for path in paths])
        total = np.log(np.exp(found).sum(axis=1))
        return {"msp": np.exp(found.max(axis=1) - total), "maxlogit": found.max(axis=1), "energy": total}[name]

    others = [band for band in bands if band in ("easy", "hard")]
    assert others
    for name in ("msp", "maxlogit", "energy"):
        for band in others:
            inside, outside = scores(name, bands["train"]), scores(name, bands[band])
            is_id = np.r_[np.ones(len(inside)), np.zeros(len(outside))]
            both = np.r_[inside, outside]
            row = table[name, band]
            assert row["auroc"]["value"] == pytest.approx(roc_auc_score(is_id, both), abs=1e-9)
            assert row["aupr_in"]["value"] == pytest.approx(average_precision_score(is_id, both), abs=1e-9)
            assert row["aupr_out"]["value"] == pytest.approx(average_precision_score(1 - is_id, -both), abs=1e-9)
            threshold = np.sort(inside)[::-1][int(np.ceil(0.95 * len(inside))) - 1]
            assert row["fpr95_id_positive"]["value"] == pytest.approx(np.mean(outside >= threshold))


def test_heads_and_weights_that_do_not_fit_are_refused(command: Command, root: Path, tmp_path: Path) -> None:
    import torch

    network, _ = timm_network()
    torch.save(network.state_dict(), tmp_path / "six.pth")
    (tmp_path / "torn.pth").write_bytes((tmp_path / "six.pth").read_bytes()[:1000])
    (tmp_path / "two.txt").write_text("dog\ncat\n")
    runs = command("list", "--json")
    six, two = str(root.parent / "wnids.txt"), str(tmp_path / "two.txt")
    jobs = {
        "six.pth has 6 outputs, but there are 2 classes": ["timm:test_resnet", "six.pth", two],
        "do not belong to timm:test_vit": ["timm:test_vit", "six.pth", six],
        "torn.pth cannot be loaded": ["timm:test_resnet", "torn.pth", six],
        "timm knows no model nothing": ["timm:nothing", "six.pth", six],
    }
    for message, (name, weights, classes) in jobs.items():
        options = ["--checkpoint", str(tmp_path / weights), "--classes", classes, "--device", "cpu"]
        assert message in command("classifier", name, *options, code=3), message
    options = ["--checkpoint", str(tmp_path / "no.pth"), "--classes", six]
    assert "The weights" in command("classifier", "timm:test_resnet", *options, code=2)
    assert command("list", "--json") == runs


def test_predictions_from_files_that_do_not_fit_are_refused(command: Command, root: Path, tmp_path: Path) -> None:
    paths = [f"{wnid}/{wnid}_{k}.JPEG" for wnid, n in (DOGS | CATS).items() for k in range(n)]
    logits = np.zeros((len(paths), 2))
    np.savez(tmp_path / "nan.npz", paths=paths, logits=np.full((len(paths), 2), np.nan))
    np.savez(tmp_path / "names.npz", paths=paths, logits=logits, class_names=["dog", "cat", "cow"])
    np.savez(tmp_path / "short.npz", paths=paths[:-1], logits=logits)
    np.savez(tmp_path / "twice.npz", paths=[*paths, paths[0]], predicted=np.zeros(len(paths) + 1, dtype=int))
    np.savez(tmp_path / "other.npz", paths=["a/b.jpg"], predicted=[0])
    np.savez(tmp_path / "bare.npz", predicted=[0])
    (tmp_path / "torn.npz").write_bytes((tmp_path / "nan.npz").read_bytes()[:200])
    (tmp_path / "empty.csv").write_text("path,predicted\n")
    runs = command("list", "--json")
    cases = {
        "nan.npz": "has logits that are no numbers, first in row 0",
        "names.npz": "predicts 2 classes, and there are 3 names",
        "short.npz": f"{len(paths) - 1} paths and {len(paths)} predictions",
        "twice.npz": "2 predictions could be of the picture",
        "other.npz": "The predictions have no picture of train-holdout",
        "bare.npz": "needs the arrays paths",
        "torn.npz": "cannot be read as npz",
        "empty.csv": "has lines without a prediction",
        "absent.csv": "cannot be read: No such file",
    }
    for file, message in cases.items():
        assert message in command("classifier", str(tmp_path / file), code=2), file
    assert command("list", "--json") == runs
