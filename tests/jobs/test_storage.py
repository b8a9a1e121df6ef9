"""Files in a shared place: of a file system, and of a server that speaks S3."""

from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.jobs.storage import Storage, files_below, new_files
from tests.jobs.s3 import Bucket


@pytest.fixture(params=["file", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A folder that is not there yet, on disk and in a bucket."""
    if request.param == "file":
        return f"file://{tmp_path}/shared"
    bucket: Bucket = request.getfixturevalue("bucket")
    return bucket.folder(tmp_path.name)


def test_files_go_there_and_come_back_whole(url: str, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "embeddings" / "a b").mkdir(parents=True)
    (here / "embeddings" / "a b" / "part-0.npy").write_bytes(bytes(range(256)) * 20_000)
    (here / "jobs").mkdir()
    (here / "jobs" / "part-0.parquet").write_bytes(b"table")
    names = ["embeddings/a b/part-0.npy", "jobs/part-0.parquet"]
    storage = Storage(url, "0001-scoring")
    assert storage.names() == []
    storage.put(here, names)
    assert storage.names() == names
    storage.get(there, names)
    assert [(there / name).read_bytes() == (here / name).read_bytes() for name in names] == [True, True]
    assert files_below(there, ["embeddings/*/part-*.npy"]) == names[:1]
    storage.put(here, names)  # done twice it is the same
    assert storage.names() == names
    assert Storage(url, "0002-scoring").names() == []
    storage.remove()
    assert storage.names() == []


def test_what_is_there_already_is_not_fetched_again(url: str, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "x").write_text("new")
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "x").write_text("old")
    storage = Storage(url, "1")
    storage.put(tmp_path / "here", ["x"])
    storage.get(tmp_path / "there", ["x"])
    assert (tmp_path / "there" / "x").read_text() == "old"


def test_a_name_that_leaves_the_workspace_is_refused(tmp_path: Path) -> None:
    for name in ("../x", "/etc/x", "a/../../x"):
        with pytest.raises(EngineError, match="outside of the workspace"):
            Storage(f"file://{tmp_path}", "1").get(tmp_path / "there", [name])


def test_storage_that_cannot_be_used_says_what_to_look_at(bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(EngineError, match="cannot be used") as found:
        Storage("s3://no-such-bucket/x", "1").get(tmp_path / "there", ["x"])
    assert "credentials" in found.value.hint
    (tmp_path / "file").touch()
    with pytest.raises(EngineError, match="cannot be used"):
        Storage(f"file://{tmp_path}/file", "1").put(tmp_path, ["x"])


def test_new_files_come_with_their_table_last(tmp_path: Path) -> None:
    for name in ("part-0.parquet", "part-0.npy", ".part-1.parquet.7.tmp", "known"):
        (tmp_path / name).touch()
    import os

    for name in ("part-0.parquet", "part-0.npy"):
        os.utime(tmp_path / name, ns=(5, 5))
    assert new_files(tmp_path, {"known"}) == ["part-0.npy", "part-0.parquet"]
