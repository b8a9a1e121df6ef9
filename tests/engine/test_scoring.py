"""The room scoring with real jobs: what is encoded, what is not encoded again, and what comes of faults."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest
from PIL import Image

from engine.errors import EngineError
from engine.jobs import runner
from engine.jobs.folder import JobFolder
from engine.jobs.ingest import ingest_ready
from engine.review.decisions import decide
from engine.scoring.job import KIND, ScoringSettings
from engine.scoring.listing import list_subclasses
from engine.scoring.parts import encoded_images, part_name, part_table, write_part
from engine.scoring.statistics import ACCEPTED, ScoreSettings, latest_run, subclass_scores
from engine.scoring.submission import ScoringRequest, submit
from engine.workspace import Workspace
from store.candidates.superclasses import UnknownSuperclass
from store.connection import memory_store
from store.scoring import runs as store
from tests.catalogues import WHEN, add_superclasses, add_synsets, add_table, wnid_of
from tests.jobs.waiting import pid_of, wait_until
from tests.tiny_clip import make_tiny_clip

SUBCLASSES = {"big_cat": ["lion", "tiger"], "pet": ["tabby", "tiger"]}
PICTURES_EACH = 6
LIMIT = 120.0


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"local-dir:{make_tiny_clip(tmp_path_factory.mktemp('models') / 'tiny')}"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Two superclasses that share a subclass, 18 pictures, 2 of which cannot be read."""
    catalogue = memory_store()
    made = Workspace(tmp_path / "work", catalogue)
    made.root.mkdir()
    folder = tmp_path / "pictures 'of' cats"
    names = ["lion", "tiger", "tabby"]
    add_synsets(catalogue, names)
    add_superclasses(catalogue, SUBCLASSES)
    paths = [_draw(folder, name, number) for name in names for number in range(PICTURES_EACH)]
    root = {"root_id": 1, "name": "cats", "path": str(folder), "layout": "wnid", "added_at": WHEN, "scanned_at": WHEN}
    add_table(catalogue, "image_root", [root])
    rows = [
        {"image_id": 100 + place, "root_id": 1, "wnid": path.split("/")[0], "path": path}
        for place, path in enumerate(paths)
    ]
    add_table(catalogue, "image", sorted(rows, key=lambda row: (row["wnid"], row["path"])))
    counts = [
        {"wnid": wnid_of(name), "images": PICTURES_EACH, "subtree_images": PICTURES_EACH, "subtree_synsets": 1}
        for name in names
    ]
    add_table(catalogue, "image_count", counts)
    (folder / paths[0]).write_bytes(b"")
    (folder / paths[1]).unlink()
    yield made
    for job in runner.list_jobs(made.root):
        with suppress(EngineError):
            runner.cancel(job, patience=0.2)
    catalogue.close()


def _draw(folder: Path, name: str, number: int) -> str:
    path = f"{wnid_of(name)}/{name} {number}\n.png"
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng([len(name), ord(name[1]), number]).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / path)
    return path


def request(model: str, **changes: object) -> ScoringRequest:
    return replace(ScoringRequest(model=model, device="cpu", batch_size=4), **changes)  # type: ignore[arg-type]


def finish(workspace: Workspace, wanted: ScoringRequest) -> JobFolder:
    """Submit a job, wait for its end, take it in."""
    job = runner.find_job(workspace.root, submit(workspace, wanted).job_id)
    wait_until(lambda: job.state() not in runner.ACTIVE, LIMIT)
    assert [report.error for report in ingest_ready(workspace)] == [None], job.printed()
    return job


def result_of(job: JobFolder) -> tuple[int, int, int]:
    """How many pictures a job encoded, found encoded, and could not read."""
    outcome = job.outcome()
    assert outcome is not None
    assert outcome.state == "finished", job.printed()
    return outcome.result["encoded"], outcome.result["already_encoded"], outcome.result["unreadable"]


def one(workspace: Workspace, statement: str) -> object:
    with workspace.opened().reading() as cursor:
        row = cursor.execute(statement).fetchone()
    assert row is not None
    return row[0]


def expected_similarities(workspace: Workspace, model: str, prompt: str) -> dict[int, float]:
    """The cosines of all readable pictures with a prompt, by open_clip alone."""
    import open_clip
    import torch

    network, _, transform = open_clip.create_model_and_transforms(model)
    network.eval()
    with workspace.opened().reading() as cursor:
        rows = cursor.execute(
            "SELECT image_id, image_root.path || '/' || image.path FROM image JOIN image_root USING (root_id)"
        ).fetchall()
    readable = {key: path for key, path in rows if Path(path).exists() and Path(path).stat().st_size}
    with torch.inference_mode():
        text = network.encode_text(open_clip.get_tokenizer(model)([prompt]), normalize=True)
        batch = torch.stack([transform(Image.open(path)) for path in readable.values()])
        images = network.encode_image(batch, normalize=True)
    return dict(zip(readable, (images @ text.T)[:, 0].tolist(), strict=True))


