"""Proposals, zero-shot predictions and classifiers as real jobs with tiny real models."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.errors import EngineError
from engine.jobs import runner
from engine.jobs.estimate import read_estimate
from engine.jobs.execution import Execution
from engine.jobs.folder import JobFolder
from engine.jobs.ingest import ingest_ready
from engine.labels import classifiers, proposals
from engine.labels.formulas import shares_of_best
from engine.labels.proposals import ProposalRequest
from engine.labels.queue import proposal_queue
from engine.scoring.submission import ScoringRequest, submit
from engine.workspace import Workspace
from store.connection import memory_store
from store.labels import predictions
from store.labels import proposals as label_proposals
from store.labels.claims import fetch_claims
from tests.catalogues import WHEN, add_superclasses, add_synsets, add_table, wnid_of
from tests.jobs.waiting import wait_until
from tests.tiny_clip import make_tiny_clip

NAMES = ["lion", "tiger", "tabby", "lynx"]
EACH = 4
LIMIT = 120.0


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("models")
    return {name: f"local-dir:{make_tiny_clip(folder / name, seed)}" for seed, name in enumerate(("one", "two"))}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Four synsets with four noisy pictures each; the last file of the last synset is damaged."""
    catalogue = memory_store()
    made = Workspace(tmp_path / "work", catalogue)
    made.root.mkdir()
    folder = tmp_path / "pictures"
    add_synsets(catalogue, NAMES)
    add_superclasses(catalogue, {"cat": NAMES})
    rows = []
    for place, name in enumerate(NAMES):
        for number in range(EACH):
            path = f"{wnid_of(name)}/{name}_{number}.png"
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            pixels = np.random.default_rng([place, number]).integers(0, 256, (240, 260, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / path)
            rows.append({"image_id": 100 + len(rows), "root_id": 1, "wnid": wnid_of(name), "path": path})
    (folder / str(rows[-1]["path"])).write_bytes(b"no picture")
    root = {"root_id": 1, "name": "cats", "path": str(folder), "layout": "wnid", "added_at": WHEN}
    add_table(catalogue, "image_root", [root])
    add_table(catalogue, "image", sorted(rows, key=lambda row: (row["wnid"], row["path"])))
    counts = [{"wnid": wnid_of(name), "images": EACH, "subtree_images": EACH, "subtree_synsets": 1} for name in NAMES]
    add_table(catalogue, "image_count", sorted(counts, key=lambda row: str(row["wnid"])))
    yield made
    for job in runner.list_jobs(made.root):
        with suppress(EngineError):
            runner.cancel(job, patience=0.2)
    catalogue.close()


def finish(workspace: Workspace, job_id: str) -> JobFolder:
    job = runner.find_job(workspace.root, job_id)
    wait_until(lambda: job.state() not in runner.ACTIVE, LIMIT)
    assert [report.error for report in ingest_ready(workspace)] == [None], job.printed()
    outcome = job.outcome()
    assert outcome is not None
    assert outcome.state == "finished", (outcome, job.printed())
    return job


def encode(workspace: Workspace, model: str) -> None:
    finish(workspace, submit(workspace, ScoringRequest(model=model, device="cpu", batch_size=8)).job_id)


def similarities(workspace: Workspace, model: str, prompts: list[str]) -> dict[int, np.ndarray]:
    """Cosines of every readable picture with the prompts, by open_clip alone."""
    import open_clip
    import torch

    network, _, transform = open_clip.create_model_and_transforms(model)
    network.eval()
    found = {}
    with torch.inference_mode():
        texts = network.encode_text(open_clip.get_tokenizer(model)(prompts), normalize=True)
        for image_id, path in readable(workspace).items():
            vector = network.encode_image(transform(Image.open(path))[None], normalize=True)
            found[image_id] = (vector @ texts.T)[0].numpy()
    return found


def readable(workspace: Workspace) -> dict[int, str]:
    with workspace.opened().reading() as cursor:
        rows = cursor.execute(
            "SELECT image_id, image_root.path || '/' || image.path FROM image JOIN image_root USING (root_id)"
        ).fetchall()
    return {key: path for key, path in rows if Path(path).read_bytes() != b"no picture"}


def test_an_estimate_reads_the_embeddings_and_leaves_nothing(workspace: Workspace, models: dict[str, str]) -> None:
    encode(workspace, models["one"])
    before = sorted((workspace.root / "embeddings").rglob("*"))
    request = ProposalRequest(template="a {}", device="cpu", execution=Execution(estimate=True))
    job = finish(workspace, proposals.submit(workspace, request))
    found = read_estimate(job)
    assert (found.job_kind, found.units, found.tried, found.fits) == ("label-proposals", 15, 15, True)
    assert found.needed_bytes is not None
    assert sorted((workspace.root / "embeddings").rglob("*")) == before
    with workspace.opened().reading() as cursor:
        assert label_proposals.fetch_label_runs(cursor) == []


def test_proposals_are_what_has_half_the_best_score(workspace: Workspace, models: dict[str, str]) -> None:
    encode(workspace, models["one"])
    job = finish(workspace, proposals.submit(workspace, ProposalRequest(template="a {}", device="cpu")))
    wnids = sorted(wnid_of(name) for name in NAMES)
    names = {wnid_of(name): name for name in NAMES}
    expected = similarities(workspace, models["one"], [f"a {names[wnid]}" for wnid in wnids])
    with workspace.opened().reading() as cursor:
        rows = label_proposals.fetch_proposals(cursor)
        (run,) = label_proposals.fetch_label_runs(cursor)
        own = dict(cursor.execute("SELECT image_id, wnid FROM image").fetchall())
        assert len(proposal_queue(cursor, everything=True)) == len(expected) == 15
    assert (run.pictures, run.classes, run.temperature, run.class_list) == (15, 4, 0.01, "pictures")
    found = {(row.image_id, row.wnid): row for row in rows}
    seen = 0
    for image_id, cosines in expected.items():
        shares = np.exp((cosines.astype(np.float64) - cosines.max()) / 0.01)
        for wnid, share in zip(wnids, shares, strict=True):
            row = found.pop((image_id, wnid), None)
            if row is None:
                assert share < 0.52
                assert wnid != own[image_id]
                continue
            seen += 1
            # The pictures' embeddings are kept in float16: their cosines are off by less than 0.001, a share by 10 %.
            assert row.share == pytest.approx(share, rel=0.1, abs=1e-3)
            assert row.share >= 0.5 or wnid == own[image_id]
    assert not found
    assert seen >= 15
    # Taken in again, nothing is doubled.
    again = finish(workspace, proposals.submit(workspace, ProposalRequest(template="a {}", device="cpu")))
    assert again.id != job.id
    with workspace.opened().reading() as cursor:
        assert label_proposals.fetch_proposals(cursor) == rows


def test_a_second_model_proposes_beside_the_first(workspace: Workspace, models: dict[str, str]) -> None:
    for name in ("one", "two"):
        encode(workspace, models[name])
        finish(workspace, proposals.submit(workspace, ProposalRequest(model=models[name], device="cpu")))
    with workspace.opened().reading() as cursor:
        claims = fetch_claims(cursor, [100])
        assert len(label_proposals.fetch_label_runs(cursor)) == 2
    assert len({model for claim in claims for model in claim.models}) == 2
    with pytest.raises(EngineError, match="No embeddings go by the name three"):
        proposals.submit(workspace, ProposalRequest(model="three"))


def test_pictures_with_truth_are_left_alone(workspace: Workspace, models: dict[str, str]) -> None:
    encode(workspace, models["one"])
    add_table(
        workspace.opened(),
        "label_image",
        [{"source": "truth", "image_id": image, "labels": 1} for image in range(100, 114)],
    )
    finish(workspace, proposals.submit(workspace, ProposalRequest(device="cpu")))
    with workspace.opened().reading() as cursor:
        assert {row.image_id for row in label_proposals.fetch_proposals(cursor)} == {114}
    add_table(workspace.opened(), "label_image", [{"source": "truth", "image_id": 114, "labels": 1}])
    with pytest.raises(EngineError, match="imported labels already"):
        proposals.submit(workspace, ProposalRequest())


def test_zero_shot_ranks_by_cosine(workspace: Workspace, models: dict[str, str]) -> None:
    encode(workspace, models["one"])
    finish(workspace, classifiers.submit_zero_shot(workspace, "zs", template="a {}", device="cpu"))
    wnids = sorted(wnid_of(name) for name in NAMES)
    names = {wnid_of(name): name for name in NAMES}
    expected = similarities(workspace, models["one"], [f"a {names[wnid]}" for wnid in wnids])
    found = ranked(workspace, "zs")
    with workspace.opened().reading() as cursor:
        run = predictions.fetch_prediction_run(cursor, "zs")
    assert (run.kind, run.rows, run.matched, list(run.classes)) == ("zero-shot", 15, 15, wnids)
    assert found.keys() == expected.keys()
    for image_id, cosines in expected.items():
        in_order = cosines[found[image_id]]
        assert (np.diff(in_order) < 1e-3).all()
    with pytest.raises(EngineError, match="zs already"):
        classifiers.submit_zero_shot(workspace, "zs")


def ranked(workspace: Workspace, name: str) -> dict[int, list[int]]:
    import pyarrow as pa

    with workspace.opened().reading() as cursor:
        table = predictions.fetch_predictions(cursor, name, pa.array(range(100, 116), pa.int64()))
    return dict(zip(table["image_id"].to_pylist(), table["ranked"].to_pylist(), strict=True))


def classes_file(folder: Path) -> Path:
    path = folder / "classes.txt"
    path.write_text("\n".join(wnid_of(name) for name in NAMES))
    return path


def weights_of(network: Any, path: Path) -> Path:
    import torch

    torch.save(network.state_dict(), path)
    return path


def test_a_timm_model_gives_the_logits_of_timm_itself(workspace: Workspace, tmp_path: Path) -> None:
    import timm
    import torch

    torch.manual_seed(0)
    network = timm.create_model("test_resnet", num_classes=4).eval()
    weights = weights_of(network, tmp_path / "weights.pth")
    job_id = classifiers.submit_model(
        workspace, "net", "timm:test_resnet", weights, str(classes_file(tmp_path)), batch_size=3, device="cpu"
    )
    job = finish(workspace, job_id)
    assert [event.subject for event in job.events() if event.kind == "warned"] == ["115"]
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(network), is_training=False)
    check_ranking(workspace, network, transform)


