"""The executor ``ray``: the shards of a job on the machines of a Ray cluster.

Ray starts the processes and restarts those that die. A shard whose process died, or is stuck on a machine that does not
answer, is given to another one; Ray's own retries would be used up while a machine goes down. Since a shard leaves the
same files however often it runs, each counts once.
"""

import os
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow.parquet as parquet

from engine.errors import first_line
from engine.jobs.assignment import MOST_DEATHS, Assignment
from engine.jobs.cluster_actor import Done, News, ShardActor, Task
from engine.jobs.cluster_connection import connected
from engine.jobs.failures import Failure, MemberFailed
from engine.jobs.hiring import Hiring, hiring_for
from engine.jobs.ledger import Member
from engine.jobs.shards import JobCancelled, JobPaused
from engine.jobs.spec import JsonValue
from engine.jobs.storage import Storage, files_below

TICK = 0.3
LEAVING = 10.0
SILENCE = "SOOD_RAY_SILENCE"
"""Seconds after which a process that does not answer is taken to be gone; by default 30."""


@dataclass(slots=True)
class _Hand:
    """A process on the cluster, as the leader sees it.

    Attributes:
        actor: Ray's handle.
        member: its number in the ledger.
        asked: the future of its next news.
        heard: when it last answered; None before the first time.
        resting: whether it has to be heard before it gets a shard: at first, and after a death.
        life: changes when it was restarted.
        shard: in its hands.
    """

    actor: Any
    member: int
    asked: Any
    heard: float | None = None
    resting: bool = True
    life: str = ""
    shard: int | None = None


