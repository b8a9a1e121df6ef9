"""Two runs beside each other: paired differences, and the pictures that changed sides."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from engine.evaluation.reports.comparing import ChangedPicture, Comparison
from sood_tui.benches.evaluation import picture_of
from sood_tui.plain import plain
from sood_tui.widgets.sheet.contact_sheet import ContactSheet

if TYPE_CHECKING:
    from sood_tui.app import SoodApp

METRICS = {
    "auroc": "AUROC",
    "fpr95_id_positive": "FPR95 ID-positive",
    "fpr95_ood_positive": "FPR95 OOD-positive",
    "aupr_in": "AUPR-in",
    "aupr_out": "AUPR-out",
}


class ComparisonScreen(ModalScreen[None]):
    """One OOD set at a time; tab turns to the next."""

    CSS_PATH = "comparison.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,c", "close", "close", id="comparison.close"),
        Binding("tab,n", "next", "next set", id="comparison.next"),
        Binding("enter", "large", "one large", id="comparison.large"),
    ]

    def __init__(self, found: Sequence[Comparison]) -> None:
        super().__init__()
        self._found, self._at = tuple(found), 0

    def compose(self) -> Iterable[Widget]:
        """The numbers on the left, the pictures on the right."""
        sood = cast("SoodApp", self.app)
        with Vertical(classes="dialog comparison") as box:
            more = "tab next set · " if len(self._found) > 1 else ""
            box.border_subtitle = f"{more}enter one large · esc closes"
            with Horizontal():
                yield Static("", classes="numbers", markup=False)
                yield ContactSheet(sood.thumbnails, sood.graphics)

    def on_mount(self) -> None:
        """Show the first set."""
        self._show()

    def _show(self) -> None:
        one = self._found[self._at]
        self.query_one(".comparison").border_title = Content(plain(f"{one.second} less {one.first} on {one.part}"))
        self.query_one(".numbers", Static).update(_numbers(one))
        pictures = [picture_of(changed.path, changed.image_id) for changed in one.changed if _is_file(changed)]
        self.query_one(ContactSheet).show(
            pictures, "no picture changed sides" if not one.changed else "no picture files"
        )

    def action_next(self) -> None:
        """Turn to the next OOD set."""
        self._at = (self._at + 1) % len(self._found)
        self._show()

    def action_large(self) -> None:
        """Show the picture that changed most as large as it goes."""
        self._enlarge(0)

    @on(ContactSheet.Chosen)
    def enlarge(self, message: ContactSheet.Chosen) -> None:
        """Show the clicked picture as large as it goes."""
        self._enlarge(message.index)

    def _enlarge(self, index: int) -> None:
        from sood_tui.screens.picture import PictureScreen

        pictures = self.query_one(ContactSheet).pictures
        if pictures:
            self.app.push_screen(PictureScreen(pictures, index, "changed sides"))

    def action_close(self) -> None:
        """Back to the table."""
        self.dismiss()


def _is_file(changed: ChangedPicture) -> bool:
    return not changed.path.startswith("row ")


def _numbers(one: Comparison) -> Content:
    lines = [Content.styled(f"{one.n_id:,} ID and {one.n_ood:,} OOD pictures that both have", "$foreground 60%")]
    for row in one.differences:
        is_sure = not row.low <= 0 <= row.high
        name = METRICS.get(row.metric, row.metric)
        text = f"{name:<19}{100 * row.difference:+7.2f} ({100 * row.low:+.2f} to {100 * row.high:+.2f})"
        lines.append(Content.styled(text + ("  *" if is_sure else ""), "bold" if is_sure else ""))
    lines += [
        Content.styled("* the 95 % interval of the paired bootstrap leaves zero out", "$foreground 60%"),
        Content(""),
        Content.styled(f"{one.changed_id:,} ID and {one.changed_ood:,} OOD pictures changed sides", "bold"),
    ]
    for changed in one.changed:
        name = changed.path.rpartition("/")[2]
        lines.append(Content(plain(f"{changed.part}: {name}  {changed.first:.4f} → {changed.second:.4f}")))
        lines.append(Content.styled(plain(f"  kept by {changed.kept_by} only"), "$foreground 60%"))
    return Content("\n").join(lines)
