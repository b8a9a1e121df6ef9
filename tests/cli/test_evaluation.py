"""The commands of the room evaluation, from folders of pictures to a table, with real jobs and a real small CLIP."""

import json
from pathlib import Path

import numpy as np
import pytest

from engine.evaluation.methods import all_methods
from engine.evaluation.numbers.metrics import detection_metrics
from sood_tui.cli import run
from tests.evaluation_place import CATS, DOGS, WORDS, Command, common, draw, last, make_command, make_place


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_place(tmp_path_factory.mktemp("evaluation"))


@pytest.fixture
def command(root: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    return make_command(root, capsys)


@pytest.fixture(scope="module")
def first(root: Path) -> int:
    """One evaluation with every method."""
    methods = list(all_methods())
    sets = [
        "--id",
        "subtree:dog.n.01",
        "--far",
        "birds=subtree:bird.n.01",
        "--ood",
        f"out=folder:{root.parent}/outside",
    ]
    assert run(["-w", str(root), "evaluation", "run", *methods, *sets, "--labels", "subclass", *common(root)]) == 0
    return 1


def test_the_table_says_what_was_compared(command: Command, first: int) -> None:
    view = json.loads(command("show", str(first), "--json"))["run"]
    assert [(p["name"], p["role"], p["images"]) for p in view["parts"]] == [
        ("dog.n.01", "id", 20),
        ("out", "ood", 10),
        ("birds", "ood", 15),
    ]
    rows = {(row["method"], row["part"], row["scope"]): row for row in view["rows"]}
    assert {row["method"] for row in view["rows"] if row["is_adaptive"]} == {"adaneg", "tanl"}
    neglabel = rows["neglabel", "birds", "set"]
    assert (neglabel["n_id"], neglabel["n_ood"]) == (20, 15)
    assert neglabel["auroc"]["low"] <= neglabel["auroc"]["value"] <= neglabel["auroc"]["high"]
    mean = rows["neglabel", "", "mean"]["auroc"]["value"]
    assert mean == pytest.approx((neglabel["auroc"]["value"] + rows["neglabel", "out", "set"]["auroc"]["value"]) / 2)
    orders = {(r["method"], r["stream_order"]) for r in view["rows"] if r["is_adaptive"]}
    assert orders == {(name, order) for name in ("adaneg", "tanl") for order in ("shuffled", "id-first", "ood-first")}
    assert rows["neglabel", "", "far"]["auroc"] == neglabel["auroc"]  # one far set: its interval too
    both = rows["neglabel", "", "mean"]["auroc"]
    assert both["low"] <= both["value"] <= both["high"]
    record = view["record"]
    assert record["model"]["weights_sha256"]
    assert record["recipes"]["plain"]["label"] == ["the nice {}"]
    assert record["negatives"]["plain"]["left_out"] == {}
    assert view["negatives"]["plain"] in {one["name"] for one in json.loads(command("negatives", "list", "--json"))}
    assert len(record["texts"]["plain"]["words_sha256"]) == 64
    assert {"numpy", "torch", "open_clip_torch"} <= set(record["versions"])
    assert "FPR95 ID-positive" in command("show", str(first)).splitlines()[0]


def test_exported_scores_give_the_numbers_of_the_table(command: Command, first: int, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command("export", str(first), str(out), "--pytorch-ood")
    with (
        np.load(out / "neglabel" / "scores" / "dog.n.01.npz") as inside,
        np.load(out / "neglabel" / "scores" / "birds.npz") as outside,
    ):
        numbers = detection_metrics(inside["conf"], outside["conf"])
        assert (outside["label"] == -1).all()
        assert set(inside["label"]) == {0, 1, 2}
    view = json.loads(command("show", str(first), "--json"))["run"]
    row = next(row for row in view["rows"] if (row["method"], row["part"]) == ("neglabel", "birds"))
    assert row["auroc"]["value"] == pytest.approx(numbers.auroc, abs=1e-12)
    table = (out / "neglabel" / "ood.csv").read_text().splitlines()
    assert table[0] == "dataset,FPR@95,AUROC,AUPR_IN,AUPR_OUT,ACC"
    assert table[2].startswith(f"birds,{100 * numbers.fpr95_ood_positive_thinned:.2f},{100 * numbers.auroc:.2f}")
    assert table[-1].startswith("farood,")
    with np.load(out / "neglabel" / "pytorch-ood" / "birds.npz") as turned:
        assert (turned["scores"] == -outside_scores(out)).all()
    assert (out / "neglabel" / "plots" / "roc.png").read_bytes().startswith(b"\x89PNG")
    assert "FPR95 ID-positive" in (out / "table.md").read_text()
    assert "\\toprule" in (out / "table.tex").read_text()
    assert "is there already" in command("export", str(first), str(out), code=2)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("precious")
    assert "not an export" in command("export", str(first), str(tmp_path / "mine"), "--force", code=2)
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "precious"


def outside_scores(out: Path) -> np.ndarray:
    with np.load(out / "neglabel" / "scores" / "birds.npz") as arrays:
        return arrays["conf"]


def test_gl_mcm_is_its_formula_on_the_patches_of_the_real_network(
    command: Command, root: Path, first: int, tmp_path: Path
) -> None:
    import torch

    from engine.gpu.clip import encode_pictures, encode_texts, load_model
    from engine.gpu.patches import encode_patches
    from engine.gpu.pictures import prepare

    clip = load_model(f"local-dir:{root.parent / 'tiny'}", None, "cpu")
    command("export", str(first), str(tmp_path / "out"))
    with np.load(tmp_path / "out" / "gl-mcm" / "scores" / "out.npz") as arrays:
        found = arrays["conf"]
    files = sorted(str(file) for file in (root.parent / "outside").rglob("*.JPEG"))
    pixels = torch.stack([prepare(file, clip.pictures) for file in files])
    names = ("Chihuahua", "Pekinese", "beagle")
    labels = encode_texts(clip, [f"a photo of a {name}" for name in names]).astype(np.float64)
    whole = np.exp(encode_pictures(clip, pixels).astype(np.float64) @ labels.T)
    local = np.exp(encode_patches(clip, pixels).astype(np.float64) @ labels.T)
    assert local.shape == (10, 16, 3)  # 32 pixels in patches of 8
    best = (local / local.sum(axis=2, keepdims=True)).max(axis=(1, 2))
    expected = (whole / whole.sum(axis=1, keepdims=True)).max(axis=1) + best
    np.testing.assert_allclose(found, expected, atol=2e-4)  # embeddings of pictures are kept in half precision
    assert np.ptp(best) > 1e-3


def test_two_methods_are_compared_on_the_same_pictures(command: Command, first: int) -> None:
    found = json.loads(command("compare", f"{first}:neglabel", f"{first}:mcm", "--json"))
    assert [one["part"] for one in found] == ["out", "birds"]
    auroc = found[0]["differences"][0]
    assert auroc["difference"] == pytest.approx(auroc["second"] - auroc["first"])
    assert auroc["low"] <= auroc["difference"] <= auroc["high"]
    rows = json.loads(command("show", str(first), "--json"))["run"]["rows"]
    table = {(row["part"], row["stream_order"]): row["auroc"]["value"] for row in rows if row["method"] == "tanl"}
    for one in json.loads(command("compare", f"{first}:neglabel", f"{first}:tanl", "--json")):
        assert one["differences"][0]["second"] == pytest.approx(table[one["part"], "shuffled"])
    same = json.loads(command("compare", f"{first}:mcm", f"{first}:mcm", "--json"))
    assert same[0]["changed_id"] == same[0]["changed_ood"] == 0


def test_mistakes_name_the_labels_and_negative_labels(command: Command, first: int) -> None:
    found = json.loads(
        command("mistakes", str(first), "--method", "neglabel", "--ood", "birds", "--count", "3", "--json")
    )
    assert len(found) == 3
    assert found[0]["id_score"] >= found[1]["id_score"] >= found[2]["id_score"]
    assert found[0]["labels"][0]["word"] in ("Chihuahua", "Pekinese", "beagle")
    words = {line.partition(",")[0] for line in WORDS.splitlines()}
    assert {named["word"] for named in found[0]["negatives"]} <= words
    assert sum(named["share"] for named in found[0]["negatives"]) <= 1 + 1e-9
    hurt = json.loads(command("hurt", str(first), "--method", "neglabel", "--below", "1.01", "--json"))
    assert {one["label"] for one in hurt} == {"Chihuahua", "Pekinese", "beagle"}


@pytest.mark.slow
def test_a_word_is_taken_out_with_a_reason_and_the_next_run_does_without(
    command: Command, root: Path, first: int, tmp_path: Path
) -> None:
    sets = json.loads(command("negatives", "list", "--json"))
    plain = next(one["name"] for one in sets if one["recipe"] == "plain")
    assert "--reason" in command("negatives", "drop", plain, "tree", "--reason", " ", code=2)
    command("negatives", "drop", plain, "tree", "wet", "--reason", "too near")
    assert "already out" in command("negatives", "drop", plain, "tree", "--reason", "again", code=2)
    command("negatives", "export", plain, str(tmp_path / "words.txt"))
    assert len((tmp_path / "words.txt").read_text().splitlines()) == 10
    options = ["--id", "subtree:dog.n.01", "--ood", "birds=subtree:bird.n.01", "--labels", "subclass", *common(root)]
    command("run", "neglabel", *options, "--negatives", plain)
    runs = json.loads(command("list", "--json"))
    record = json.loads(command("show", str(runs[-1]["run_id"]), "--json"))["run"]["record"]
    assert record["texts"]["plain"]["negatives"] == 10
    command("negatives", "restore", plain, "tree", "wet")
    assert json.loads(command("negatives", "show", plain, "--find", "tree", "--json"))["labels"][0]["dropped"] is None
    other = ["--id", "subtree:cat.n.01", "--ood", "birds=subtree:bird.n.01", "--labels", "subclass", *common(root)]
    assert "other ID labels" in command("run", "neglabel", *other, "--negatives", plain, code=2)


def test_sets_can_be_named_and_looked_into(command: Command, root: Path) -> None:
    command("sets", "add", "crows", "subtree:bird.n.01", "--group", "near", "--note", "drawn")
    listed = json.loads(command("sets", "list", "--json"))
    assert [(one["name"], one["near_or_far"], one["note"]) for one in listed] == [("crows", "near", "drawn")]
    shown = json.loads(command("sets", "show", "crows", "--json"))
    assert shown["pictures"] == 15
    assert "no pictures" in command("sets", "add", "none", "subtree:ship.n.01", code=2)
    assert "no evaluation set 'ravens'" in command("sets", "show", "ravens", code=2)
    missing = json.loads(command("sets", "presets", "--data", str(root.parent), "--json"))
    assert any("missing: SUN or sun" in str(row["folder"]) for row in missing)
    command("sets", "remove", "crows")


@pytest.mark.slow
def test_kin_of_id_classes_is_left_out_or_reported(command: Command, root: Path) -> None:
    options = [
        "--id",
        "synsets:n02085620,n02086079",
        "--ood",
        "dogs=subtree:dog.n.01",
        "--labels",
        "subclass",
        *common(root),
    ]
    command("run", "mcm", *options)
    view = json.loads(command("show", str(last(command)), "--json"))["run"]
    assert (view["parts"][1]["images"], view["parts"][1]["relatives"]) == (6, 14)
    command("run", "mcm", *options, "--relatives", "report")
    view = json.loads(command("show", str(last(command)), "--json"))["run"]
    assert (view["parts"][1]["images"], view["parts"][1]["relatives"]) == (20, 14)
    only = ["--id", "subtree:dog.n.01", "--ood", "same=synsets:n02085620", "--labels", "subclass", *common(root)]
    assert "no OOD set of these ID classes" in command("run", "mcm", *only, code=2)


def test_embeddings_from_files_need_no_model(command: Command, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    texts = generator.normal(size=(3, 8))
    words = generator.normal(size=(12, 8))
    inside = texts[np.repeat([0, 1, 2], 20)] + 0.3 * generator.normal(size=(60, 8))
    outside = words[generator.integers(12, size=40)] + 0.3 * generator.normal(size=(40, 8))
    bank = {
        "label_names": ["a", "b", "c"], "label_embeddings": texts,
        "negative_words": [f"w{k}" for k in range(12)], "negative_embeddings": words,
    }  # fmt: skip
    np.savez(tmp_path / "id.npz", embeddings=inside, labels=np.repeat(["a", "b", "c"], 20), **bank)
    np.savez(tmp_path / "ood.npz", embeddings=outside)
    np.savez(tmp_path / "wide.npz", embeddings=np.ones((4, 9)))
    np.savez(tmp_path / "bad.npz", embeddings=np.full((4, 8), np.nan))
    options = ["--id", f"npz:{tmp_path}/id.npz", "--labels", "class", "--model", "none", "--groups", "4"]
    command("run", "neglabel", "mcm", *options, "--ood", f"far=npz:{tmp_path}/ood.npz")
    view = json.loads(command("show", str(last(command)), "--json"))["run"]
    assert next(row for row in view["rows"] if row["method"] == "neglabel")["auroc"]["value"] > 0.9
    before = last(command)
    assert "no numbers" in command("run", "neglabel", *options, "--ood", f"bad=npz:{tmp_path}/bad.npz", code=2)
    told = command("run", "neglabel", *options, "--ood", f"wide=npz:{tmp_path}/wide.npz", code=2)
    assert "different dimensions: id.npz 8, wide 9" in told
    assert last(command) == before


def test_a_calibrated_run_says_what_its_threshold_achieves_and_exports_what_it_reports(
    command: Command, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--id", "subtree:dog.n.01", "--ood", "birds=subtree:bird.n.01", "--labels", "subclass", *common(root)]
    command("run", "neglabel", "tanl", *options, "--calibration", "0.25")
    run_id = last(command)
    found = json.loads(command("show", str(run_id), "--json"))
    assert len(found["warnings"]) == 2
    assert found["warnings"][0].startswith("neglabel: Calibrated on 5 pictures only, fewer than 200")
    kept = {(r["method"], r["metric"]): r for r in found["run"]["calibration"]}
    assert kept["neglabel", "kept_of_calibration"]["n_id"] == 5
    achieved = kept["neglabel", "id_recall"]
    assert achieved["n_id"] == 15
    assert achieved["low"] <= achieved["value"] <= achieved["high"]
    command("show", str(run_id))  # what a person reads is on standard error
    assert run(["-w", str(root), "evaluation", "show", str(run_id)]) == 0
    told = capsys.readouterr().err
    span = f"{100 * achieved['value']:.2f} ({100 * achieved['low']:.1f}-{100 * achieved['high']:.1f}) %"
    assert f"achieves a TPR of {span} on the others" in told
    assert "! neglabel: Calibrated on 5 pictures only" in told

    # Comparisons, mistakes and classes are of the same pictures as the table.
    same = json.loads(command("compare", f"{run_id}:neglabel", f"{run_id}:tanl", "--json"))
    assert (same[0]["n_id"], same[0]["n_ood"]) == (15, 15)
    assert same[0]["differences"][0]["first"] == pytest.approx(
        next(r for r in found["run"]["rows"] if r["method"] == "neglabel")["auroc"]["value"]
    )
    worst = json.loads(
        command("mistakes", str(run_id), "--method", "neglabel", "--of", "id", "--count", "99", "--json")
    )
    assert len(worst) == 15
    hurt = json.loads(command("hurt", str(run_id), "--method", "neglabel", "--below", "1.01", "--json"))
    assert sum(one["pictures"] for one in hurt) == 15

    command("export", str(run_id), str(tmp_path / "out"))
    for method, inside in (("neglabel", "dog.n.01"), ("tanl", "birds-id")):
        scores = tmp_path / "out" / method / ("" if method == "neglabel" else "shuffled") / "scores"
        with np.load(scores / f"{inside}.npz") as of_id, np.load(scores / "birds.npz") as of_ood:
            assert len(of_id["conf"]) == len(of_id["label"]) == 15
            numbers = detection_metrics(of_id["conf"], of_ood["conf"])
        with np.load(scores / f"{inside}-calibration.npz") as rest:
            assert len(rest["conf"]) == 5
        row = next(r for r in found["run"]["rows"] if (r["method"], r["part"]) == (method, "birds"))
        for name in ("auroc", "fpr95_id_positive", "fpr95_ood_positive", "aupr_in", "aupr_out"):
            assert row[name]["value"] == pytest.approx(getattr(numbers, name), abs=1e-12)
    assert "Calibrated on 5 pictures only" in (tmp_path / "out" / "table.md").read_text()


@pytest.mark.slow
def test_a_set_that_changed_on_disk_is_refused(command: Command, root: Path) -> None:
    draw(root.parent / "moving", {"places": 4}, 9)
    options = ["--id", "subtree:dog.n.01", "--labels", "subclass", *common(root)]
    options += ["--ood", f"moving=folder:{root.parent}/moving"]
    command("run", "mcm", *options)
    done = last(command)
    draw(root.parent / "moving", {"places": 4}, 10)
    told = command("run", "mcm", *options, code=3)
    assert "The set moving changed on disk since it was embedded: 4 files" in told
    assert last(command) == done
    command("run", "mcm", *options, "--re-embed")
    assert last(command) == done + 1


@pytest.mark.slow
def test_a_split_is_evaluated_recut_and_its_classifier_scored(command: Command, root: Path, tmp_path: Path) -> None:
    model = f"local-dir:{root.parent / 'tiny'}"

    def other(*arguments: str) -> None:
        assert run(["-w", str(root), *arguments]) == 0

    other("candidates", "add", "dog.n.01", "--name", "dog")
    other("candidates", "add", "cat.n.01", "--name", "cat")
    other("review", "accept", "dog", *DOGS)
    other("review", "accept", "cat", *CATS)
    other("scoring", "run", "--model", model, "--device", "cpu")
    words = common(root)[common(root).index("--corpus") :]
    sood = ["sood", "neglabel", "mcm", "--device", "cpu", *words]
    view = json.loads(command(*sood, "--far", "bird.n.01", "--json"))["run"]
    assert view["run"]["model"] == view["record"]["model"]["model"] == model  # that of the split, not of the settings
    assert {part["role"] for part in view["parts"]} == {"id", "generalisation", "ood"}
    means = [row for row in view["rows"] if row["scope"] == "mean"]
    sets = [row for row in view["rows"] if row["scope"] == "set" and row["role"] == "ood"]
    assert means[0]["auroc"]["value"] == sets[0]["auroc"]["value"]
    run_id = view["run"]["run_id"]
    bands = json.loads(command("bands", str(run_id), "--json"))
    assert bands[0]["band"] == "train"
    assert bands[-1]["band"] == "far"
    moved = json.loads(command("bands", str(run_id), "--easy", "95", "--hard", "1", "--json"))
    counts = [sum(b["images"] for b in found if b["band"] != "far") for found in (bands, moved)]
    assert counts[0] == counts[1]
    assert moved[0]["images"] < bands[0]["images"]

    rows = [
        f"{wnid}/{wnid}_{k}.JPEG,{'dog' if wnid in DOGS else 'cat'}"
        for wnid, n in (DOGS | CATS).items()
        for k in range(n)
    ]
    (tmp_path / "perfect.csv").write_text("path,predicted\n" + "\n".join(rows) + "\n")
    perfect = json.loads(command("classifier", str(tmp_path / "perfect.csv"), "--json"))["run"]
    numbers = {(row["metric"], row["part"]): row["value"] for row in perfect["accuracy"] if not row["class_"]}
    assert numbers["accuracy", "train-holdout"] == numbers["macro_f1", "train-holdout"] == 1.0
    assert {value for (metric, _), value in numbers.items() if metric == "drop"} == {0.0}

    paths = [row.partition(",")[0] for row in rows]
    logits = np.array([[2.0, 0.0] if row.endswith("dog") else [0.0, 1.0] for row in rows])  # class ids: cat 0, dog 1
    np.savez(tmp_path / "wrong.npz", paths=paths, logits=logits)
    wrong = json.loads(command("classifier", str(tmp_path / "wrong.npz"), "--json"))["run"]
    assert {row["value"] for row in wrong["accuracy"] if row["metric"] == "accuracy"} == {0.0}
    assert {row["method"] for row in wrong["rows"]} == {"msp", "maxlogit", "energy"}
    np.savez(tmp_path / "strange.npz", paths=paths, logits=logits, class_names=["moon", "sun"])
    assert "belongs to a superclass" in command("classifier", str(tmp_path / "strange.npz"), code=2)


def test_an_estimate_leaves_nothing_of_its_evaluation(root: Path, command: Command) -> None:
    folders = root / "evaluations"
    before = sorted(folders.iterdir()) if folders.exists() else []
    sets = ["--id", "subtree:dog.n.01", "--ood", f"out=folder:{root.parent}/outside", "--labels", "subclass"]
    found = json.loads(command("run", "mcm", *sets, *common(root), "--estimate", "--json"))
    assert (found["job_kind"], found["units"], found["tried"]) == ("evaluation", 30, 30)
    assert found["fits"]
    assert (sorted(folders.iterdir()) if folders.exists() else []) == before


def test_a_file_of_predictions_is_not_estimated(command: Command, tmp_path: Path) -> None:
    assert "nothing to estimate" in command("predict", "p", str(tmp_path / "p.csv"), "--estimate", code=2)
    assert "nothing to estimate" in command("classifier", str(tmp_path / "p.csv"), "--estimate", code=2)