def test_pictures_are_encoded_once_and_scored_with_every_prompt(workspace: Workspace, model: str) -> None:
    first = finish(workspace, request(model, superclasses=["big_cat"]))
    assert result_of(first) == (10, 0, 2)
    assert [event.subject is not None for event in first.events() if event.kind == "warned"] == [True, True]
    assert one(workspace, "SELECT count(*) FROM embedding") == 10
    found = one(workspace, "SELECT list(kind || ': ' || detail ORDER BY kind) FROM image_issue")
    assert found == ["missing_file: the file is not there", "undecodable: the file is empty"]
    with workspace.opened().reading() as cursor:
        run = latest_run(cursor)
        table = store.fetch_similarities(cursor, run.run_id, "big_cat", ("pending",))
    expected = expected_similarities(workspace, model, "big cat")
    measured = dict(zip(table["image_id"].to_pylist(), table["similarity"].to_pylist(), strict=True))
    # lion and tiger are drawn first; the two unreadable ones are lions.
    assert sorted(measured) == list(range(102, 112))
    assert measured == pytest.approx({key: expected[key] for key in measured}, abs=2e-3)
    assert table["wnid"].to_pylist() == sorted(table["wnid"].to_pylist())

    second = finish(workspace, request(model, superclasses=["big_cat"], template="a photo of a {}"))
    assert result_of(second) == (0, 10, 2)
    assert max(event.detail.get("encoded", 0) for event in second.events()) == 0
    third = finish(workspace, request(model, superclasses=["pet"]).compatible())
    assert result_of(third) == (6, 6, 0)
    assert one(workspace, "SELECT count(*) FROM embedding") == 16
    assert one(workspace, "SELECT count(*) FROM embedding_set") == 1
    assert one(workspace, "SELECT count(*) FROM image_issue") == 2
    with workspace.opened().reading() as cursor:
        runs = store.fetch_runs(cursor)
        prompts = [store.fetch_run_superclasses(cursor, run.run_id)[0].prompt for run in runs]
        listing = list_subclasses(cursor, 1, None, ScoreSettings())
    assert [(run.template, run.keep_underscores, run.images) for run in runs] == [
        ("{}", False, 10),
        ("a photo of a {}", False, 10),
        ("{}", True, 12),
    ]
    assert prompts == ["big cat", "a photo of a big cat", "pet"]
    assert listing.not_scored == 2
    assert {row.name: row.images for row in listing.subclasses} == {"lion.n.01": 4, "tiger.n.01": 6}
    assert ingest_ready(workspace) == []


def test_what_is_rejected_is_not_scored_and_what_leaves_is_not_counted(workspace: Workspace, model: str) -> None:
    decide(workspace, "big_cat", [wnid_of("lion")], "reject", "anna")
    decide(workspace, "pet", [wnid_of("tabby")], "accept", "anna")
    job = finish(workspace, request(model))
    assert result_of(job) == (12, 0, 0)
    scores = subclass_scores(workspace, 1, "pet")
    assert [(row.wnid, row.images) for row in scores.subclasses] == sorted(
        [(wnid_of("tabby"), 6), (wnid_of("tiger"), 6)]
    )
    assert scores.scores.min() == 0
    assert scores.scores.max() == 1
    accepted = subclass_scores(workspace, 1, "pet", ScoreSettings(states=ACCEPTED))
    assert [row.wnid for row in accepted.subclasses] == [wnid_of("tabby")]
    assert (accepted.scores.min(), accepted.scores.max()) == (0, 1)
    with workspace.opened().writing() as cursor:
        cursor.execute("DELETE FROM image WHERE image_id = 106")
    assert [row.images for row in subclass_scores(workspace, 1, "big_cat").subclasses] == [5]
    only = submit(workspace, request(model, only_accepted=True))
    assert (only.superclasses, only.pictures, only.without_pictures) == (("pet",), 6, ("big_cat",))


def test_a_killed_job_resumes_and_equals_one_that_was_not(workspace: Workspace, model: str) -> None:
    straight = finish(workspace, request(model))
    assert result_of(straight) == (16, 0, 2)
    spec = ScoringSettings(**{**straight.spec().settings, "catalogue_id": "another", "batch_size": 1})
    work = parquet.read_table(straight.work_file)
    killed = runner.submit(workspace.root, KIND, spec.values(), work, "cpu", shard_rows=1)
    wait_until(lambda: len(killed.parts()) >= 2, LIMIT)
    with suppress(ProcessLookupError):
        os.killpg(pid_of(killed), signal.SIGKILL)
    wait_until(lambda: killed.state() == "died", LIMIT)
    before = len(killed.parts())
    assert before < 18
    # As if it had been killed between the embeddings of a shard and the part that says that they are there.
    last = killed.parts()[-1]
    last.path.unlink()
    runner.resume(killed)
    wait_until(lambda: killed.state() not in runner.ACTIVE, LIMIT)
    encoded, skipped, unreadable = result_of(killed)
    (folder,) = workspace.embeddings.iterdir()
    assert skipped == 0
    assert encoded + unreadable in (18 - before, 17 - before)  # the kill may have come between two files, too
    assert len(encoded_images(folder, "another", except_job=0)) == 16
    vectors = {number: _vectors(folder, part_name(number, 0).removesuffix("00000")) for number in (1, 2)}
    assert vectors[1].keys() == vectors[2].keys()
    assert len(vectors[1]) == 16
    for image_id, vector in vectors[1].items():
        np.testing.assert_allclose(vectors[2][image_id].astype(float), vector.astype(float), atol=2e-3)


