"""Statements of the room review: what follows from the log."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from store.connection import Store, memory_store
from store.review import queue as review
from store.review.log import (
    Event,
    Kind,
    append_events,
    fetch_events,
    fetch_known_events,
    fetch_log,
    fetch_newest_event_id,
    fetch_redoable_step,
    fetch_undoable_step,
)
from tests.catalogues import add_superclasses, add_synsets, wnid_of

START = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def store() -> Iterator[Store]:
    opened = memory_store()
    add_synsets(opened, ["lion", "lynx"])
    add_superclasses(opened, {"cat": ["lion", "lynx"], "wildcat": ["lynx"]})
    yield opened
    opened.close()


def event(
    number: int, name: str, kind: Kind, target: int | None = None, superclass: str = "cat", by: str = "anna"
) -> Event:
    """Event number n of a step of its own; the numbers are the order in time."""
    wnid = "" if target else wnid_of(name)
    step = None if target is None else UUID(int=target * 2)
    at = START + timedelta(minutes=number)
    return Event(UUID(int=number * 2 + 1), UUID(int=number * 2), superclass, wnid, kind, step, by, at, None)


def append(store: Store, *events: Event) -> None:
    with store.writing() as cursor:
        append_events(cursor, events)


def test_events_come_back_as_they_were_given(store: Store) -> None:
    note = "a 'quote', a \"double\", \\ and\nа line"
    given = [event(2, "lynx", "reject"), event(1, "lion", "accept")]
    noted = Event(**{field: getattr(given[0], field) for field in Event.__slots__} | {"note": note})
    append(store, noted, given[1])
    with store.reading() as cursor:
        assert fetch_events(cursor) == [given[1], noted]
        assert fetch_known_events(cursor, [noted.event_id, UUID(int=99)]) == {noted.event_id: noted}
        assert fetch_newest_event_id(cursor) == noted.event_id


def test_the_order_of_events_is_their_ids_and_not_the_order_of_arrival(store: Store) -> None:
    append(store, event(2, "lion", "reject"))
    append(store, event(1, "lion", "accept"))
    with store.reading() as cursor:
        assert review.accepted(cursor) == []
        assert review.fetch_states_of(cursor, wnid_of("lion")) == {"cat": "reject"}


def test_an_undone_step_counts_again_after_a_redo(store: Store) -> None:
    append(store, event(1, "lion", "accept"), event(2, "", "undo", 1))
    with store.reading() as cursor:
        assert review.accepted(cursor) == []
        assert fetch_undoable_step(cursor) is None
        assert fetch_redoable_step(cursor) == UUID(int=2)
    append(store, event(3, "", "redo", 1))
    with store.reading() as cursor:
        assert review.accepted(cursor) == [("cat", wnid_of("lion"))]
        assert fetch_undoable_step(cursor) == UUID(int=2)
        assert fetch_redoable_step(cursor) is None


def test_the_log_of_a_superclass_holds_the_undos_of_its_steps(store: Store) -> None:
    append(store, event(1, "lion", "accept"), event(2, "lynx", "accept", superclass="wildcat"))
    undo = event(3, "", "undo", 1)
    append(store, Event(undo.event_id, undo.step_id, "", "", "undo", undo.target_step_id, "bob", undo.at, None))
    with store.reading() as cursor:
        entries = fetch_log(cursor, "cat")
        assert [(entry.kind, entry.undone) for entry in entries] == [("undo", False), ("accept", True)]
        assert [entry.name for entry in entries] == [None, "lion.n.01"]
        assert len(fetch_log(cursor)) == 3
        assert len(fetch_log(cursor, limit=1)) == 1


def test_opinions_are_of_each_reviewer(store: Store) -> None:
    append(store, event(1, "lion", "accept"), event(2, "lion", "reject", by="bob"), event(3, "lynx", "clear", by="bob"))
    with store.reading() as cursor:
        assert [(one.reviewer, one.kind) for one in review.fetch_opinions(cursor)] == [
            ("anna", "accept"),
            ("bob", "reject"),
        ]
        assert review.fetch_opinions(cursor, "wildcat") == []


def test_claims_are_those_of_several_superclasses(store: Store) -> None:
    append(
        store, event(1, "lion", "accept"), event(2, "lynx", "accept"), event(3, "lynx", "accept", superclass="wildcat")
    )
    with store.reading() as cursor:
        claims = review.fetch_claims(cursor)
        assert [(claim.lemma, claim.superclass) for claim in claims] == [("lynx", "cat"), ("lynx", "wildcat")]
        assert review.count_strangers(cursor, [("cat", wnid_of("lion")), ("wildcat", wnid_of("lion"))]) == 1
        assert review.fetch_candidates_among(cursor, "wildcat", [wnid_of("lion"), wnid_of("lynx")]) == {wnid_of("lynx")}
