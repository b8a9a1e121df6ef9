"""Labels: proposed labels with one key each, numbers by k, classes, and how crowded the bands of a split are."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual import events, on
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from engine.errors import EngineError
from engine.labels import deciding
from engine.labels.deciding import LabelDecision, LabelStep
from sood_tui.benches.labels import (
    VIEWS,
    LabelLine,
    LabelsChoice,
    LabelsView,
    claim_words,
    read_claims,
    read_pictures,
    read_view,
)
from sood_tui.keys.labels import LABELS
from sood_tui.plain import plain
from sood_tui.screens.dialogs import Choice, ChooseDialog
from sood_tui.screens.room import RoomScreen
from sood_tui.widgets.lines import Lines
from sood_tui.widgets.sheet.contact_sheet import ContactSheet
from sood_tui.widgets.sheet.thumbnails import Picture
from store.labels.claims import LabelClaim

LEAVE = "none"


class LabelsScreen(RoomScreen):
    """Lines on the left; the pictures behind the line, and in the queue the labels to judge, on the right."""

    CSS_PATH = "labels.tcss"
    ROOM = "evaluation"
    KEYS = LABELS
    BINDINGS: ClassVar[list[BindingType]] = list(LABELS)

    def __init__(self) -> None:
        super().__init__()
        self._choice = LabelsChoice()
        self._view: LabelsView | None = None
        self._claims: tuple[LabelClaim, ...] = ()
        self._image = 0
        self._wanted = 0
        self._deciding = asyncio.Lock()
        self._asked: tuple[int, str] | None = None

    def compose_body(self) -> Iterable[Widget]:
        """The panels."""
        with Horizontal(classes="body"):
            with Vertical(id="left"):
                with Vertical(id="lines_panel", classes="panel"):
                    yield Static("", id="head", markup=False)
                    yield Lines(id="lines")
                with Vertical(id="told_panel", classes="panel") as panel:
                    panel.border_title = "what it says"
                    yield Static("", id="told", markup=False)
            with Vertical(id="right"):
                with Vertical(id="sheet_panel", classes="panel"):
                    yield ContactSheet(self.sood.thumbnails, self.sood.graphics, id="sheet")
                with Vertical(id="claims_panel", classes="panel") as panel:
                    panel.border_title = "labels"
                    yield Lines(id="claims")

    # ---- reading ----

    def reload(self) -> None:
        """Read the view again."""
        self.in_thread("view", partial(read_view, self.workspace, self._choice), self._take)

    def _take(self, view: LabelsView) -> None:
        self._view = view
        panel = self.query_one("#lines_panel")
        panel.border_title = Content(plain(view.title))
        panel.border_subtitle = Content(" · ".join(f"[{name}]" if name == view.view else name for name in VIEWS))
        self.query_one("#head", Static).update(Content(view.head))
        self.query_one("#told", Static).update(Content("\n".join(plain(line) for line in view.told)))
        self.set_class(view.view != "queue", "-numbers")
        self.query_one("#lines", Lines).show([line.words for line in view.lines])
        self._show_line()

    @on(Lines.CursorMoved, "#lines")
    def _show_line(self) -> None:
        line = self._line()
        image_ids = line.image_ids if line else ()
        self.query_one("#sheet_panel").border_title = Content(
            f"picture {image_ids[0]}" if self._choice.view == "queue" and image_ids else f"{len(image_ids):,} pictures"
        )
        if not image_ids:
            self._claims, self._image = (), 0
            self.query_one("#sheet", ContactSheet).show((), "no pictures")
            self.query_one("#claims", Lines).show([])
            return
        if image_ids[0] != self._image:
            self._claims = ()  # a key that comes before the labels are read must not mean those of another picture
        self.in_thread("pictures", partial(read_pictures, self.workspace, image_ids), self._show_pictures)
        if self._choice.view == "queue":
            image_id = self._wanted = image_ids[0]
            read = partial(read_claims, self.workspace, image_id)
            self.in_thread("claims", read, partial(self._show_claims, image_id))

    def _show_pictures(self, pictures: tuple[Picture, ...]) -> None:
        self.query_one("#sheet", ContactSheet).show(pictures, "no pictures")

    def _show_claims(self, image_id: int, claims: tuple[LabelClaim, ...]) -> None:
        self._claims, self._image = claims, image_id
        waiting = next((place for place, claim in enumerate(claims) if claim.state == "pending"), 0)
        self.query_one("#claims", Lines).show([claim_words(claim) for claim in claims], waiting)

    # ---- deciding ----

    def holds_back(self, key: events.Key | None) -> bool:
        """Keys wait for the labels of the picture under the cursor, too."""
        line = self._line() if self._is_entered and self._choice.view == "queue" else None
        is_behind = line is not None and bool(line.image_ids) and line.image_ids[0] != self._wanted
        return is_behind or super().holds_back(key)

    def action_decide(self, kind: LabelDecision) -> None:
        """Confirm or reject the label under the cursor of the picture that is shown."""
        claim = self._claim()
        if self._asked != (claim.image_id, claim.wnid):  # a second press before the first is on disk means the same
            self._asked = (claim.image_id, claim.wnid)
            decision = self._decide(claim.image_id, [(claim.wnid, kind)])
            self.run_worker(decision, group="label decisions", exit_on_error=False)

    def action_decide_all(self, kind: LabelDecision) -> None:
        """Confirm or reject all labels of the picture that nobody judged, as one step."""
        waiting = [claim.wnid for claim in self._claims if claim.state == "pending"]
        if not waiting:
            raise EngineError("Every label of this picture is judged.", "n goes to the next picture, u takes back.")
        choices: list[tuple[str, LabelDecision]] = [(wnid, kind) for wnid in waiting]
        self.run_worker(self._decide(self._image, choices), group="label decisions", exit_on_error=False)

    async def _decide(self, image_id: int, choices: list[tuple[str, LabelDecision]]) -> None:
        # One after the other: the screen moves on when a decision is in the catalogue.
        async with self._deciding:
            reviewer = self.sood.settings.reviewer
            try:
                await asyncio.to_thread(deciding.decide_each, self.workspace, image_id, choices, reviewer)
            finally:
                self._asked = None
            claims = await asyncio.to_thread(read_claims, self.workspace, image_id)
            if self._image == image_id:
                self._show_claims(image_id, claims)
                if all(claim.state != "pending" for claim in claims):
                    self.query_one("#lines", Lines).move(1)

    def action_undo(self) -> None:
        """Take back the last decision on a label."""
        self._turn("undo")

    def action_redo(self) -> None:
        """Bring back the decision that was taken back last."""
        self._turn("redo")

    def _turn(self, direction: str) -> None:
        act = deciding.undo if direction == "undo" else deciding.redo

        def told(step: LabelStep) -> None:
            what = f"{step.events[0].kind} of {len(step.events)} on picture {step.image_id}"
            self.sood.say(f"{'Taken back' if direction == 'undo' else 'Brought back'}: {what}")
            self.reload()

        self.in_thread("turn", partial(act, self.workspace, self.sood.settings.reviewer), told)

    # ---- moving and choosing ----

    def action_move(self, step: int) -> None:
        """Move among the labels of a picture in the queue, else among the lines."""
        self._moved().move(step)

    def action_move_page(self, pages: int) -> None:
        """Move by pages."""
        self._moved().move_page(pages)

    def action_move_to_end(self, end: int) -> None:
        """To the first or the last line."""
        lines = self._moved()
        lines.go(0 if end < 0 else len(lines) - 1)

    def action_next_picture(self, step: int) -> None:
        """The next line: in the queue, the next picture."""
        self.query_one("#lines", Lines).move(step)

    def action_next_view(self) -> None:
        """Queue, numbers, classes, bands."""
        place = (VIEWS.index(self._choice.view) + 1) % len(VIEWS)
        self._choose(replace(self._choice, view=VIEWS[place]))

    def action_choose(self, what: str) -> None:
        """Choose the source, the predictions, or the set to compare with."""
        if self._view is None:
            return
        names = self._view.predictions if what == "predictions" else self._view.sources
        if what == "other":
            names = (*names, LEAVE)
        if not names:
            raise EngineError("There are no predictions.", "`sood-tui evaluation predict` takes them in.")

        def chosen(name: str | None) -> None:
            if name is not None:
                self._choose(replace(self._choice, **{what: "" if name == LEAVE else name}))

        titles = {"source": "Labels of", "predictions": "Predictions", "other": "Drop to"}
        choices = [Choice(name, name) for name in names]
        self.app.push_screen(ChooseDialog(titles[what], choices, getattr(self._choice, what)), chosen)

    def action_large(self) -> None:
        """Show the first picture as large as it goes."""
        self._enlarge(0)

    @on(ContactSheet.Chosen)
    def enlarge_clicked(self, message: ContactSheet.Chosen) -> None:
        """Show the clicked picture as large as it goes."""
        self._enlarge(message.index)

    def _enlarge(self, index: int) -> None:
        from sood_tui.screens.picture import PictureScreen

        pictures = self.query_one("#sheet", ContactSheet).pictures
        if pictures:
            self.app.push_screen(PictureScreen(pictures, index, self._view.title if self._view else ""))

    def _choose(self, choice: LabelsChoice) -> None:
        self._choice = choice
        self.query_one("#lines", Lines).go(0)
        self.reload()

    def _moved(self) -> Lines:
        return self.query_one("#claims" if self._choice.view == "queue" else "#lines", Lines)

    def _line(self) -> LabelLine | None:
        lines = self._view.lines if self._view else ()
        cursor = self.query_one("#lines", Lines).cursor
        return lines[cursor] if 0 <= cursor < len(lines) else None

    def _claim(self) -> LabelClaim:
        if not self._claims or self._choice.view != "queue":
            raise EngineError("There is no label to judge here.", "tab goes to the queue of proposed labels.")
        return self._claims[min(self.query_one("#claims", Lines).cursor, len(self._claims) - 1)]
