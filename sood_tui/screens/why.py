"""Why: the whole story of a candidate or of a picture, beside the very pictures that a model saw."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget

from engine.errors import EngineError
from engine.filters.disagreement import name_of
from engine.review.placing import Placing
from engine.review.story import Story, own_story, story
from engine.splits.settings import SplitSettings
from engine.workspace import Workspace
from sood_tui.benches.folio import pictures_of
from sood_tui.benches.thresholds import split_defaults
from sood_tui.keys.why import WHY
from sood_tui.lines.story import Line, picture_lines, place_lines, story_lines
from sood_tui.plain import some
from sood_tui.widgets.facts import Facts
from sood_tui.widgets.frame import Frame
from sood_tui.widgets.key_footer import KeyFooter
from sood_tui.widgets.sheet.contact_sheet import ContactSheet
from sood_tui.widgets.sheet.thumbnails import Picture
from store.review.pictures import fetch_picture_scores
from store.splits.similarities import fetch_runs

if TYPE_CHECKING:
    from sood_tui.app import SoodApp

LEAST_BESIDE = 30  # columns of text beside its name, below which it goes on in the next line


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Pictures with what they are."""

    title: str
    pictures: tuple[Picture, ...]


class WhyScreen(ModalScreen[None]):
    """Closes with the key that opened it."""

    CSS_PATH = "why.tcss"
    BINDINGS: ClassVar[list[BindingType]] = list(WHY)

    def __init__(self, superclass: str, wnid: str, word: str, picture: Picture | None = None) -> None:
        """The story, not read yet.

        Args:
            superclass: under which the synset is a candidate.
            wnid: the synset.
            word: its lemma, for the title.
            picture: one of its pictures, whose own numbers are told first.
        """
        super().__init__()
        self._superclass, self._wnid, self._word, self._picture = superclass, wnid, word, picture
        self._sheets: Sequence[_Sheet] = ()
        self._at = 0
        self._first = 0
        self._told: list[Line] = []
        self._placed: list[Line] = []
        self._blind_for: str | None = None

    def compose(self) -> Iterable[Widget]:
        """The sheet on the left, the story on the right."""
        sood = cast("SoodApp", self.app)
        with Horizontal(classes="body"):
            with Frame(id="why_sheet"):
                yield ContactSheet(sood.thumbnails, sood.graphics)
            with Frame(id="why_story", title=f"Why · {self._word}  {self._wnid}"):
                yield Facts()
        yield KeyFooter(sood.bound(WHY), ())

    def on_mount(self) -> None:
        """Read: first the story, then the split, which takes longer."""
        sood = cast("SoodApp", self.app)
        workspace = sood.require_workspace()
        defaults = split_defaults(sood.settings, workspace.seed)
        self._blind_for = sood.blind_for
        self.run_worker(partial(self._read, workspace, defaults), thread=True, group="why", exit_on_error=False)

    def action_scroll(self, lines: int) -> None:
        """Scroll the story."""
        self.query_one(Facts).scroll_lines(lines)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is no next sheet where no filter saw a picture."""
        return action != "next_sheet" or bool(self._sheets)

    def action_next_sheet(self) -> None:
        """Show more of the pictures that the filter saw, then those of the next filter, around the end."""
        if self._sheets:
            self._first += self.query_one(ContactSheet).capacity
            if self._first >= len(self._sheets[self._at].pictures):
                self._at, self._first = (self._at + 1) % len(self._sheets), 0
            self._show_sheet()

    @on(ContactSheet.CapacityChanged)
    def fill_sheet(self) -> None:
        """Show as many pictures as now fit, from the first."""
        self._first = 0
        if self._sheets:
            self._show_sheet()

    def action_close(self) -> None:
        """Back to where it was opened."""
        self.dismiss()

    def _read(self, workspace: Workspace, defaults: SplitSettings) -> None:
        with workspace.opened().reading() as cursor:
            runs = fetch_runs(cursor)
            told = story(cursor, self._superclass, self._wnid, runs[-1].run_id if runs else None)
            if self._blind_for is not None:
                told = own_story(cursor, told, self._blind_for)
            seen = [
                _Sheet(f"{name_of(opinion.verdict)} saw", pictures_of(cursor, opinion.verdict.image_ids))
                for opinion in told.opinions
                if opinion.verdict.image_ids
            ]
        self.app.call_from_thread(self._show_story, told, seen)
        self.app.call_from_thread(self._show_place, self._place(workspace, told, defaults))

    def _place(self, workspace: Workspace, told: Story, defaults: SplitSettings) -> list[Line]:
        if self._blind_for is not None:
            return [("split", "hidden while you judge blind")]
        if told.candidate.state != "accept":
            return [*self._raw_score(workspace), ("split", "in no list: only accepted subclasses are")]
        try:
            placing = Placing.read(workspace, defaults=defaults)
            if self._picture is None:
                return place_lines(placing.subclass(self._superclass, self._wnid))
            place = placing.picture(self._superclass, self._wnid, self._picture.image_id)
        except EngineError as error:
            return [("split", f"in no list yet: {error}")]
        return [*picture_lines(place), *place_lines(place.subclass)]

    def _raw_score(self, workspace: Workspace) -> list[Line]:
        """What a run scored before anybody accepted the subclass: only then is there something to normalise by."""
        if self._picture is None:
            return []
        image_id = self._picture.image_id
        with workspace.opened().reading() as cursor:
            runs = fetch_runs(cursor)
            scored = [(runs[-1].run_id, self._superclass, self._wnid, [image_id])] if runs else []
            found = [fetch_picture_scores(cursor, *asked).get(image_id) for asked in scored]
        return [("score", f"{score:.4f} as a cosine") for score in found if score is not None]

    def _show_story(self, told: Story, seen: list[_Sheet]) -> None:
        if not self.is_mounted:
            return
        own = [_Sheet("this picture", (self._picture,))] if self._picture is not None else []
        self._sheets, self._told = [*own, *seen], story_lines(told)
        if not told.opinions:
            self._told.append(
                ("filters", "hidden while you judge blind" if self._blind_for else "none has looked at it")
            )
        self.query_one("#why_sheet").display = bool(self._sheets)
        self.query_one(KeyFooter).refresh()
        self._show_sheet()
        self._show_lines()

    def _show_place(self, lines: list[Line]) -> None:
        if self.is_mounted:
            self._placed = lines
            self._show_lines()

    def _show_sheet(self) -> None:
        if not self._sheets:
            return
        frame, sheet = self.query_one("#why_sheet", Frame), self.query_one(ContactSheet)
        asked, first = self._sheets[self._at], self._first
        shown, total = asked.pictures[first : first + sheet.capacity], len(asked.pictures)
        frame.title = asked.title
        span = f"{first + 1}–{first + len(shown)} of {total} pictures" if len(shown) < total else some(total, "picture")
        more = f" · sheet {self._at + 1} of {len(self._sheets)}" if len(self._sheets) > 1 else ""
        frame.caption = f"{span}{more}"
        sheet.show(shown, "These pictures have gone")

    def _show_lines(self) -> None:
        lines = [*self._placed, *self._told] if self._picture is not None else [*self._told, *self._placed]
        self.query_one(Facts).show(partial(_laid_out, lines), "the story")


def _laid_out(lines: Sequence[Line], width: int) -> Content:
    """Names beside their texts, or above them where the texts would have no room."""
    names = max((len(name) for name, _ in lines), default=0) + 2
    is_narrow = width - names < LEAST_BESIDE
    pieces = [_above(line, width) if is_narrow else _beside(line, names, width - names) for line in lines]
    return Content("\n").join(piece for group in pieces for piece in group)


def _beside(line: Line, names: int, room: int) -> list[Content]:
    """A name and its text, which goes on below itself."""
    name, text = line
    rows = Content(text).wrap(room) or [Content("")]
    return [
        Content.assemble(((name if place == 0 else "").ljust(names), "$foreground 60%"), row)
        for place, row in enumerate(rows)
    ]


def _above(line: Line, width: int) -> list[Content]:
    """A short text beside its name; any other below it, a little to the right."""
    name, text = line
    if name and len(name) + 2 + Content(text).cell_length <= width:
        return [Content.assemble((f"{name}  ", "$foreground 60%"), text)]
    rows = [Content.assemble("  ", row) for row in Content(text).wrap(max(width - 2, 1)) or [Content("")]]
    return [Content.styled(name, "$foreground 60%"), *rows] if name else rows
