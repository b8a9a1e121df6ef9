"""Scoring by several processes, and by a cluster: the same embeddings as by one, each picture once."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sood_tui.cli import run
from sood_tui.workspace import create_workspace, opened
from tests.fixtures_wordnet import load_tiny_wordnet
from tests.tiny_clip import make_tiny_clip

DOGS = {"n02085620": 17, "n02086079": 11, "n02088364": 9}
PICTURES = 35
"""Two of the 37 files cannot be read."""
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def dogs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Dogs of three kinds; one file is empty, one is cut."""
    folder = tmp_path_factory.mktemp("drawn") / "dogs"
    rng = np.random.default_rng(4)
    for wnid, count in DOGS.items():
        (folder / wnid).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 256, (50, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / wnid / f"{wnid}_{number}.JPEG")
    (folder / "n02085620" / "n02085620_3.JPEG").write_bytes(b"")
    whole = (folder / "n02088364" / "n02088364_0.JPEG").read_bytes()
    (folder / "n02088364" / "n02088364_0.JPEG").write_bytes(whole[:300])
    return folder


def make_root(folder: Path, dogs: Path) -> Path:
    """A workspace with the dogs as candidates."""
    workspace = create_workspace(folder)
    with opened(workspace) as owner:
        load_tiny_wordnet(owner.opened())
    assert run(["-w", str(workspace.root), "images", "add", str(dogs)]) == 0
    assert run(["-w", str(workspace.root), "candidates", "add", "dog.n.01"]) == 0
    return workspace.root


@pytest.fixture
def root(tmp_path: Path, dogs: Path) -> Path:
    """A workspace with the dogs as candidates."""
    return make_root(tmp_path / "work", dogs)


def similarities(root: Path, run_id: int) -> dict[int, float]:
    """Picture to similarity in a run."""
    with opened(create_workspace(root)) as owner, owner.opened().reading() as cursor:
        rows = cursor.execute(
            "SELECT image_id, similarity FROM similarity WHERE run_id = $run ORDER BY image_id", {"run": run_id}
        ).fetchall()
    assert len(rows) == len({image for image, _ in rows})
    return dict(rows)


def score(root: Path, capsys: pytest.CaptureFixture[str], model: str, *more: str) -> dict[str, Any]:
    """Score with a model, and give the job's summary."""
    capsys.readouterr()
    arguments = ["scoring", "run", "--model", model, "--batch-size", "4", "--json", *more]
    assert run(["-w", str(root), *arguments]) == 0, capsys.readouterr().err
    summary: dict[str, Any] = json.loads(capsys.readouterr().out)
    return summary


def test_two_processes_and_one_give_the_same(
    root: Path, dogs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = f"local-dir:{make_tiny_clip(tmp_path / 'tiny')}"
    together = score(root, capsys, model, "--device", "cpu:2")
    assert together["result"]["encoded"] == PICTURES
    assert together["result"]["unreadable"] == 2
    assert [member["name"] for member in together["members"]] == ["cpu:0", "cpu:1"]
    phases = {phase for member in together["members"] for phase in member["spent"]}
    assert phases == {"decode", "copy", "encode", "write"}
    assert together["bottleneck"]["phase"] in phases
    found = similarities(root, 1)
    assert len(found) == PICTURES
    alone_root = make_root(tmp_path / "alone", dogs)
    alone = score(alone_root, capsys, model, "--device", "cpu")
    assert alone["result"]["encoded"] == PICTURES
    again = similarities(alone_root, 1)
    assert again.keys() == found.keys()
    np.testing.assert_allclose(list(again.values()), list(found.values()), atol=1e-3)


def test_an_estimate_says_what_it_takes_and_scores_nothing(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = f"local-dir:{make_tiny_clip(tmp_path / 'tiny')}"
    found = score(root, capsys, model, "--device", "cpu", "--estimate")
    assert (found["job_kind"], found["units"], found["unit"]) == ("scoring", 37, "pictures")
    assert found["fits"] is True
    assert found["rate"] > 0
    assert found["needed_bytes"] > 37 * 2 * 24  # 24 numbers of two bytes each
    assert not list((root / "embeddings").rglob("part-*"))


def test_a_compiled_model_scores(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = f"local-dir:{make_tiny_clip(tmp_path / 'tiny')}"
    plain = score(root, capsys, model, "--device", "cpu")
    assert plain["result"]["encoded"] == PICTURES
    other = f"local-dir:{make_tiny_clip(tmp_path / 'other', seed=1)}"
    compiled = score(root, capsys, other, "--device", "cpu", "--compile", "--decode", "device")
    assert compiled["result"]["encoded"] == PICTURES
    assert len(similarities(root, 2)) == PICTURES


@pytest.mark.timeout(600)
def test_a_cluster_with_storage_scores_the_same_pictures(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'sood-tui[ray]'")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    node = {"num_cpus": 1, "object_store_memory": 80 * 1024 * 1024}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    try:
        cluster.add_node(**node)
        model = f"local-dir:{make_tiny_clip(tmp_path / 'tiny')}"
        where = ["--executor", "ray", "--address", cluster.address, "--storage", f"file://{tmp_path}/shared"]
        done = score(root, capsys, model, "--device", "cpu", *where)
        assert (done["state"], done["result"]["encoded"]) == ("finished", PICTURES)
        assert len(similarities(root, 1)) == PICTURES
        again = score(root, capsys, model, "--device", "cpu", "--template", "a {}", *where)
        assert (again["result"]["encoded"], again["result"]["already_encoded"]) == (0, PICTURES)
        assert similarities(root, 2).keys() == similarities(root, 1).keys()
    finally:
        cluster.shutdown()
