"""Review: one candidate, its pictures, one key a decision."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget

from engine.errors import EngineError
from engine.review import decisions as review
from engine.review.decisions import DecisionKind, Step
from engine.review.stopping import Progress
from sood_tui.benches.desk import Desk, newest_word
from sood_tui.benches.folio import Folio, read_folio, seen_by
from sood_tui.benches.queue import QueueRead, filter_words, read_queue, read_standing
from sood_tui.benches.remarks import NOTHING, Remarks, with_words
from sood_tui.keys.review import REVIEW
from sood_tui.lines.stop import interval
from sood_tui.lines.synset import candidate_facts
from sood_tui.marks import MARKS, SAID, VERBS
from sood_tui.plain import plain, some
from sood_tui.screens.dialogs import AskDialog, ConfirmDialog
from sood_tui.screens.review_queue import ReviewQueue, word_of
from sood_tui.widgets.facts import Facts
from sood_tui.widgets.film_strip import FilmStrip
from sood_tui.widgets.frame import Frame
from sood_tui.widgets.sheet.contact_sheet import ContactSheet
from sood_tui.widgets.sheet.thumbnails import Recent
from store.review.queue import QueueItem

COUNT_AFTER = 2.0  # seconds of decisions that are counted together
AHEAD = (1, 2, -1)  # the candidates that are read while nobody waits, relative to the cursor


class ReviewScreen(ReviewQueue):
    """The queue of one superclass. A key means the candidate that was on the screen when it was pressed."""

    CSS_PATH = "review.tcss"
    ROOM = "review"
    KEYS = REVIEW
    BINDINGS: ClassVar[list[BindingType]] = list(REVIEW)

    def __init__(self) -> None:
        super().__init__()
        self._folios: Recent[tuple[str, int, int], Folio] = Recent(256)
        self._remarks: Mapping[str, Remarks] = {}
        self._drawn: Mapping[str, datetime] = {}
        self._page = 0
        self._kept: tuple[str, str, str] = ("", "", "")
        self._deciding = asyncio.Lock()
        self._progress: Progress | None = None
        self._counting = False
        self._decided = 0
        self._shown: tuple[QueueItem | None, float] = (None, 0.0)
        self._shown_before: QueueItem | None = None
        self._told: Folio | None = None
        self._seeks = False
        self._sought = ""

    def compose_body(self) -> Iterable[Widget]:
        """The sheet, the facts, and the film below them."""
        with Horizontal(classes="body"):
            with Frame(id="sheet_panel"):
                yield ContactSheet(self.sood.thumbnails, self.sood.graphics)
            with Frame(id="facts_panel"):
                yield Facts()
        yield FilmStrip()

    # ---- reading ----

    def reload(self) -> None:
        """Read the superclasses and the queue; the cursor stays on its candidate, or goes where it was sent."""
        place = self.sood.place
        read = partial(
            read_queue, self.workspace, place.superclass, place.order, place.filter, self.sood.blind_for,
            place.candidate, place.kept_at > 0,
        )  # fmt: skip
        self.in_thread("queue", read, self._take_queue)

    def _take_queue(self, read: QueueRead) -> None:
        if self._is_hidden(read):
            return
        place = self.sood.place
        self._superclasses = read.superclasses
        changed = place.superclass != read.superclass
        place.superclass = read.superclass
        # The one that is shown, unless another screen has pointed at another one.
        wanted = "" if changed else place.candidate
        self.desk.lay_out(read.items, "all", wanted)
        before = wanted if self.desk.place_of(wanted) is None else ""
        if place.kept_at:
            # The last session was cut off before it could keep its place.
            before = newest_word(read.whole, place.kept_at, self.sood.settings.reviewer) or before
        if before and not changed:
            self.desk.go_on_after(before, read.whole)
        place.kept_at = 0.0
        if (kept := (place.superclass, place.order, place.filter)) != self._kept:
            self._kept = kept
            self.sood.keep_place()
        self._decided += 1
        self._remarks, self._drawn = read.remarks, read.drawn
        self._folios = Recent(256)
        self._progress = None if changed or self.sood.is_blind else self._progress
        self._show()
        self._count_progress(0.0)

    def _count_progress(self, after: float = COUNT_AFTER) -> None:
        """Estimate anew how far the superclass is, once for many decisions in a row. Blind, nothing is told of it."""
        superclass = self.sood.place.superclass
        if not superclass or self.sood.is_blind:
            return
        if not after:
            self._begin_counting()
        elif not self._counting:
            self._counting = True
            self.set_timer(after, self._begin_counting)

    def _begin_counting(self) -> None:
        self._counting = False
        self.in_thread("progress", partial(self.sood.read_progress, self.sood.place.superclass), self._take_progress)

    def _take_progress(self, rows: tuple[Progress, ...]) -> None:
        before = self._progress
        self._progress = next((row for row in rows if row.superclass == self.sood.place.superclass), None)
        item = self.desk.current
        if item is not None and not self.sood.is_blind and self._progress != before:
            self._show_head(item)
            self._show_facts(item, self._folios.get((item.wnid, self._capacity, 0)))

    def others_decided(self, is_renewed: bool) -> None:
        """Take over what others decided; the queue, the cursor and the pictures stay as they are."""
        if is_renewed or not self.desk.items:
            self.reload()
        elif not self.sood.is_blind:
            self.run_worker(self._take_states(), group="states", exit_on_error=False)

    async def _take_states(self) -> None:
        decided = -1
        while decided != self._decided:  # read again where a decision came meanwhile: an old state covers no newer one
            decided = self._decided
            standing, words = await asyncio.to_thread(read_standing, self.workspace, self.sood.place.superclass)
        changed = self.desk.take_states(standing)
        self._remarks = with_words(self._remarks, words)
        current = self.desk.current
        if current is not None and current.wnid in changed:
            self._folios.forget((current.wnid, self._capacity, 0))
            self._show()
        if changed:
            self._count_progress()
        if current is not None and changed and current.wnid not in changed:
            self._show_facts(current, self._folios.get((current.wnid, self._capacity, 0)))
            self.query_one(FilmStrip).show(self.desk.items, self.desk.at, self.desk.marked)
            self._show_head(current)

    def action_undo(self) -> None:
        """Take back the last decision, and go there."""
        self._seeks = True
        super().action_undo()

    def action_redo(self) -> None:
        """Bring back the decision that was taken back last; what leaves the queue by it is gone on from."""
        self._seeks = False
        super().action_redo()

    def turned_back(self, step: Step) -> None:
        """Go to the candidate of the step that was taken back or brought back."""
        place, wnid = self.sood.place, step.wnids[0]
        if step.events or self.desk.place_of(wnid) is not None:
            place.superclass, place.candidate = (*step.superclasses, place.superclass)[0], wnid
            self._sought = wnid if self._seeks else ""
            self.desk = Desk()
        self.reload()

    def _is_hidden(self, read: QueueRead) -> bool:
        """Whether the filter hides what is gone to; if so, it is taken off."""
        sought, self._sought = self._sought, ""
        is_hidden = sought in {item.wnid for item in read.whole} - {item.wnid for item in read.items}
        if is_hidden:
            self.sood.say(f"It is not {filter_words(self.sood.place.filter)}: the queue holds every candidate again.")
            self.sood.place.filter = "all"
            self.reload()
        return is_hidden

    # ---- showing ----

    def _show(self) -> None:
        item = self.desk.current
        panel, facts_panel = self.query_one("#sheet_panel", Frame), self.query_one("#facts_panel", Frame)
        self.query_one(FilmStrip).show(self.desk.items, self.desk.at, self.desk.marked)
        if item is None:
            self._show_nothing(panel, facts_panel)
            return
        self._page = 0
        self.sood.place.candidate = item.wnid
        self._show_head(item)
        folio = self._folios.get((item.wnid, self._capacity, 0))
        self._show_folio(item, folio)
        if folio is None:
            self.in_thread("folio", partial(read_folio, self.workspace, item.wnid, self._capacity), self._take_folio)
        else:
            self._read_ahead()
        self.call_after_refresh(self._note_shown, item)

    def _show_nothing(self, panel: Frame, facts_panel: Frame) -> None:
        place, key = self.sood.place, self.sood.sign_of
        panel.title = place.superclass or "Review"
        panel.caption = facts_panel.caption = facts_panel.title = ""
        if not self._superclasses:
            note, more = "No superclass yet", self.sood.way_to_superclasses
        elif place.filter != "all":
            more = f"Press {key('review.filter')} to choose what the queue holds."
            note = f"No candidate is {filter_words(place.filter)}"
        else:
            more = (
                f"Nothing with pictures lies under this superclass. Press {key('review.superclass')} for another one."
            )
            note = "No candidate"
        self.query_one(ContactSheet).show((), note)
        self.query_one(Facts).show(Content(more))

    def _show_head(self, item: QueueItem) -> None:
        """What stands in the frames: where in the queue, which candidate, what is left."""
        panel, facts_panel = self.query_one("#sheet_panel", Frame), self.query_one("#facts_panel", Frame)
        place, row = f"{self.desk.at + 1} of {len(self.desk.items)}", self._progress
        if row is not None and row.precision is not None and self.has_class("-narrow") and not self.sood.is_blind:
            # The facts show it further down than a small screen reaches.
            panel.title = f"{item.superclass} · {place} · right {interval(row.precision)}"
        else:
            panel.title = f"{item.superclass} · candidate {place}"
        word = Content(word_of(item)).truncate(max(facts_panel.size.width - len(item.wnid) - 8, 8), ellipsis=True)
        facts_panel.title = f"{word.plain}  {item.wnid}"
        facts_panel.caption = self._standing()

    def _show_facts(self, item: QueueItem, folio: Folio | None) -> None:
        remarks = self._remarks.get(item.wnid, NOTHING)
        if folio is None and self._told is not None and self._told.synset.wnid == item.wnid:
            folio = self._told  # read again: what was known stays until it has come
        self._told = folio
        folio = seen_by(folio, self.sood.blind_for) if folio is not None else None
        told = partial(
            candidate_facts, item, folio, self.desk.tally, remarks=remarks, progress=self._progress,
            is_whole=self.sood.place.filter == "all",
        )  # fmt: skip
        self.query_one(Facts).show(told, (item.superclass, item.wnid))

    def _show_folio(self, item: QueueItem, folio: Folio | None) -> None:
        self._show_facts(item, folio)
        folio = seen_by(folio, self.sood.blind_for) if folio is not None else None
        shown = self._shown[0]
        if folio is None and shown is not None and shown.wnid == item.wnid:
            return  # read again: what is there stays until it has come
        marks = {image_id: f"× {mark}" for image_id, mark in folio.marks.items()} if folio else {}
        note = "" if folio is None else "No pictures"
        self.query_one(ContactSheet).show(folio.pictures if folio else (), note, marks)
        self.query_one("#sheet_panel", Frame).caption = self._caption(folio)

    def _caption(self, folio: Folio | None) -> str:
        if folio is None:
            return ""
        shown = min(len(folio.pictures), self._capacity)
        span = f"{folio.first + 1}–{folio.first + shown}" if folio.first else f"{shown}"
        below = " of all below" if folio.of_subtree else ""
        return f"seed {self.workspace.seed} · {span} of {folio.total:,}{below}"

    def _standing(self) -> str:
        place, words = self.sood.place, []
        superclass = next((row for row in self._superclasses if row.superclass == place.superclass), None)
        if superclass is not None and self.desk.marked:
            words.append(f"range of {len(self.desk.marked)}")
        words.append(f"{self.desk.left} left")
        words += ["goal ✓"] if self._progress is not None and self._progress.is_reached else []
        if place.filter != "all":
            words.append(f"only {filter_words(place.filter)}")
        words += ["blind"] if self.sood.is_blind else []
        words.append(place.order)
        return " · ".join(words)

    def _take_folio(self, folio: Folio) -> None:
        self._folios.put((folio.synset.wnid, self._capacity, folio.first // self._capacity), folio)
        item = self.desk.current
        if item is not None and item.wnid == folio.synset.wnid:
            self._show_folio(item, folio)
            self._read_ahead()

    def _read_ahead(self) -> None:
        """Read what comes next, so that it is there before its key is pressed."""
        around = [self.desk.at + step for step in AHEAD]
        wnids = [self.desk.items[place].wnid for place in around if 0 <= place < len(self.desk.items)]
        capacity, folios = self._capacity, self._folios
        wanted = [wnid for wnid in wnids if folios.get((wnid, capacity, 0)) is None]
        workspace = self.workspace

        def read() -> None:
            for wnid in wanted:
                folios.put((wnid, capacity, 0), read_folio(workspace, wnid, capacity))

        def warm(nothing: None) -> None:
            found = [folios.get((wnid, capacity, 0)) for wnid in wnids]
            self.query_one(ContactSheet).warm([folio.pictures for folio in found if folio is not None])

        self.in_thread("ahead", read, warm)

    @property
    def _capacity(self) -> int:
        return min(self.query_one(ContactSheet).capacity, self.sood.settings.integer("review.samples"))

    def _note_shown(self, item: QueueItem) -> None:
        shown = self._shown[0]
        if shown is None or (item.superclass, item.wnid) != (shown.superclass, shown.wnid):
            self._shown_before = shown
            self._shown = (item, time.monotonic())

    @on(ContactSheet.CapacityChanged)
    def fill_sheet(self) -> None:
        """Read as many pictures as now fit."""
        if self.desk.items:
            self._show()

    # ---- deciding ----

    def action_decide(self, kind: DecisionKind) -> None:
        """Record a decision on the candidate that was shown when the key was pressed, or on the range."""
        if len(self.desk.marked) > 1:
            self._decide_range(kind)
            return
        self.desk.anchor = None
        item = self._meant()
        if item is not None:
            self.run_worker(self._decide([item], kind, None), group="decisions", exit_on_error=False)

    def _meant(self) -> QueueItem | None:
        """The candidate that a key means.

        One that follows others closely means the candidate that those lead to. Any other means what was on the screen
        when it was pressed, even if that has meanwhile left the queue, as when somebody else decided on it.
        """
        item = self.desk.current
        if not self.sood.ahead.is_ahead:
            item = self._shown[0] if self.sood.key_at >= self._shown[1] else self._shown_before
        return item

    def _decide_range(self, kind: DecisionKind) -> None:
        items = [self.desk.items[place] for place in self.desk.marked]
        changed = sum(item.state not in ("pending", kind) for item in items)
        question = f"{VERBS[kind]} {some(len(items), 'candidate')} of {plain(items[0].superclass)}?"
        if changed:
            question += f"\n{some(changed, 'earlier decision')} among them would change."

        def answered(yes: bool | None) -> None:
            if yes:
                self.desk.anchor = None
                self.run_worker(self._decide(items, kind, None), group="decisions", exit_on_error=False)

        self.app.push_screen(ConfirmDialog("Range", question, f"{VERBS[kind].lower()} {len(items)}"), answered)

    async def _decide(self, items: Sequence[QueueItem], kind: DecisionKind, note: str | None) -> None:
        # One after the other: the next decision waits until this one is in the catalogue and on the screen.
        async with self._deciding:
            before, reviewer = self.desk.as_they_stand(items), self.sood.settings.reviewer
            superclass, wnids = before[0].superclass, [item.wnid for item in before]
            says = [item.state != kind or item.reviewer != reviewer or self._is_to_check(item) for item in before]
            if note is not None or any(says):
                step = await asyncio.to_thread(review.decide, self.workspace, superclass, wnids, kind, reviewer, note)
                self.desk.note_step(step)
                self._decided += 1
                for wnid in wnids:
                    self._folios.forget((wnid, self._capacity, 0))
                self.sood.read_counts()
                self._count_progress()
                if any(item.is_adjudicated for item in before):
                    rule = self.sood.sign_of("review.rule")
                    self.sood.say(f"A ruling stands here: your word is kept beside it. {rule} settles anew.")
                if len(before) == 1 and not self.desk.holds(before[0]):
                    said = SAID.get(kind) or MARKS[kind].word
                    self.sood.say(f"{word_of(before[0])} is {said}: it was on the screen for this key.")
            current = self.desk.current
            moves = kind != "clear" and note is None and current is not None and current.wnid in wnids
            if moves and any(item.state == "pending" for item in before):
                if not self.desk.next_open():
                    self.sood.say("Everything in this queue is decided.")
            elif moves:
                self.desk.go(max(self.desk.marked or (self.desk.at,)) + 1)
            self._show()

    def _is_to_check(self, item: QueueItem) -> bool:
        """Whether an audit drew it after it was decided: to say the same again is a second look, and counts."""
        drawn_at = self._drawn.get(item.wnid)
        return drawn_at is not None and item.at is not None and item.at <= drawn_at

    def action_note(self) -> None:
        """Write a note to the decision on this candidate."""
        item = self._present()
        state = item.state
        if state == "pending":
            accept, reject, unsure, previous, note = (
                self.sood.sign_of(f"review.{name}") for name in ("accept", "reject", "unsure", "previous", "note")
            )
            hint = f"Press {accept}, {reject} or {unsure} first, then {previous.split()[0]} and {note}."
            raise EngineError("A note belongs to a decision.", hint)

        def written(text: str | None) -> None:
            if text is not None:
                note = self._decide([item], state, text.strip())
                self.run_worker(note, group="decisions", exit_on_error=False)

        asked = f"Why {MARKS[item.state].word}?"
        self.app.push_screen(AskDialog(f"Note on {item.lemma}", asked, item.note or ""), written)

    def action_rule(self) -> None:
        """Settle what reviewers dispute by a ruling of one's own."""
        from sood_tui.screens.ruling import Ruling, ask_ruling

        reviewer = self.sood.settings.reviewer

        def rule(record: Ruling) -> None:
            self.in_thread("decisions", partial(record, self.workspace, reviewer), ruled)

        def ruled(step: Step) -> None:
            self.sood.say("The ruling stands until it is taken back.")
            self.sood.read_counts()
            self.reload()

        ask_ruling(self.app, self._present(), rule)

    def action_scroll_facts(self, lines: int) -> None:
        """Scroll the facts."""
        self.query_one(Facts).scroll_lines(lines)

    # ---- pictures ----

    def action_other_samples(self) -> None:
        """Show the next page of the sample."""
        item = self._present()
        self._page += 1
        read = partial(read_folio, self.workspace, item.wnid, self._capacity, self._page)
        self.in_thread("folio", read, self._take_folio)

    def action_large(self) -> None:
        """Show the first picture as large as it goes."""
        self._enlarge(0)

    @on(ContactSheet.Chosen)
    def enlarge_clicked(self, message: ContactSheet.Chosen) -> None:
        """Show the clicked picture as large as it goes."""
        self._enlarge(message.index)

    def _enlarge(self, index: int) -> None:
        from sood_tui.screens.picture import Page, PictureScreen

        pictures = self.query_one(ContactSheet).pictures
        if pictures:
            item = self._present()
            shown = self._told
            page = Page.of(shown, self._capacity) if shown is not None and shown.synset.wnid == item.wnid else None

            def closed(changed: bool | None) -> None:
                if changed:
                    self._folios.forget((item.wnid, self._capacity, 0))
                    self._show()

            word = word_of(item)
            self.app.push_screen(PictureScreen(pictures, index, word, item.superclass, item.wnid, page), closed)

    def action_why(self) -> None:
        """Tell the whole story of the candidate."""
        from sood_tui.screens.why import WhyScreen

        item = self._present()
        self.app.push_screen(WhyScreen(item.superclass, item.wnid, word_of(item)))

    async def action_open_browse(self) -> None:
        """Show this synset in the tree."""
        self.sood.place.synset = self._present().wnid
        await self.sood.action_go("browse")

    def _present(self) -> QueueItem:
        item = self.desk.current
        if item is None:
            superclass, chosen = self.sood.sign_of("review.superclass"), self.sood.sign_of("review.filter")
            raise EngineError(
                "There is no candidate here.",
                f"Press {superclass} for another superclass, {chosen} for another filter.",
            )
        return item
