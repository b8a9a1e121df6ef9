"""Bad input to the room evaluation: each case is told in a sentence that names the thing, and leaves nothing behind."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.evaluation_place import Command, common, draw, make_command, make_place


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_place(tmp_path_factory.mktemp("bad"))


@pytest.fixture
def command(root: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    return make_command(root, capsys)


def state(command: Command, root: Path) -> tuple[str, str, list[str]]:
    """What a refused command must not change: runs, negative labels, and every file of evaluations and jobs."""
    files = [
        path.relative_to(root).as_posix()
        for name in ("evaluations", "jobs", "embeddings")
        for path in sorted((root / name).rglob("*"))
        if path.is_file()
    ]
    return command("list", "--json"), command("negatives", "list", "--json"), files


def test_sets_labels_and_settings_that_cannot_be(command: Command, root: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "labels.txt").write_text("n02085620,Chihuahua\nn02086079,Pekinese\n")
    (tmp_path / "twice.txt").write_text("dog\ndog\n")
    (tmp_path / "list.txt").write_text("nothing.jpg 3\n")
    (tmp_path / "no_words.txt").write_text("\n")
    dogs = ["run", "mcm", "--id", "subtree:dog.n.01", "--labels", "subclass", *common(root)]
    birds = ["--ood", "birds=subtree:bird.n.01"]
    neglabel = ["run", "neglabel", *dogs[2:], *birds]
    before = state(command, root)
    cases: dict[str, list[str]] = {
        # empty sets, and sets that are not there
        f"The set void (folder:{tmp_path}/empty) has no pictures": [*dogs, "--ood", f"void=folder:{tmp_path}/empty"],
        "The folder /nowhere is not there": [*dogs, "--ood", "x=folder:/nowhere"],
        "line 1: there is no picture nothing.jpg": [*dogs, "--ood", f"x=list:{tmp_path}/list.txt"],
        "'moon:1' is no source of pictures": [*dogs, "--ood", "x=moon:1"],
        "There is no evaluation set 'moon'": [*dogs, "--ood", "x=moon"],
        "Two sets are called birds": [*dogs, *birds, *birds],
        "needs at least one OOD set": dogs,
        # one class only, labels that do not fit
        "The ID set n02085620 has the one class 'Chihuahua'": [
            "run", "mcm", "--id", "synsets:n02085620", "--labels", "subclass", *birds, *common(root),
        ],
        "1 classes of dog.n.01 are missing among the labels: n02088364": [
            *dogs, *birds, "--labels", f"file:{tmp_path}/labels.txt",
        ],
        "have 'dog' twice": [*dogs, *birds, "--labels", f"file:{tmp_path}/twice.txt"],
        "There are no labels 'moon'": [*dogs, *birds, "--labels", "moon"],
        "All 8 pictures of same are of ancestors or descendants": [*dogs, "--ood", "same=synsets:n02085620"],
        "7 pictures of the OOD set same are in the ID set pictures too, the first is": [
            "run", "mcm", "--id", f"folder:{root.parent}/pictures", "--labels", "class",
            "--ood", f"same=folder:{root.parent}/pictures/n02123045", *common(root),
        ],
        # negative labels
        "NegLabel: 12 negative labels cannot fill 50 groups": [*neglabel, "--groups", "50"],
        "NegLabel: 1 negative labels cannot fill 3 groups": [*neglabel, "--keep", "0.15"],
        "99 negative labels are asked for, and the corpus has 12 words": [*neglabel, "--count", "99"],
        "has no word left": [*neglabel, "--corpus", f"file:{tmp_path}/no_words.txt"],
        "The percentile 5.0 is not in [0, 1]": [*neglabel, "--percentile", "5"],
        "A share of 0.0 of the corpus cannot be kept": [*neglabel, "--keep", "0"],
        "There are no negative labels 'none'": [*neglabel, "--negatives", "none"],
        # settings
        "no method 'knn'": ["run", "knn", *dogs[2:], *birds],
        "The temperature -1.0 of MSP is not above 0": ["run", "msp", *dogs[2:], *birds, "--temperature", "-1"],
        "The temperature nan of MSP is not above 0": ["run", "msp", *dogs[2:], *birds, "--temperature", "nan"],
        "1.5 of the ID pictures cannot calibrate": [*dogs, *birds, "--calibration", "1.5"],
        "1% of 20 pictures leave one part empty": [*dogs, *birds, "--calibration", "0.01"],
        "cannot keep a share of 2.0": [*dogs, *birds, "--tpr", "2"],
        "There is no stream order 'sideways'": [*dogs, *birds, "--order", "sideways"],
        "has no {}": [*dogs, *birds, "--prompt", "a photo"],
        "--relatives maybe is not drop or report": [*dogs, *birds, "--relatives", "maybe"],
        "The remainder lost of NegLabel is unknown": [*neglabel, "--set", "remainder=lost"],
        "The slots 0 of AdaNeg is not at least 1": ["run", "adaneg", *neglabel[2:], "--set", "slots=0"],
        "The text weight nan of AdaNeg is no number": ["run", "adaneg", *neglabel[2:], "--set", "text_weight=nan"],
        "there is no such setting": [*dogs, *birds, "--set", "colour=red"],
        "The model folder /nowhere does not exist": [*dogs, *birds, "--model", "local-dir:/nowhere"],
        "There is no evaluation 99": ["show", "99"],
        "Presets are": ["run", "mcm", "--preset", "moon", "--data", str(tmp_path)],
        "lacks 5 of 5 sets of imagenet-four": ["run", "mcm", "--preset", "imagenet-four", "--data", str(tmp_path)],
    }  # fmt: skip
    for message, arguments in cases.items():
        told = command(*arguments, code=2)
        assert message in told, f"{message!r} is not in {told!r}"
        assert "Traceback" not in told
    assert state(command, root) == before


def arrays(**given: Any) -> dict[str, Any]:
    """An npz that is right: three labels, twelve words, eight dimensions; some arrays replaced, None takes one out."""
    generator = np.random.default_rng(0)
    found = {
        "embeddings": generator.normal(size=(6, 8)), "labels": ["a", "b", "c"] * 2,
        "label_names": ["a", "b", "c"], "label_embeddings": generator.normal(size=(3, 8)),
        "negative_words": [f"w{k}" for k in range(12)], "negative_embeddings": generator.normal(size=(12, 8)),
        **given,
    }  # fmt: skip
    return {name: value for name, value in found.items() if value is not None}


def test_embeddings_that_do_not_fit(command: Command, root: Path, tmp_path: Path) -> None:
    def npz(name: str, **given: Any) -> str:
        np.savez(tmp_path / f"{name}.npz", **arrays(**given))
        return f"npz:{tmp_path}/{name}.npz"

    holed = np.ones((6, 8))
    holed[4, 2] = np.nan
    good, other = npz("good"), npz("other")
    (tmp_path / "torn.npz").write_bytes((tmp_path / "good.npz").read_bytes()[:300])
    np.save(tmp_path / "plain.npy", holed)

    def run(id_set: str, ood: str = other, *more: str) -> list[str]:
        options = ["--id", id_set, "--ood", f"far={ood}", "--labels", "class", "--groups", "4"]
        return ["run", "neglabel", "mcm", *options, *(more or ("--model", "none"))]

    tiny = ("--model", f"local-dir:{root.parent}/tiny", "--device", "cpu")
    zeros = np.ones((6, 8))
    zeros[1] = 0
    before = state(command, root)
    cases = {
        "Row 4 of `embeddings` in": run(npz("nan", embeddings=holed)),
        "Row 2 of `label_embeddings` in": run(npz("nan2", label_embeddings=np.array([[1.0] * 8] * 2 + [[np.inf] * 8]))),
        "Row 1 of `embeddings` in": run(good, npz("zeros", embeddings=zeros)),
        "not an array of floats": run(npz("flat", embeddings=np.ones(6))),
        "has no array `embeddings`": run(npz("none", embeddings=None)),
        "cannot be read as npz": run(good, f"npz:{tmp_path}/torn.npz"),
        "plain.npy has no array": run(good, f"npz:{tmp_path}/plain.npy"),
        "cannot be read as npz: No such file": run(good, f"npz:{tmp_path}/absent.npz"),
        "has no pictures": run(good, npz("nobody", embeddings=np.ones((0, 8)), labels=None)),
        "has 6 embeddings and 1 labels": run(npz("labels", labels=["a"])),
        "has 2 label_names and 3 label_embeddings": run(npz("names", label_names=["a", "b"])),
        "`negative_embeddings` of": run(npz("words", negative_embeddings=np.ones((12, 9)))),
        "different dimensions: good.npz 8, far 9": run(good, npz("wide", embeddings=np.ones((4, 9)), labels=None,
                                                              label_names=None, label_embeddings=None,
                                                              negative_words=None, negative_embeddings=None)),
        "come from different models: one.npz one, far two": run(npz("one", model="one"), npz("two", model="two")),
        "1 ID labels have no embedding in": run(
            npz("vocabulary", label_names=["a", "b"], label_embeddings=np.ones((2, 8)))
        ),
        "must come with the ID set's npz: negative_words": run(
            npz("wordless", negative_words=None, negative_embeddings=None)
        ),
        "The set far has pictures, and there is no model": run(good, f"folder:{root.parent}/outside"),
        "GL-MCM needs embeddings of patches, and those of good.npz come from a file": [
            "run", "gl-mcm", *run(good)[3:],
        ],
        "NegRefine joins labels to new prompts": ["run", "negrefine", *run(good)[3:]],
    }  # fmt: skip
    for message, arguments in cases.items():
        told = command(*arguments, code=2)
        assert message in told, f"{message!r} is not in {told!r}"
    assert state(command, root) == before

    # What only the model can tell ends the job, before anything is encoded or kept.
    words = ["--corpus", f"file:{root.parent}/words.txt", "--keep", "1.0"]
    runs, negatives, _ = state(command, root)
    told = command(*run(good, f"folder:{root.parent}/outside", *tiny, *words), code=3)
    assert "The embeddings of good.npz have 8 dimensions" in told
    assert "makes 24" in told
    assert (command("list", "--json"), command("negatives", "list", "--json")) == (runs, negatives)
    assert not (root / "embeddings").exists() or not list((root / "embeddings").rglob("*.npy"))


def test_a_changed_set_is_refused_whichever_set_it_is(command: Command, root: Path) -> None:
    draw(root.parent / "moving", {"one": 4, "two": 4}, 9)
    options = ["--labels", "class", *common(root)]
    sets = ["--id", f"moving=folder:{root.parent}/moving", "--ood", f"out=folder:{root.parent}/outside"]
    command("run", "mcm", *sets, *options)
    before = command("list", "--json")
    kept = {path: path.stat().st_mtime_ns for path in (root / "embeddings").rglob("*.npy")}
    draw(root.parent / "moving", {"two": 4}, 10)
    told = command("run", "mcm", *sets, *options, code=3)
    assert "The set moving changed on disk since it was embedded: 4 files, the first is" in told
    assert "--re-embed" in told
    assert command("list", "--json") == before
    assert {path: path.stat().st_mtime_ns for path in (root / "embeddings").rglob("*.npy")} == kept
