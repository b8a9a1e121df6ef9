"""Duplicates: pictures that are there twice and synsets that two superclasses have, settled side by side."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from engine.review.duplicates import Duplicate
from sood_tui.benches.duplicates import ACROSS_WORDS, KEEP_WORDS, DuplicatesBench, Found, measure, read_found
from sood_tui.benches.folio import read_pictures
from sood_tui.benches.thresholds import split_defaults
from sood_tui.keys.duplicates import DUPLICATES
from sood_tui.plain import plain
from sood_tui.screens.dialogs import Choice, ChooseDialog
from sood_tui.screens.duplicate_decisions import DuplicateDecisions
from sood_tui.widgets.frame import Frame
from sood_tui.widgets.lines import Lines
from sood_tui.widgets.sheet.contact_sheet import ContactSheet

ALL = "all"


class DuplicatesScreen(DuplicateDecisions):
    """The list of pairs, or of replicas; what stays and what goes beside each other."""

    CSS_PATH = "duplicates.tcss"
    ROOM = "review"
    KEYS = DUPLICATES
    BINDINGS: ClassVar[list[BindingType]] = list(DUPLICATES)

    def compose_body(self) -> Iterable[Widget]:
        """The list above or to the left, the two pictures beside it."""
        with Container(classes="body"):
            with Frame(id="list_panel", title="Duplicates"):
                yield Static("", id="counts", classes="told", markup=False)
                yield Static("", id="rule", classes="told", markup=False)
                yield Static("", id="missing", classes="told", markup=False)
                yield Lines(id="lines")
            with Container(id="pair"):
                with Frame(id="stays_panel"):
                    yield ContactSheet(self.sood.thumbnails, self.sood.graphics, id="stays")
                with Frame(id="goes_panel"):
                    yield ContactSheet(self.sood.thumbnails, self.sood.graphics, id="goes")
                with Frame(id="claims_panel", title="who wants it"):
                    yield Static("", id="claims", classes="claims", markup=False)

    # ---- reading ----

    def reload(self) -> None:
        """Bring together again what is known; the rule stays, and the cursor on its pair."""
        if self.sood.is_blind:
            self._bench = None
            self._say_nothing("Hidden while you judge blind: what is here twice shows what others accepted.")
            return
        defaults = split_defaults(self.sood.settings, self.workspace.seed)
        before = self._bench.found.comparison if self._bench is not None else None
        read = partial(read_found, self.workspace, self._superclass, defaults, before)
        self.in_thread("queue", read, self._take)

    def _take(self, found: Found) -> None:
        before = self._bench
        pair = before.pair(self.query_one("#lines", Lines).cursor) if before and not self._shows_replicas else None
        sign = self.sood.sign_of
        bench = (
            DuplicatesBench(found, sign) if before is None else DuplicatesBench(found, sign, before.rule, before.spared)
        )
        self._bench = bench
        self.show_pairs(pair)

    # ---- showing ----

    def show_pairs(self, pair: Duplicate | None = None) -> None:
        """Show the list, and the line under the cursor."""
        bench = self._at()
        self.set_class(self._shows_replicas, "-replicas")
        views = [("pictures", len(bench.settled)), ("replicas", len(bench.replicas))]
        shown = "replicas" if self._shows_replicas else "pictures"
        panel = self.query_one("#list_panel", Frame)
        panel.title = f"Duplicates · {shown} · {plain(self._superclass or 'all superclasses')}"
        panel.caption = " · ".join(f"[{name} {number:,}]" if name == shown else f"{name} {number:,}"
                                   for name, number in views)  # fmt: skip
        told = bench.replicas_told() if self._shows_replicas else bench.told()
        for name, text in zip(("counts", "rule", "missing"), told, strict=True):
            self.query_one(f"#{name}", Static).update(Content(text))
        self.query_one("#missing").display = bool(told[2])
        self.query_one("#missing").set_class(told[2].startswith("!"), "-open")
        lines = self.query_one("#lines", Lines)
        if self._shows_replicas:
            lines.show([bench.replica_words(wnid) for wnid in bench.replicas])
        else:
            lines.show(bench.lines(), bench.place_of(pair))
        self._show_line()

    @on(Lines.CursorMoved, "#lines")
    def _show_line(self) -> None:
        bench = self._bench
        if bench is None:
            return
        if self._shows_replicas:
            self._show_replica(bench)
            return
        index = self.query_one("#lines", Lines).cursor
        pair = bench.pair(index)
        stays, goes = self.query_one("#stays", ContactSheet), self.query_one("#goes", ContactSheet)
        stays_panel, goes_panel = self.query_one("#stays_panel", Frame), self.query_one("#goes_panel", Frame)
        if pair is None:
            reads = f"Press {self.sood.sign_of('duplicates.read')} to read the pictures"
            note = reads if bench.missing().startswith("!") else "No picture is there twice"
            stays.show((), note)
            goes.show((), "")
            stays_panel.title = goes_panel.title = stays_panel.caption = goes_panel.caption = ""
            return
        one, other = bench.pictures(index)
        is_spared = (pair.stays, pair.goes) in bench.spared
        stays.show([one])
        goes.show([other])
        stays_panel.title = f"stays · {_size(pair.stays_pixels)} · {pair.stays_split or 'no list'}"
        goes_panel.title = (
            f"{'stays too' if is_spared else 'goes'} · {_size(pair.goes_pixels)} · {pair.goes_split or 'no list'}"
        )
        # A narrow frame would cut off the very end that tells two files apart.
        names = [name.rpartition("/")[2] if self.has_class("-narrow") else name
                 for name in (pair.stays_picture, pair.goes_picture)]  # fmt: skip
        stays_panel.caption, goes_panel.caption = names[0], f"{measure(pair)} · {names[1]}"

    def _show_replica(self, bench: DuplicatesBench) -> None:
        sheet, panel = self.query_one("#stays", ContactSheet), self.query_one("#stays_panel", Frame)
        wnid = self._replica()
        panel.caption = ""
        if wnid is None:
            panel.title = ""
            sheet.show((), "No synset is accepted under two superclasses")
            self.query_one("#claims", Static).update("")
            return
        panel.title = f"{bench.found.lemmas.get(wnid, wnid)}  {wnid}"
        lines = [Content.styled(text, style) for text, style in bench.claim_lines(wnid)]
        self.query_one("#claims", Static).update(Content("\n").join(lines))
        read = partial(read_pictures, self.workspace, wnid, sheet.capacity)
        self.in_thread("pictures", read, partial(sheet.show, note="no pictures"))

    def _say_nothing(self, note: str) -> None:
        for name in ("counts", "rule", "missing"):
            self.query_one(f"#{name}", Static).update("")
        self.query_one("#lines", Lines).show([])
        self.query_one("#goes", ContactSheet).show((), "")
        self.query_one("#stays", ContactSheet).show((), note)

    # ---- the rule ----

    def action_shift_cosine(self, steps: int) -> None:
        """Move the threshold of embeddings."""
        bench = self._at()
        pair = bench.pair(self.query_one("#lines", Lines).cursor)
        bench.shift_cosine(steps)
        self.show_pairs(pair)

    def action_shift_bits(self, steps: int) -> None:
        """Move the threshold of hashes."""
        bench = self._at()
        pair = bench.pair(self.query_one("#lines", Lines).cursor)
        bench.shift_bits(steps)
        self.show_pairs(pair)

    def action_keep(self) -> None:
        """Choose what stays."""
        bench = self._at()
        choices = [Choice(key, title, words) for key, (title, words) in KEEP_WORDS.items()]

        def chosen(key: str | None) -> None:
            for keep in KEEP_WORDS:
                if keep == key:
                    bench.change(replace(bench.rule, keep=keep))
                    self.show_pairs()

        self.app.push_screen(ChooseDialog("What stays", choices, bench.rule.keep, "w"), chosen)

    def action_filter(self) -> None:
        """Choose which pairs count."""
        bench = self._at()
        choices = [Choice(key, title, words) for key, (title, words) in ACROSS_WORDS.items()]

        def chosen(key: str | None) -> None:
            for across in ACROSS_WORDS:
                if across == key:
                    bench.change(replace(bench.rule, across=across))
                    self.show_pairs()

        self.app.push_screen(ChooseDialog("Which pairs", choices, bench.rule.across, "f"), chosen)

    def action_choose_superclass(self) -> None:
        """Choose whose pictures are compared."""
        names = self._at().found.superclasses
        choices = [Choice(ALL, "all superclasses"), *(Choice(f"/{name}", name) for name in names)]

        def chosen(key: str | None) -> None:
            if key is not None:
                self._superclass = None if key == ALL else key[1:]
                self.reload()

        current = f"/{self._superclass}" if self._superclass else ALL
        self.app.push_screen(ChooseDialog("Pictures of", choices, current, "c"), chosen)

    def action_next_view(self) -> None:
        """Pictures or replicas."""
        self._shows_replicas = not self._shows_replicas
        self.query_one("#lines", Lines).go(0)
        self.show_pairs()

    # ---- moving ----

    def action_move(self, step: int) -> None:
        """Move by lines."""
        self.query_one("#lines", Lines).move(step)

    def action_move_page(self, pages: int) -> None:
        """Move by pages."""
        self.query_one("#lines", Lines).move_page(pages)

    def action_move_to_end(self, end: int) -> None:
        """To the first or the last line."""
        lines = self.query_one("#lines", Lines)
        lines.go(0 if end < 0 else len(lines) - 1)

    @on(ContactSheet.CapacityChanged)
    def fill_sheet(self) -> None:
        """Read as many pictures of a replica as now fit."""
        if self._bench is not None and self._shows_replicas:
            self._show_replica(self._bench)

    def action_large(self) -> None:
        """Show what stays as large as it goes; arrows change to what goes."""
        self._enlarge("stays", 0)

    @on(ContactSheet.Chosen)
    def enlarge_clicked(self, message: ContactSheet.Chosen) -> None:
        """Show the clicked picture as large as it goes."""
        self._enlarge(message.sheet.id or "stays", message.index)

    def _enlarge(self, name: str, index: int) -> None:
        from sood_tui.screens.picture import PictureScreen

        def closed(changed: bool | None) -> None:
            if changed:
                self.reload()

        bench = self._at()
        if self._shows_replicas:
            pictures, wnid = self.query_one("#stays", ContactSheet).pictures, self._replica() or ""
            named = [wnid]
        else:
            pair = self._pair()
            pictures, wnid = bench.pictures(self.query_one("#lines", Lines).cursor), pair.goes_wnid
            index, named = 1 if name == "goes" else 0, list(dict.fromkeys((pair.stays_wnid, wnid)))
        if pictures:
            title = " and ".join(bench.found.lemmas.get(one, one) for one in named)
            self.app.push_screen(PictureScreen(pictures, index, title, "", wnid), closed)


def _size(pixels: int | None) -> str:
    return f"{pixels:,} pixels" if pixels is not None else "not read"