@dataclass(slots=True)
class Cluster:
    """One start of a job on a cluster."""

    work: Assignment
    _hands: list[_Hand] = field(default_factory=list)
    _futures: list[Any] = field(default_factory=list)
    _open: set[int] = field(default_factory=set)
    _done: set[int] = field(default_factory=set)
    _deaths: Counter[int] = field(default_factory=Counter)
    _pool: Any = None
    _table: Any = None
    _storage: Storage | None = None
    _begun: float = 0.0
    _said_waiting: bool = False

    def run(self) -> Mapping[str, JsonValue]:
        """Get all shards done.

        Returns: what the kind's function returned, over all processes.

        Raises:
            EngineError: no cluster, or one without what the job needs.
            MemberFailed: a process failed.
            JobCancelled, JobPaused: the user wished it.
        """
        import ray

        folder, spec = self.work.folder, self.work.spec
        self._table = parquet.ParquetFile(folder.work_file) if folder.work_file.exists() else None
        with connected(spec.address):
            hiring = hiring_for(spec.device, ray.nodes())  # type: ignore[no-untyped-call]
            self._prepare_storage()
            self._hire(hiring)
            try:
                self._work_through()
                results = self._finish()
            finally:
                for hand in self._hands:
                    ray.kill(hand.actor)
        if self._storage is not None:
            self._storage.remove()
        return self.work.merged(results)

    def _prepare_storage(self) -> None:
        spec, root = self.work.spec, self.work.folder.workspace_root
        if spec.storage is None:
            return
        self._storage = Storage(spec.storage, spec.id)
        self._storage.put(root, files_below(root, self.work.kind.needed(spec.settings)))

    def _hire(self, hiring: Hiring) -> None:
        import ray
        from ray.util import ActorPool

        spec, root = self.work.spec, self.work.folder.workspace_root
        needed = tuple(files_below(root, self.work.kind.needed(spec.settings))) if self._storage is not None else ()
        task = Task(spec, str(root), self._storage, needed, hiring.device, hiring.cores)
        remote = ray.remote(ShardActor).options(
            num_cpus=hiring.num_cpus,
            num_gpus=hiring.num_gpus,
            max_restarts=-1,
            max_concurrency=4,
            runtime_env={"env_vars": {"OMP_NUM_THREADS": str(hiring.cores), "OMP_WAIT_POLICY": "PASSIVE"}},
        )
        for number in range(min(hiring.processes, max(1, len(self.work.todo)))):
            actor = remote.remote(task, f"{hiring.device.partition(':')[0]}-{number}")
            self.work.ledger.members.append(Member(f"ray:{number}"))
            self._hands.append(_Hand(actor, number, actor.news.remote()))  # type: ignore[attr-defined]
        self._pool = ActorPool([])
        self._begun = time.monotonic()

    def _work_through(self) -> None:
        """Hand shards to whoever is free, as ``ActorPool.map_unordered`` does, but hear the user in between."""
        while self.work.todo or self._open - self._done:
            if self.work.cancellation.requested:
                self._stop()
                raise JobCancelled
            if self.work.pausing() and self._may_pause():
                raise JobPaused
            self._hear()
            self._hand_out()
            self._collect()
            self.work.ledger.report(at_once=False)

    def _hand_out(self) -> None:
        if self.work.pausing():
            return
        while self.work.todo and self._pool.has_free():
            self._submit(self.work.todo.pop(0))
        # What is stuck with a process that does not answer is done by somebody else as well.
        for hand in self._hands:
            stuck = hand.shard is not None and hand.shard not in self._done and self._is_silent(hand)
            if stuck and self._pool.has_free() and hand.shard is not None:
                self._mark_silent(hand)
                number, hand.shard = hand.shard, None
                self._submit(number)

    def _submit(self, number: int) -> None:
        def send(actor: Any, value: int) -> Any:
            self._hand_of(actor).shard = value
            future = actor.do.remote(value, self._rows(value))
            self._futures = [*self._futures[-2 * len(self._hands) :], future]
            return future

        self._open.add(number)
        self._pool.submit(send, number)

    def _hand_of(self, actor: Any) -> _Hand:
        return next(hand for hand in self._hands if hand.actor is actor)

    def _rows(self, number: int) -> Any:
        import pyarrow

        return pyarrow.table({}) if self._table is None else self._table.read_row_group(number)

    def _collect(self) -> None:
        """Take one finished shard in, or wait a moment."""
        import ray

        if not self._pool.has_next():
            time.sleep(TICK)
            return
        try:
            answer = self._pool.get_next_unordered(timeout=TICK)
        except TimeoutError:
            return
        except ray.exceptions.RayError as error:
            self._lost(error)
            return
        if isinstance(answer, Failure):
            if self.work.cancellation.requested:
                return
            raise MemberFailed(answer)
        self._take_in(answer)

    def _take_in(self, done: Done) -> None:
        hand = next((one for one in self._hands if one.shard == done.number), None)
        member = hand.member if hand is not None else 0
        if hand is not None:
            hand.shard = None
        if done.number in self._done:  # another one was faster
            self.work.ledger.take_back(member)
            return
        self._done.add(done.number)
        if self._storage is not None:
            self._storage.get(self.work.folder.workspace_root, done.files)
        self.work.ledger.part(member, done.part, done.rows)

    def _lost(self, error: Exception) -> None:
        """A process died, or its machine did: it rests until it is heard again, and its shard is done again."""
        hand = self._hand_of(self._pool.pop_idle())  # the pool has put it back last
        hand.resting = True
        number, hand.shard = hand.shard, None
        self.work.ledger.take_back(hand.member)
        if number is None or number in self._done:
            return
        self._deaths[number] += 1
        name, first = self.work.ledger.members[hand.member].name, first_line(error)
        if self._deaths[number] < MOST_DEATHS:
            self.work.ledger.warn(f"The process {name} died at shard {number}, which is done again: {first}", name)
            self.work.todo.insert(0, number)
            return
        hint = f"`sood-tui jobs log {self.work.folder.id}` and Ray's logs say more; finished parts are kept."
        message = f"Shard {number} ended its process {MOST_DEATHS} times: {first}"
        raise MemberFailed(Failure("ProcessDied", message, hint)) from error

    def _hear(self) -> None:
        """Ask every process for news, and take note of those that answer."""
        import ray

        for hand in self._hands:
            ready, _ = ray.wait([hand.asked], timeout=0)
            if not ready:
                continue
            try:
                news: News = ray.get(hand.asked)
            except ray.exceptions.RayError:
                hand.asked = hand.actor.news.remote()
                continue
            hand.asked = hand.actor.news.remote()
            self._note(hand, news)
        if not self._said_waiting and time.monotonic() - self._begun > 60 and not any(h.heard for h in self._hands):
            self._said_waiting = True
            self.work.ledger.warn(
                "No process has started yet: the cluster has no room. `ray status` shows who uses it."
            )

    def _note(self, hand: _Hand, news: News) -> None:
        ledger = self.work.ledger
        member = ledger.members[hand.member]
        if hand.resting:
            hand.resting = False
            self._pool.push(hand.actor)
        elif hand.life != news.life:
            ledger.take_back(hand.member)
        hand.heard, hand.life, member.name = time.monotonic(), news.life, news.place
        if member.state == "silent":
            member.state = "working"
        if news.units or news.spent:
            ledger.advance(hand.member, news.units, news.detail, news.spent)
        for message, subject in news.warnings:
            ledger.warn(message, subject)

    def _is_silent(self, hand: _Hand) -> bool:
        patience = float(os.environ.get(SILENCE, "30"))
        return hand.heard is not None and time.monotonic() - hand.heard > patience

    def _mark_silent(self, hand: _Hand) -> None:
        member = self.work.ledger.members[hand.member]
        self.work.ledger.take_back(hand.member)
        member.state = "silent"
        self.work.ledger.warn(
            f"{member.name} does not answer; another process does its shard {hand.shard}.", member.name
        )

    def _may_pause(self) -> bool:
        """Whether nobody has a shard in hand that is worth waiting for."""
        return all(hand.shard is None or self._is_silent(hand) for hand in self._hands)

    def _stop(self) -> None:
        """Let the processes end their batch."""
        import ray

        for hand in self._hands:
            hand.actor.stop.remote()
        if self._futures:
            ray.wait(self._futures, num_returns=len(self._futures), timeout=LEAVING / 2)

    def _finish(self) -> list[Mapping[str, JsonValue]]:
        """What the processes that still answer return."""
        import ray

        futures = {hand.actor.finish.remote(): hand for hand in self._hands if hand.heard and not self._is_silent(hand)}
        ready, _ = ray.wait(list(futures), num_returns=len(futures), timeout=LEAVING) if futures else ([], [])
        results = []
        for future in ready:
            try:
                results.append(ray.get(future))
            except ray.exceptions.RayError:
                continue
            self.work.ledger.members[futures[future].member].state = "ended"
        if self.work.ledger.total is not None:
            self.work.ledger.done = self.work.ledger.total  # a shard that two have done was counted twice
        return results
