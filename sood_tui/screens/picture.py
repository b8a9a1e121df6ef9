"""One picture, as large as the terminal shows it."""

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal, cast

from rich.cells import cell_len
from textual import events
from textual.binding import BindingType
from textual.screen import ModalScreen
from textual.widget import Widget

from engine.errors import EngineError
from engine.review.pictures import toggle
from engine.review.steps import Step, redo, undo
from engine.workspace import Workspace
from sood_tui.benches.folio import Folio, read_folio
from sood_tui.keys.picture import PICTURE
from sood_tui.marks import SAID
from sood_tui.plain import size
from sood_tui.screens.room import step_words
from sood_tui.widgets.frame import Frame
from sood_tui.widgets.key_footer import KeyFooter
from sood_tui.widgets.sheet.contact_sheet import ContactSheet
from sood_tui.widgets.sheet.painting import path_tail
from sood_tui.widgets.sheet.thumbnails import Picture
from store.connection import Cursor
from store.evaluation.sets import fetch_lemmas
from store.review.pictures import fetch_images_by_id, fetch_markers, fetch_marks_of, fetch_picture_scores
from store.review.queue import fetch_states_of
from store.splits.similarities import fetch_runs

if TYPE_CHECKING:
    from sood_tui.app import SoodApp

EDGES = 6  # columns of a frame that no caption has


@dataclass(frozen=True, slots=True)
class _Place:
    """Whose picture it is: its own synset, that one's word, and a superclass that has it; empty where none does."""

    superclass: str
    wnid: str
    word: str


@dataclass(frozen=True, slots=True)
class _Known:
    """Marks, scores and places of the pictures, by image_id."""

    marks: Mapping[int, str]
    scores: Mapping[int, float]
    places: Mapping[int, _Place]


