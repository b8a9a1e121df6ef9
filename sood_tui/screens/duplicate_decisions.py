"""Deciding on duplicates: leaving pictures out, settling replicas, and the jobs that read what is missing."""

from functools import partial

from engine.errors import EngineError
from engine.jobs.folder import JobFolder
from engine.jobs.runner import ACTIVE, cancel, find_job
from engine.likeness.job import NEIGHBOURS, PRINTS
from engine.review.comparing import Begun, begin
from engine.review.decisions import Step, assign, settle
from engine.review.duplicates import Duplicate, leave_out
from sood_tui.benches.duplicates import KEEP_WORDS, DuplicatesBench
from sood_tui.plain import some
from sood_tui.screens.dialogs import Choice, ChooseDialog, ConfirmDialog
from sood_tui.screens.room import RoomScreen, step_words
from sood_tui.widgets.lines import Lines
from store.splits.similarities import fetch_runs


class DuplicateDecisions(RoomScreen):
    """What the keys of the screen Duplicates decide; the screen itself shows it."""

    def __init__(self) -> None:
        super().__init__()
        self._bench: DuplicatesBench | None = None
        self._superclass: str | None = None
        self._shows_replicas = False
        self._begun_here: tuple[JobFolder, ...] = ()

    def show_pairs(self, pair: Duplicate | None = None) -> None:
        """Show everything anew, with the cursor on a pair if it is still there."""
        raise NotImplementedError

    def action_apply(self) -> None:
        """Settle all by the rule, as one step; asks first, with the count."""
        if self._shows_replicas:
            self._apply_replicas()
            return
        bench = self._at()
        pairs, keep = bench.leaving(), bench.rule.keep
        if not pairs:
            raise EngineError("No picture goes by this rule.", f"{self._more_pairs}.")
        question = f"Leave out {some(len(pairs), 'picture')} and keep {KEEP_WORDS[keep][0]}?"
        across = sum(pair.is_across_splits for pair in pairs)
        question += f"\n{across:,} of them have their double in another list." if across else ""
        question += f"\nThey count as bad, with the reason. One {self._sign('undo')} takes it all back."

        def answered(yes: bool | None) -> None:
            if yes:
                self._leave_out(pairs)

        self.app.push_screen(ConfirmDialog("Duplicates", question, f"leave out {len(pairs):,}"), answered)

    def _apply_replicas(self) -> None:
        bench = self._at()
        keep, workspace, reviewer = bench.rule.keep, self.workspace, self.sood.settings.reviewer
        settled = sum(bench.keeper(wnid) is not None for wnid in bench.replicas)
        if not settled:
            raise EngineError(
                "The rule settles no replica.",
                f"{self._sign('keep')} chooses another rule, {self._sign('leave_this')} settles this one.",
            )
        question = f"Settle {some(settled, 'synset')} by the rule {keep}? One {self._sign('undo')} takes it back."

        def act() -> Step | None:
            with workspace.opened().reading() as cursor:
                runs = fetch_runs(cursor)
            return settle(workspace, keep, reviewer, runs[-1].run_id if runs else None)

        def answered(yes: bool | None) -> None:
            if yes:
                self.in_thread("decisions", act, self._decided)

        self.app.push_screen(ConfirmDialog("Replicas", question, f"settle {settled}"), answered)

    def action_leave_this(self) -> None:
        """Leave out the picture on the right of this line; of a replica, choose who keeps it."""
        if self._shows_replicas:
            self._choose_keeper()
        else:
            self._leave_out([self._pair()])

    def action_leave_other(self) -> None:
        """Leave out the one that the rule would keep, and keep the other."""
        if self._shows_replicas:
            self._choose_keeper()
            return
        pair = self._pair()
        self._leave_out([pair.turned()])

    def _leave_out(self, pairs: list[Duplicate]) -> None:
        keep, reviewer = self._at().rule.keep, self.sood.settings.reviewer
        self.in_thread("decisions", partial(leave_out, self.workspace, pairs, keep, reviewer), self._decided)

    def _choose_keeper(self) -> None:
        bench, wnid = self._at(), self._replica()
        if wnid is None:
            raise EngineError("There is no replica here.", f"{self._sign('view')} goes back to the pictures.")
        choices = [Choice(claim.superclass, claim.superclass) for claim in bench.found.claims[wnid]]
        workspace, reviewer = self.workspace, self.sood.settings.reviewer

        def chosen(name: str | None) -> None:
            if name is not None:
                self.in_thread("decisions", partial(assign, workspace, wnid, name, reviewer), self._decided)

        lemma = bench.found.lemmas.get(wnid, wnid)
        self.app.push_screen(ChooseDialog(f"Who keeps {lemma}", choices, bench.keeper(wnid) or "", "x"), chosen)

    def _decided(self, step: Step | None) -> None:
        self.sood.say(step_words(step) if step is not None else "Nothing was left to decide: others were faster.")
        self.sood.read_counts()
        self.reload()

    def action_spare(self) -> None:
        """Keep both pictures of this line, or let the rule have it again."""
        bench, pair = self._at(), self._pair()
        bench.spared ^= {(pair.stays, pair.goes)}
        self.show_pairs(pair)

    # ---- reading pictures ----

    def action_read(self) -> None:
        """Start reading and comparing what is missing; while it runs, ask whether to stop it."""
        root = self.workspace.root
        running = {job.job_id for job in self.sood.jobs if job.kind in (PRINTS, NEIGHBOURS) and job.state in ACTIVE}
        # The app looks at the jobs twice a second only: a second r may come before it has seen those of the first.
        running |= {job.id for job in self._begun_here if job.state() in ACTIVE}

        def end() -> None:
            for job_id in sorted(running):
                cancel(find_job(root, job_id))

        def stop(yes: bool | None) -> None:
            if yes:
                self.in_thread("stop", end)

        if running:
            question = f"Stop reading? What was read is kept, and {self._sign('read')} goes on from there."
            self.app.push_screen(ConfirmDialog("Reading pictures", question, "stop"), stop)
            return
        act = partial(begin, self.workspace, self._superclass, self.sood.settings.reviewer)
        self.in_thread("decisions", act, self._begun)

    def _begun(self, begun: Begun) -> None:
        self._begun_here = begun.jobs
        if begun.jobs:
            stops = f"{self._sign('read')} stops it"
            self.sood.say(f"Pictures are read and compared by a job; what it finds comes up here. {stops}.")
        else:
            self.sood.say("Every picture is read, and every embedding compared.")

    # ---- what the cursor stands on ----

    def _sign(self, action: str) -> str:
        return self.sood.sign_of(f"duplicates.{action}")

    @property
    def _more_pairs(self) -> str:
        return f"{self._sign('cosine_down')} and {self._sign('bits_up')} let more pairs count"

    def _at(self) -> DuplicatesBench:
        if self._bench is None:
            raise EngineError(
                "There is nothing to compare here.",
                f"{self.sood.sign_of('review.blind')} on Review ends judging blind.",
            )
        return self._bench

    def _pair(self) -> Duplicate:
        pair = None if self._shows_replicas else self._at().pair(self.query_one("#lines", Lines).cursor)
        if pair is None:
            raise EngineError(
                "There is no pair of pictures here.", f"{self._more_pairs}; {self._sign('read')} reads pictures."
            )
        return pair

    def _replica(self) -> str | None:
        wnids, cursor = self._at().replicas, self.query_one("#lines", Lines).cursor
        return wnids[cursor] if 0 <= cursor < len(wnids) else None
