"""Long work in processes of its own: a job is a folder and a detached process.

The folder ``jobs/NNNN-kind`` is the only thing that the worker and the rest of the program share::

    spec.json       what is to be done, written once                            (spec.JobSpec)
    work.parquet    the work list, one row group a shard; absent where a kind needs none
    events.jsonl    what happened, one JSON object a line, only ever appended   (events.JobEvent)
    part-00017.*    results of shard 17; ``part-00017.parquet`` comes last and makes the shard count as done
    outcome.json    how it ended; written last of all, removed when the job is resumed  (spec.Outcome)
    alive.lock      locked for as long as the worker lives, holds its process id
    cancel          somebody asked for the end
    pause           somebody asked for a pause
    priority        another priority than the submitted one, if it was changed
    stderr.log      everything that the worker printed

Nothing here opens the catalogue but ``ingest``: the worker writes whole Parquet files, and the process that owns the
catalogue takes each of them in exactly once.

A job has one process (``child``), or, where its kind is ``parallel`` and its device means several places (``devices``),
a leader and a process for each place (``crew`` and ``member``), or a leader and processes on a Ray cluster (``cluster``
and ``cluster_actor``). Whoever works, the unit is the shard: idempotent, pulled one at a time, done when its part is
there. The leader counts (``ledger``), hears the user, and writes the outcome.

A kind of job is a row of ``kinds.KINDS``. It consists of two functions, named by strings, so that nothing they import
is loaded by the screens.

``run(run: ShardRun) -> Mapping[str, JsonValue] | None``, called once in each process that works::

    def run(run: ShardRun) -> None:
        model = load_model(run.settings["model"], run.device)   # once; an EngineError here ends the job as failed
        for shard in run.shards():                              # only shards that have no part yet, in order
            rows = []
            for batch in shard.batches(run.settings["batch_size"]):  # pyarrow.Table, slices of the work list
                rows.append(score(model, batch))
                run.advance(batch.num_rows)                     # after every batch: progress, and a place to end
            shard.commit(pyarrow.concat_tables(rows))           # temp file, fsync, rename, fsync of the folder

- ``run.settings`` are the settings given to ``submit`` (JSON values), ``run.workspace_root`` the workspace's folder,
  ``run.device`` the device that torch is told (``cuda:0`` in a process that sees one GPU only; None for kinds without
  one), ``run.cores`` how many cores to use, ``run.total`` the rows of the whole work list.
- ``run.shards()`` gives the shards that this process shall do; others may do the rest at the same time.
- ``run.concludes`` tells whether what is to be done once, after all shards, is this process's to do. A kind that shares
  its shards and has such an end declares ``concludes``: its members return after their shards, and the leader calls the
  function once more, when all parts are there, without a shard.
- ``with run.timed("decode"):`` (and copy, encode, write) counts where the time goes; ``run.spend`` takes seconds.
  ``run.timed_each("decode", pictures)`` counts the time that each of them is waited for.
- ``run.need_space(bytes, what)`` refuses to start where the results would not fit on the disk; ``run.left`` counts the
  rows of the work list that are still to be done. What a row takes in any case is the kind's ``row_bytes``.
- Without a work list ``run.shards()`` gives one shard with an empty table, if its part is not there yet. A kind that
  writes no part need not ask for shards: it calls ``run.expect(total)`` once, then ``run.advance``.
- ``run.advance(rows, **detail)`` counts rows of the work list and raises ``JobCancelled`` when the user has
  cancelled (a BaseException: let it pass). ``run.check()`` only asks. Long loads should call it in between.
  ``detail`` are small JSON values shown beside the bar (``batch=64``, ``pictures=1234``); they stay until replaced.
- ``run.warn(message, subject=None)`` appends a warning (a halved batch, an unreadable picture) and goes on.
- ``shard.table`` is the shard's work, ``shard.number`` its number. ``shard.commit(table, metadata={})`` writes the
  part; ``metadata`` are strings kept in the Parquet file (``Part.metadata`` gives them back).
- Further files of a shard, such as ``.npy``, are written before ``commit``:
  ``shard.write_file(".npy", lambda stream: numpy.save(stream, array))``. ``Part.files`` gives them back with their
  SHA-256.
- Where the job was submitted with an ``output`` folder (relative to the workspace, ``embeddings/<model key>``), all
  files of a shard go there, as ``part-0003-00017.parquet`` with the job's number, so that several jobs can share it.
- A process on another machine may have a scratch workspace of its own with the job's specification and the files that
  the kind declares as ``needs``; everything that it writes below ``run.workspace_root`` is brought home.
- A shard may run twice (after kill -9): its files must depend on its input only.
- ``EngineError(message, hint)`` ends the job as failed with that message; any other exception is a bug and is recorded
  with its traceback. A full disk is recognised wherever it happens. What ``run`` returns is kept as ``outcome.result``.
- ``run`` never opens the catalogue. What it prints goes to ``stderr.log``.

``ingest(intake: Intake) -> None``, called in the process that owns the catalogue, inside a transaction::

    def ingest(intake: Intake) -> None:
        if intake.part is None:                 # the last call: the job has ended and all its parts are in
            refresh_counts(intake.cursor)
        else:
            append_scores(intake.cursor, str(intake.part.path))

- ``intake`` has ``workspace`` (Workspace), ``cursor`` (inside the transaction), ``job`` (JobFolder), ``spec``
  (JobSpec), ``part`` (Part or None) and ``outcome`` (Outcome in the last call, else None).
- It is called once for each part, in the order of their numbers, then once with ``part=None`` for the outcome, whatever
  the outcome's ``state`` is (finished, cancelled, failed: look at it). After a resume there are further parts, and the
  last call comes again for the new outcome: it must bear being called twice.
- All it does goes through ``intake.cursor``: the bookkeeping row commits with it, or neither does. It must not open a
  transaction, and an exception takes everything of that part back.
- Parts may arrive while the job still runs. A kind that needs them all together does its work in the last call and
  reads ``intake.job.parts()``.
"""