@dataclass(frozen=True, slots=True)
class Page:
    """Which pictures of a synset a sheet holds: beyond them the arrows go on to the next ones.

    Attributes:
        number: of the page, from 0.
        size: pictures on a page.
        first: how many pictures come before it.
        total: pictures on all pages.
    """

    number: int
    size: int
    first: int
    total: int

    @classmethod
    def of(cls, folio: Folio, size: int) -> "Page":
        """The page that a folio has."""
        return cls(folio.first // max(size, 1), size, folio.first, folio.total)


class PictureScreen(ModalScreen[bool]):
    """A sheet of one tile, with where the file lies, how large it is, and what was said of it.

    It closes with whether a mark was set or taken back meanwhile.
    """

    CSS_PATH = "picture.tcss"
    BINDINGS: ClassVar[list[BindingType]] = list(PICTURE)

    def __init__(
        self,
        pictures: Sequence[Picture],
        index: int,
        title: str,
        superclass: str = "",
        wnid: str = "",
        page: Page | None = None,
    ) -> None:
        """The pictures of a sheet, one at a time.

        Args:
            pictures: first to last.
            index: the one to begin with.
            title: what they show.
            superclass: under which the synset is a candidate; empty where it is none.
            wnid: the synset of the pictures; empty for pictures that the catalogue does not have, which take no marks.
            page: where they stand among all of the synset; None where they are all.
        """
        super().__init__()
        self._superclass, self._wnid = superclass, wnid
        self._known = _Known({}, {}, {})
        self._changed = False
        self._recording = asyncio.Lock()
        self._said: dict[int, str] = {}
        self._pictures = tuple(pictures)
        self._index = index
        self._title = title
        self._page = page if page is not None and page.total > len(self._pictures) else None
        self._is_turning = False

    def compose(self) -> Iterable[Widget]:
        """The tile and the keys."""
        sood = cast("SoodApp", self.app)
        with Frame():
            yield ContactSheet(sood.thumbnails, sood.graphics)
        yield KeyFooter(sood.bound(PICTURE), ())

    def on_mount(self) -> None:
        """Show the picture that was chosen, and read what was said of all."""
        self._show()
        if self._wnid:
            self._read_known()

    def action_move(self, step: int) -> None:
        """Show the next picture, around the end of all."""
        index = self._index + step
        if self._page is not None and not 0 <= index < len(self._pictures):
            self._is_turning = True
            read = partial(self._read_page, self._page.number + step, self._page.size, step)
            self.run_worker(read, thread=True, group="pages")
            return
        self._index = index % len(self._pictures)
        self._show()

    def holds_back(self, key: events.Key | None) -> bool:
        """Keys mean the picture that the last one asked for: they wait until it is there."""
        return self._is_turning and (key is None or key.key not in ("escape", "q"))

    def _read_page(self, number: int, size: int, step: int) -> None:
        workspace = cast("SoodApp", self.app).require_workspace()
        try:
            folio = read_folio(workspace, self._wnid, size, number)
            self.app.call_from_thread(self._take_page, folio, size, step)
        finally:
            self._is_turning = False

    def _take_page(self, folio: Folio, size: int, step: int) -> None:
        if self.is_mounted and folio.pictures:
            self._pictures, self._page = folio.pictures, Page.of(folio, size)
            self._index = 0 if step > 0 else len(self._pictures) - 1
            self._show()
            self._read_known()

    def action_close(self) -> None:
        """Back to the sheet."""
        self.dismiss(self._changed)

    def action_mark(self, kind: Literal["bad", "several"]) -> None:
        """Mark the picture, or take the mark off."""
        if not self._wnid:
            raise EngineError("This picture is not one of the catalogue's.", "Marks are for pictures of synsets.")
        picture, sood = self._pictures[self._index], cast("SoodApp", self.app)
        workspace, reviewer = sood.require_workspace(), sood.settings.reviewer
        self._record(lambda: toggle(workspace, picture.image_id, kind, reviewer))

    def action_undo(self) -> None:
        """Take back the last decision."""
        self._turn_back(undo)

    def action_redo(self) -> None:
        """Bring back the decision that was taken back last."""
        self._turn_back(redo)

    def action_why(self) -> None:
        """Tell why the picture stands where it stands."""
        from sood_tui.screens.why import WhyScreen

        picture = self._pictures[self._index]
        place = self._known.places.get(picture.image_id, _Place(self._superclass, self._wnid, self._title))
        if not place.superclass:
            raise EngineError(
                "No superclass has this synset as a candidate.", cast("SoodApp", self.app).way_to_superclasses
            )
        self.app.push_screen(WhyScreen(place.superclass, place.wnid, place.word, picture))

    def _turn_back(self, act: Callable[[Workspace, str, str], Step]) -> None:
        sood = cast("SoodApp", self.app)
        workspace, reviewer = sood.require_workspace(), sood.settings.reviewer
        self._record(lambda: act(workspace, reviewer, reviewer))

    def _record(self, act: Callable[[], Step]) -> None:
        def work() -> None:
            try:
                step = act()
            except EngineError as error:
                self.app.call_from_thread(cast("SoodApp", self.app).report, error)
                return
            self._changed = True
            self.app.call_from_thread(cast("SoodApp", self.app).say, step_words(step))
            self._know()

        # One after the other, in the order of the keys: two quick presses of a key are two toggles.
        self.run_worker(self._after_the_last(work), group="decisions", exit_on_error=True)

    async def _after_the_last(self, work: Callable[[], None]) -> None:
        async with self._recording:
            await asyncio.to_thread(work)

    def _read_known(self) -> None:
        self.run_worker(self._know, thread=True, group="known")

    def _know(self) -> None:
        sood = cast("SoodApp", self.app)
        image_ids = [picture.image_id for picture in self._pictures]
        with sood.require_workspace().opened().reading() as cursor:
            places = self._places(cursor, image_ids)
            runs, scores = fetch_runs(cursor), dict[int, float]()
            for place in {place for place in places.values() if place.superclass} if runs else ():
                scores |= fetch_picture_scores(cursor, runs[-1].run_id, place.superclass, place.wnid, image_ids)
            marks = fetch_marks_of(cursor, image_ids)
            if (blind_for := sood.blind_for) is not None:
                markers = fetch_markers(cursor, image_ids)
                marks = {image_id: mark for image_id, mark in marks.items() if markers[image_id] == blind_for}
            known = _Known(marks, scores, places)
        self.app.call_from_thread(self._take_known, known)

    def _places(self, cursor: Cursor, image_ids: Sequence[int]) -> dict[int, _Place]:
        """Whose the pictures are: those of a subtree, or of a pair, belong to several synsets."""
        own = {image.image_id: image.wnid for image in fetch_images_by_id(cursor, image_ids)}
        lemmas, places = fetch_lemmas(cursor, sorted(set(own.values()))), dict[str, _Place]()
        for wnid in set(own.values()):
            states = fetch_states_of(cursor, wnid)
            accepted = next((name for name, state in states.items() if state == "accept"), "")
            superclass = self._superclass if self._superclass in states else accepted or next(iter(states), "")
            places[wnid] = _Place(superclass, wnid, lemmas.get(wnid, [wnid])[0].replace("_", " "))
        return {image_id: places[wnid] for image_id, wnid in own.items()}

    def _take_known(self, known: "_Known") -> None:
        self._known = known
        if self.is_mounted:
            self._label()

    def _label(self) -> None:
        picture, frame = self._pictures[self._index], self.query_one(Frame)
        mark, score = self._known.marks.get(picture.image_id), self._known.scores.get(picture.image_id)
        marked = f" · × {SAID[mark]}" if mark else ""
        places = self._known.places
        is_own = {place.wnid for place in places.values()} <= {self._wnid} or picture.image_id not in places
        title = self._title if is_own else f"{self._title} › {places[picture.image_id].word}"
        first, total = (self._page.first, self._page.total) if self._page is not None else (0, len(self._pictures))
        frame.title = f"{title} · picture {first + self._index + 1:,} of {total:,}{marked}"
        is_shown = score is not None and not cast("SoodApp", self.app).is_blind
        told = [f"score {score:.4f}"] if is_shown else []
        told += [self._said[picture.image_id]] if picture.image_id in self._said else []
        used = sum(cell_len(words) + len(" · ") for words in told)
        frame.caption = " · ".join([*told, path_tail(picture.path, frame.size.width - EDGES - used)])

    def on_resize(self) -> None:
        """As much of the path as now fits."""
        self.call_after_refresh(self._label)

    def _show(self) -> None:
        picture = self._pictures[self._index]
        self._label()
        self.query_one(ContactSheet).show([picture])
        self.run_worker(lambda: self._measure(picture), thread=True, exclusive=True, group="measurers")

    def _measure(self, picture: Picture) -> None:
        from sood_tui.benches.labels import label_line

        sood = cast("SoodApp", self.app)
        labels = label_line(sood.require_workspace(), picture.image_id) if sood.has_workspace else ""
        told = " · ".join(filter(None, (describe_file(picture), labels)))
        self.app.call_from_thread(self._tell, picture, told)

    def _tell(self, picture: Picture, told: str) -> None:
        self._said[picture.image_id] = told
        if self.is_mounted and picture == self._pictures[self._index]:
            self._label()


def describe_file(picture: Picture) -> str:
    """The picture's sides in pixels, its format and its size on disk, or that it cannot be read."""
    from PIL import Image

    try:
        with Image.open(picture.path) as image:
            return f"{image.width}×{image.height} {image.format} · {size(os.stat(picture.path).st_size)}"
    except Exception:  # decoders raise whatever the bytes lead them to; the tile tells the reason
        return "cannot be read"
