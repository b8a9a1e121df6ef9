"""Guest seats without a screen: an owner and guests of one workspace, each with what it may see and do."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.candidates.superclasses import remove
from engine.errors import EngineError
from engine.review.decisions import decide, redo, undo
from engine.review.guest import sit_down
from engine.review.host import Host, append_batch, take_in_left
from engine.review.pictures import mark
from engine.review.queue import queue
from engine.review.seats import Seats
from engine.workspace import Workspace
from store.connection import open_store
from store.errors import StoreError
from store.review.log import fetch_log
from store.snapshot import SnapshotFailed, copy_catalogue
from tests.catalogues import add_superclasses, add_synsets, scored_workspace, wnid_of

NAMES = ("akita", "boxer", "collie", "dingo")


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[Workspace]:
    store = open_store(tmp_path / "catalogue.duckdb")
    yield scored_workspace(tmp_path, {"dog": {name: [0.1, 0.2] for name in NAMES}}, accept=False, store=store)
    store.close()


@pytest.fixture
def host(owner: Workspace) -> Iterator[Host]:
    found = Host(owner)
    yield found
    found.close()


@pytest.fixture
def guest(owner: Workspace, host: Host) -> Iterator[Workspace]:
    seated = seat(owner, host, "ben")
    yield seated
    assert seated.guest is not None
    seated.guest.leave()


def seat(owner: Workspace, host: Host, name: str) -> Workspace:
    """A guest whose snapshot the owner publishes while it waits."""
    return sit_down(replace(owner, store=None), name, lambda text: host.look(), patience=5)


def say(workspace: Workspace, name: str, kind: str, reviewer: str) -> None:
    decide(workspace, "dog", [wnid_of(name)], kind, reviewer)  # type: ignore[arg-type]


def states(workspace: Workspace) -> dict[str, tuple[str, str | None]]:
    with workspace.opened().reading() as cursor:
        return {item.lemma: (item.state, item.reviewer) for item in queue(cursor, "dog") if item.state != "pending"}


def log_of(workspace: Workspace) -> list[tuple[str, str]]:
    with workspace.opened().reading() as cursor:
        return [(entry.reviewer, str(entry.kind)) for entry in fetch_log(cursor)][::-1]


def test_decisions_go_both_ways(owner: Workspace, host: Host, guest: Workspace) -> None:
    say(guest, "akita", "accept", "ben")
    say(owner, "boxer", "reject", "anna")
    assert states(owner) == {"boxer": ("reject", "anna")}
    (taken,) = host.look()
    assert (taken.reviewer, [entry.kind for entry in taken.entries]) == ("ben", ["accept"])
    assert host.look() == []  # each decision once
    assert guest.guest is not None
    arrived = guest.guest.look()
    assert [entry.reviewer for entry in arrived.entries] == ["anna"]
    assert (arrived.is_renewed, arrived.has_owner) == (False, True)
    assert states(owner) == states(guest) == {"akita": ("accept", "ben"), "boxer": ("reject", "anna")}


def test_undo_is_each_reviewers_own(owner: Workspace, host: Host, guest: Workspace) -> None:
    say(owner, "akita", "accept", "anna")
    say(guest, "boxer", "accept", "ben")
    host.look()
    undo(owner, "anna", of="anna")
    assert states(owner) == {"boxer": ("accept", "ben")}
    undo(guest, "ben", of="ben")
    host.look()
    assert states(owner) == {}
    redo(guest, "ben", of="ben")
    host.look()
    redo(owner, "anna", of="anna")
    assert states(owner) == {"akita": ("accept", "anna"), "boxer": ("accept", "ben")}


def test_marks_on_pictures_travel_too(owner: Workspace, host: Host, guest: Workspace) -> None:
    mark(guest, [1000], "bad", "ben")
    host.look()
    assert log_of(owner) == [("ben", "bad")]


def test_a_guest_decides_and_does_nothing_else(owner: Workspace, guest: Workspace) -> None:
    with pytest.raises(StoreError, match="decisions and nothing else"):
        remove(guest, "dog")
    with pytest.raises(EngineError, match="cannot begin a job"):
        guest.require_owner("begin a job")
    owner.require_owner("begin a job")
    with guest.opened().reading() as cursor:
        assert len(queue(cursor, "dog")) == 4


def test_a_new_snapshot_follows_what_is_more_than_a_decision(
    owner: Workspace, host: Host, guest: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(guest, "akita", "accept", "ben")
    add_synsets(owner.opened(), ["tabby"])
    add_superclasses(owner.opened(), {"cat": ["tabby"]})
    host.look()
    assert guest.guest is not None
    assert not guest.guest.look().is_renewed  # not yet: copies keep a distance in time
    monkeypatch.setattr(host, "_next_at", 0.0)
    say(owner, "boxer", "reject", "anna")
    host.look()
    assert guest.guest.look().is_renewed
    with guest.opened().reading() as cursor:
        assert [item.lemma for item in queue(cursor, "cat")] == ["tabby"]
    assert states(guest) == {"akita": ("accept", "ben"), "boxer": ("reject", "anna")}
    say(guest, "collie", "unsure", "ben")  # and it goes on
    host.look()
    assert states(owner)["collie"] == ("unsure", "ben")
    assert len(list((owner.root / "seats").glob("snapshot-*.duckdb"))) == 1


def test_two_guests_see_one_another_by_way_of_the_owner(owner: Workspace, host: Host, guest: Workspace) -> None:
    other = seat(owner, host, "cleo")
    assert other.guest is not None
    assert guest.guest is not None
    say(other, "dingo", "reject", "cleo")
    host.look()
    guest.guest.look()
    assert states(guest) == {"dingo": ("reject", "cleo")}
    other.guest.leave()
    host.look()
    assert [found.reviewer for found in Seats(owner.root / "seats").seats()] == ["ben"]  # the left seat is cleared


def test_a_guest_goes_on_while_nobody_owns_and_the_next_owner_takes_it_in(owner: Workspace, host: Host) -> None:
    guest = seat(owner, host, "ben")
    host.close()
    owner.opened().close()
    assert guest.guest is not None
    assert not guest.guest.look().has_owner
    say(guest, "akita", "accept", "ben")
    guest.guest.leave()
    next_owner = replace(owner, store=open_store(owner.catalogue))
    assert [taken.reviewer for taken in take_in_left(next_owner)] == ["ben"]
    assert states(next_owner) == {"akita": ("accept", "ben")}
    assert take_in_left(next_owner) == []
    next_owner.opened().close()


def test_a_guest_finds_the_next_owner(owner: Workspace, host: Host, guest: Workspace) -> None:
    say(guest, "akita", "accept", "ben")
    host.close()
    later = Host(owner)
    later.look()
    assert guest.guest is not None
    arrived = guest.guest.look()
    assert (arrived.is_renewed, arrived.has_owner) == (True, True)
    assert states(guest) == states(owner) == {"akita": ("accept", "ben")}
    later.close()


def test_a_batch_counts_as_a_whole_or_not_at_all(owner: Workspace, host: Host, guest: Workspace) -> None:
    assert guest.guest is not None
    journal = guest.guest.seat.journal
    decide(guest, "dog", [wnid_of(name) for name in NAMES], "accept", "ben")
    whole = journal.read_bytes()
    journal.write_bytes(whole[: whole.index(b"\n") + 1])  # killed in the middle of the write
    assert host.look() == []
    assert states(owner) == {}
    journal.write_bytes(whole)
    host.look()
    assert len(states(owner)) == 4


def test_a_broken_journal_is_told_once_and_left_alone(owner: Workspace, host: Host, guest: Workspace) -> None:
    assert guest.guest is not None
    guest.guest.seat.journal.write_bytes(b'{"event_id": 7}\n\n')
    (told,) = host.look()
    assert told.error is not None
    assert "journal.jsonl" in told.error.message
    assert host.look() == []
    assert guest.guest.seat.journal.exists()


def test_a_journal_that_cannot_be_written_takes_no_decision(guest: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.review.host.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        say(guest, "akita", "accept", "ben")
    assert states(guest) == {}
    assert guest.guest is not None
    assert guest.guest.seat.journal.read_bytes() == b""


def test_without_an_owner_or_a_snapshot_it_says_so(owner: Workspace, host: Host) -> None:
    closed = replace(owner, store=None)
    with pytest.raises(EngineError, match="has published no snapshot"):
        sit_down(closed, "ben", lambda text: None, patience=0.2)
    assert not any(entry.is_dir() for entry in (owner.root / "seats").iterdir())  # nothing half made is left
    host.close()
    with pytest.raises(EngineError, match="in a command"):
        sit_down(closed, "ben", lambda text: None)


def test_what_a_killed_owner_published_is_not_opened(owner: Workspace, host: Host) -> None:
    guest = seat(owner, host, "ben")
    pointer = owner.root / "seats" / "published.json"
    told = json.loads(pointer.read_text())
    pointer.write_text(json.dumps({**told, "owner": "somebody else"}))
    assert Seats(owner.root / "seats").published() is None
    assert guest.guest is not None
    guest.guest.leave()


def test_folders_that_never_became_a_seat_are_taken_away(
    owner: Workspace, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = owner.root / "seats" / "0-nobody"
    folder.mkdir()
    host.look()
    assert folder.exists()
    later = time.time() + 61
    monkeypatch.setattr("engine.review.seats.time.time", lambda: later)
    host.look()
    assert not folder.exists()


def test_nothing_is_published_while_no_guest_is_there(owner: Workspace, host: Host) -> None:
    host.look()
    assert [entry.name for entry in (owner.root / "seats").iterdir()] == ["owner.lock"]


def test_an_append_adds_to_what_is_there(tmp_path: Path, owner: Workspace) -> None:
    say(owner, "akita", "accept", "anna")
    step = undo(owner, "anna")
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"before\n\n")
    append_batch(path, step.entries)
    assert path.read_bytes().startswith(b"before\n\n{")
    assert path.read_bytes().endswith(b"}\n\n")


def test_a_snapshot_that_cannot_be_written_is_told_and_tried_again_later(
    owner: Workspace, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = owner.root / "seats"

    def refuse(cursor: object, path: Path) -> None:
        raise SnapshotFailed(path, "No space left on device")

    monkeypatch.setattr("engine.review.host.copy_catalogue", refuse)
    told: list[str] = []

    def look(text: str) -> None:
        told.extend(str(taken.error) for taken in host.look())
        assert host.look() == []  # not again at once

    with pytest.raises(EngineError, match="has published no snapshot"):
        sit_down(replace(owner, store=None), "ben", look, patience=0.2)
    assert told == [f"No snapshot could be written to {folder}: No space left on device"]


def test_a_full_disk_is_a_store_error_of_the_copy(owner: Workspace, tmp_path: Path) -> None:
    with pytest.raises(SnapshotFailed, match="No snapshot could be written"), owner.opened().reading() as cursor:
        copy_catalogue(cursor, tmp_path / "no such folder" / "copy.duckdb")
    with owner.opened().reading() as cursor:
        copy_catalogue(cursor, tmp_path / "it's a copy.duckdb")  # and the next one goes through
    assert (tmp_path / "it's a copy.duckdb").stat().st_size > 0


def test_a_guest_with_the_owners_name_is_found_out(owner: Workspace) -> None:
    seats = Seats(owner.root / "seats")
    assert seats.owner_reviewer() == ""
    named = Host(owner, "anna")
    assert seats.owner_reviewer() == "anna"
    named.close()
    assert seats.owner_reviewer() == ""


def test_folders_and_journals_take_the_permissions_of_the_workspace(tmp_path: Path, owner: Workspace) -> None:
    owner.root.chmod(0o775)
    host = Host(owner)
    guest = seat(owner, host, "ben")
    assert guest.guest is not None
    assert (owner.root / "seats").stat().st_mode & 0o777 == 0o775
    assert guest.guest.folder.stat().st_mode & 0o777 == 0o775
    assert guest.guest.seat.journal.stat().st_mode & 0o777 == 0o664
    guest.guest.leave()
    host.close()