def test_a_torchvision_model_gives_the_logits_of_torchvision_itself(workspace: Workspace, tmp_path: Path) -> None:
    import torch
    from torchvision import models

    torch.manual_seed(0)
    network = models.get_model("shufflenet_v2_x0_5", weights=None, num_classes=4).eval()
    weights = weights_of(network, tmp_path / "weights.pth")
    name = "torchvision:shufflenet_v2_x0_5"
    finish(
        workspace,
        classifiers.submit_model(workspace, "net", name, weights, str(classes_file(tmp_path)), "cats", device="cpu"),
    )
    check_ranking(workspace, network, models.get_model_weights("shufflenet_v2_x0_5").DEFAULT.transforms())


def check_ranking(workspace: Workspace, network: Any, transform: Any) -> None:
    """Every readable picture is ranked as the library itself would, but for logits that are nearly equal."""
    import torch

    found = ranked(workspace, "net")
    pictures = readable(workspace)
    assert found.keys() == pictures.keys()
    with workspace.opened().reading() as cursor:
        run = predictions.fetch_prediction_run(cursor, "net")
    assert (run.kind, run.rows, run.matched, run.depth) == ("model", 16, 15, 4)
    with torch.inference_mode():
        for image_id, path in pictures.items():
            logits = network(transform(Image.open(path).convert("RGB"))[None])[0].numpy()
            in_order = logits[found[image_id]]
            assert (np.diff(in_order) < 0.05 * np.ptp(logits)).all()


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("timm:no_such_net", "timm knows no model no_such_net"),
        ("torchvision:no_such_net", "torchvision knows no model"),
        ("timm:test_vit", "do not belong to timm:test_vit: they lack blocks.0.attn.proj.bias"),
    ],
)
def test_what_cannot_be_loaded_ends_the_job_with_a_reason(
    workspace: Workspace, tmp_path: Path, model: str, said: str
) -> None:
    import timm

    weights = weights_of(timm.create_model("test_resnet", num_classes=4), tmp_path / "weights.pth")
    job_id = classifiers.submit_model(workspace, "net", model, weights, str(classes_file(tmp_path)), device="cpu")
    job = runner.find_job(workspace.root, job_id)
    wait_until(lambda: job.state() not in runner.ACTIVE, LIMIT)
    outcome = job.outcome()
    assert outcome is not None
    assert outcome.state == "failed"
    assert said in outcome.message
    assert outcome.traceback is None


def test_shares_do_not_need_the_sum_of_the_softmax() -> None:
    cosines = np.asarray([[0.30, 0.29, 0.20], [0.1, 0.1, 0.1]])
    shares = shares_of_best(cosines)
    assert shares[0].tolist() == pytest.approx([1.0, np.exp(-1), np.exp(-10)])
    softmax = np.exp(cosines / 0.01) / np.exp(cosines / 0.01).sum(axis=1, keepdims=True)
    assert shares == pytest.approx(softmax / softmax.max(axis=1, keepdims=True))
    assert shares[1].tolist() == [1.0, 1.0, 1.0]