def _vectors(folder: Path, prefix: str) -> dict[int, np.ndarray]:
    found: dict[int, np.ndarray] = {}
    for path in sorted(folder.glob(f"{prefix}*.parquet")):
        array = np.load(path.with_suffix(".npy"))
        assert array.dtype == np.float16
        for row in parquet.read_table(path).to_pylist():
            if row["row"] is not None:
                found[row["image_id"]] = array[row["row"]]
    return found


def test_a_job_in_the_queue_does_not_encode_what_the_one_before_it_has(workspace: Workspace, model: str) -> None:
    jobs = [
        runner.find_job(workspace.root, submit(workspace, request(model, superclasses=[name])).job_id)
        for name in ("big_cat", "pet")
    ]
    wait_until(lambda: all(job.state() not in runner.ACTIVE for job in jobs), LIMIT)
    assert [result_of(job) for job in jobs] == [(10, 0, 2), (6, 6, 0)]
    # Nothing was taken in between, and still the second run has all its pictures.
    ingest_ready(workspace)
    assert one(
        workspace, "SELECT list(n ORDER BY run_id) FROM (SELECT run_id, count(*) n FROM similarity GROUP BY ALL)"
    ) == [10, 12]
    assert one(workspace, "SELECT count(DISTINCT image_id) = count(*) FROM embedding") is True


def test_a_root_that_is_gone_ends_the_job_with_what_to_do(workspace: Workspace, model: str) -> None:
    folder = Path(str(one(workspace, "SELECT path FROM image_root")))
    shutil.move(folder, folder.with_name("elsewhere"))
    failed = runner.find_job(workspace.root, submit(workspace, request(model)).job_id)
    wait_until(lambda: failed.state() not in runner.ACTIVE, LIMIT)
    outcome = failed.outcome()
    assert outcome is not None
    assert outcome.state == "failed"
    assert "is not there or may not be read" in outcome.message
    assert "resume the job" in outcome.hint
    ingest_ready(workspace)
    assert one(workspace, "SELECT (SELECT count(*) FROM score_run) + (SELECT count(*) FROM image_issue)") == 0


def test_wrong_requests_are_refused_before_a_job_is_made(workspace: Workspace, model: str) -> None:
    with pytest.raises(UnknownSuperclass) as near:
        submit(workspace, request(model, superclasses=["big_cats"]))
    assert near.value.hint == "Did you mean big_cat?"
    with pytest.raises(EngineError, match=r"has no \{\}"):
        submit(workspace, request(model, template="a photo"))
    with pytest.raises(EngineError, match="does not exist"):
        submit(workspace, request("local-dir:nowhere"))
    with pytest.raises(EngineError, match="No accepted candidate"):
        submit(workspace, request(model, only_accepted=True))
    with pytest.raises(EngineError, match="at least one picture"):
        submit(workspace, request(model, batch_size=0))
    with pytest.raises(EngineError, match="Nothing was scored"), workspace.opened().reading() as cursor:
        latest_run(cursor)
    assert runner.list_jobs(workspace.root) == []


def test_parts_of_another_catalogue_do_not_count(tmp_path: Path) -> None:
    from engine.scoring.parts import PartFacts

    facts = PartFacts("mine", "tiny", "tiny", None, "ab" * 32, 2, "float32")
    vectors = np.array([[1, 0], [0, 1]], dtype=np.float16)
    table = part_table([7, 8, 9], ["ok", "undecodable", "ok"], [None, "cut off", None])
    assert table["row"].to_pylist() == [0, None, 1]
    write_part(tmp_path, part_name(3, 0), vectors, table, facts)
    write_part(
        tmp_path,
        part_name(4, 12),
        vectors,
        part_table([1, 2], ["ok"] * 2, [None] * 2),
        replace(facts, catalogue_id="other"),
    )
    assert encoded_images(tmp_path, "mine", except_job=9).tolist() == [7, 9]
    assert encoded_images(tmp_path, "mine", except_job=3).tolist() == []
    assert encoded_images(tmp_path, "other", except_job=3).tolist() == [1, 2]
