"""WordNet as a tree: only what is unfolded exists, so that 82,115 synsets open at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from sood_tui.marks import MARKS, UNDER
from sood_tui.plain import count, plain
from sood_tui.widgets.painting import LinePainter
from store.wordnet.synsets import TreeNode

Path = tuple[str, ...]
"""The wnids from the root down to a line: a synset with two hypernyms stands in two lines."""

CONFLICT = "≠"
WIDE = 52


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the tree."""

    path: Path
    node: TreeNode
    unfolded: bool

    @property
    def depth(self) -> int:
        """Steps below the root."""
        return len(self.path) - 1


class SynsetTree(ScrollView, LinePainter, can_focus=False):
    """Shows the lines that are unfolded; asks by a message for what lies below a synset it has not seen yet."""

    PART_PREFIX = "synset-tree"
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "synset-tree--cursor", "synset-tree--arrow", "synset-tree--number", "synset-tree--instance",
        "synset-tree--accept", "synset-tree--reject", "synset-tree--unsure", "synset-tree--pending",
        "synset-tree--superclass", "synset-tree--bare", "synset-tree--all", "synset-tree--some", "synset-tree--none",
    }  # fmt: skip
    DEFAULT_CSS = """
    SynsetTree {
        width: 1fr; height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden;
        & .synset-tree--cursor { background: $primary-muted; text-style: bold; }
        & .synset-tree--arrow { color: $foreground 50%; }
        & .synset-tree--number { color: $foreground 60%; }
        & .synset-tree--instance { text-style: italic; }
        & .synset-tree--bare { color: $foreground 60%; }
        & .synset-tree--accept { color: $text-success; }
        & .synset-tree--reject { color: $text-error; }
        & .synset-tree--unsure { color: $text-warning; }
        & .synset-tree--pending { color: $foreground 70%; }
        & .synset-tree--superclass { color: $text-accent; text-style: bold; }
        & .synset-tree--all { color: $text-success; }
        & .synset-tree--some { color: $text-warning; }
        & .synset-tree--none { color: $foreground 60%; }
    }
    """

    class CursorMoved(Message):
        """The cursor stands on another line.

        Attributes:
            wnid: the synset there.
        """

        def __init__(self, wnid: str) -> None:
            self.wnid = wnid
            super().__init__()

    class BelowWanted(Message):
        """A synset is to be unfolded whose children are not known yet.

        Attributes:
            path: its line.
        """

        def __init__(self, path: Path) -> None:
            self.path = path
            super().__init__()

    def __init__(self) -> None:
        super().__init__()
        self.lines: tuple[Line, ...] = ()
        self.cursor = 0
        self.pictured = True
        self._roots: tuple[TreeNode, ...] = ()
        self._below: dict[str, Sequence[TreeNode]] = {}
        self._unfolded: set[Path] = set()
        self._marks: Mapping[str, str] = {}
        self._under: Mapping[str, str] = {}

    # ---- what is shown ----

    @property
    def line(self) -> Line | None:
        """The line under the cursor."""
        return self.lines[self.cursor] if self.lines else None

    @property
    def unfolded(self) -> set[Path]:
        """The lines that are unfolded."""
        return set(self._unfolded)

    def show(
        self, roots: Sequence[TreeNode], below: Mapping[str, Sequence[TreeNode]], unfolded: set[Path], cursor: Path = ()
    ) -> None:
        """Show a tree anew.

        Args:
            roots: the top lines.
            below: children of every synset that is unfolded, by wnid.
            unfolded: the lines to unfold.
            cursor: the line to stand on; else the cursor keeps its line.
        """
        kept = cursor or (self.line.path if self.line else ())
        self._roots, self._below, self._unfolded = tuple(roots), dict(below), set(unfolded)
        self._lay_out(kept)

    def mark(self, marks: Mapping[str, str], under: Mapping[str, str]) -> None:
        """Mark synsets.

        Args:
            marks: superclass, accept, reject, unsure, pending or conflict, by wnid.
            under: whether all, some or none of the candidates at and under a synset are accepted, by wnid.
        """
        self._marks, self._under = marks, under
        self.refresh()

    def set_pictured(self, pictured: bool) -> None:
        """Show only what has pictures in its subtree, or everything."""
        self.pictured = pictured
        self._lay_out(self.line.path if self.line else ())

    def add_below(self, below: Mapping[str, Sequence[TreeNode]], unfold: set[Path]) -> None:
        """Take children that were asked for, and unfold these lines."""
        self._below.update(below)
        self._unfolded |= unfold
        self._lay_out(self.line.path if self.line else ())

    def children_of(self, wnid: str) -> Sequence[TreeNode] | None:
        """The children that the tree would show below a synset; None when they are not known yet."""
        known = self._below.get(wnid)
        return None if known is None else [node for node in known if self._is_shown(node)]

    # ---- moving and folding ----

    def move(self, step: int) -> None:
        """Move the cursor by so many lines."""
        self.go(self.cursor + step)

    def go(self, place: int) -> None:
        """Put the cursor on a line, or on the nearest end."""
        place = max(0, min(place, len(self.lines) - 1))
        if place != self.cursor and self.lines:
            self.refresh_line(self.cursor)
            self.cursor = place
            self.refresh_line(place)
            self.scroll_to_region(Region(0, place, self.size.width, 1), animate=False, force=True)
            self.post_message(self.CursorMoved(self.lines[place].node.wnid))

    def refresh_line(self, y: int) -> None:
        """Paint one line anew."""
        self.refresh(Region(0, y - self.scroll_offset.y, self.size.width, 1))

    def toggle(self) -> None:
        """Unfold or fold the line under the cursor."""
        line = self.line
        if line is not None:
            if line.unfolded:
                self.fold()
            else:
                self.unfold()

    def unfold(self) -> None:
        """Unfold, or go to the first line below."""
        line = self.line
        if line is None or not line.node.children:
            return
        if line.unfolded:
            if self.children_of(line.node.wnid):
                self.move(1)
        elif line.node.wnid in self._below:
            self._unfolded.add(line.path)
            self._lay_out(line.path)
        else:
            self.post_message(self.BelowWanted(line.path))

    def fold(self) -> None:
        """Fold, or go up to the line above it in the hierarchy."""
        line = self.line
        if line is None:
            return
        if line.unfolded:
            self._unfolded = {path for path in self._unfolded if path[: len(line.path)] != line.path}
            self._lay_out(line.path)
        elif line.depth:
            above = line.path[:-1]
            self.go(next(place for place, other in enumerate(self.lines) if other.path == above))

    # ---- painting ----

    def render_line(self, y: int) -> Strip:
        """One line: arrow, mark, word, numbers."""
        place = y + self.scroll_offset.y
        base = self.part_style()
        if place >= len(self.lines):
            return Strip.blank(self.size.width, base)
        line = self.lines[place]
        if place == self.cursor:
            base += self.part_style("cursor", alone=True)
        return self._painted(line, base)

    def on_click(self, event: events.Click) -> None:
        """Go to the line under the mouse; its arrow, or a double click, folds it."""
        place = event.y + self.scroll_offset.y
        if place < len(self.lines):
            self.go(place)
            arrow = self._indent(self.lines[place])
            if event.chain == 2 or arrow <= event.x <= arrow + 1:
                self.toggle()

    def _painted(self, line: Line, base: Style) -> Strip:
        # The last column is the scrollbar's, whether there is one or not: numbers never lose a digit to it.
        width, node = self.size.width - 1, line.node
        arrow = " " if not self._has_below(line) else "▾" if line.unfolded else "▸"
        state = self._marks.get(node.wnid, "")
        sign = CONFLICT if state == "conflict" else MARKS[state].sign if state else " "
        numbers = self._numbers(node, self.size.width)
        head = f"{' ' * self._indent(line)}{arrow} "
        word = plain(node.lemma.replace("_", " "))
        room = max(0, width - cell_len(head) - (3 if self._under else 2) - cell_len(numbers) - 1)
        kind = state if state and state != "conflict" else "unsure" if state else ""
        word_style = base
        if kind:
            word_style += self.part_style(kind, alone=True)
        elif not node.subtree_images:
            word_style += self.part_style("bare", alone=True)
        if node.is_instance:
            word_style += self.part_style("instance", alone=True)
        return Strip(
            [
                Segment(head, base + self.part_style("arrow", alone=True)),
                *self._signs(sign, self._under.get(node.wnid, ""), word_style, base),
                Segment(_cut(word, room), word_style),
                Segment(" ", base),
                Segment(numbers, base + self.part_style("number", alone=True)),
            ]
        ).adjust_cell_length(self.size.width, base)

    def _signs(self, sign: str, under: str, word_style: Style, base: Style) -> list[Segment]:
        """The synset's own sign and, in a tree with candidates, the one of all that lies at and under it."""
        if not self._under:
            return [Segment(f"{sign} ", word_style)]
        below = Segment(UNDER[under].sign, base + self.part_style(under, alone=True)) if under else Segment(" ", base)
        return [Segment(sign, word_style), below, Segment(" ", base)]

    def _numbers(self, node: TreeNode, width: int) -> str:
        if not node.subtree_images:
            return " " * 8 + (f"{count(node.descendants + 1):>8}" if width >= WIDE and not self.pictured else "")
        synsets = node.subtree_synsets if self.pictured else node.descendants + 1
        return f"{count(node.subtree_images):>8}{f'{count(synsets):>8}' if width >= WIDE else ''}"

    def _indent(self, line: Line) -> int:
        return line.depth * (2 if self.size.width >= 70 else 1)

    def _has_below(self, line: Line) -> bool:
        if self.pictured:
            return line.node.subtree_synsets > (1 if line.node.images else 0)
        return line.node.children > 0

    def _is_shown(self, node: TreeNode) -> bool:
        return not self.pictured or node.subtree_images > 0

    def _lay_out(self, cursor: Path) -> None:
        lines: list[Line] = []
        waiting: list[tuple[Path, TreeNode]] = [((node.wnid,), node) for node in reversed(self._roots)]
        while waiting:
            path, node = waiting.pop()
            unfolded = path in self._unfolded
            lines.append(Line(path, node, unfolded))
            if unfolded:
                waiting += [((*path, child.wnid), child) for child in reversed(self.children_of(node.wnid) or ())]
        before = self.line.path if self.line else ()
        self.lines = tuple(lines)
        places = {line.path: place for place, line in enumerate(lines)}
        # A line that is gone leaves the cursor on the nearest one above it.
        while cursor and cursor not in places:
            cursor = cursor[:-1]
        self.cursor = places.get(cursor, 0)
        self.virtual_size = Size(self.size.width, len(lines))
        self.refresh()
        self.call_after_refresh(self._into_view)
        if self.line is not None and self.line.path != before:
            self.post_message(self.CursorMoved(self.line.node.wnid))

    def _into_view(self) -> None:
        self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False, force=True)


def _cut(word: str, room: int) -> str:
    return set_cell_size(word, room) if cell_len(word) <= room else f"{set_cell_size(word, max(room - 1, 0))}…"[:room]
