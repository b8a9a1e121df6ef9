"""What the Splits screen asks beside moving thresholds: bands, remedies, places, other splits, views of the whole."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from engine.errors import EngineError
from engine.splits.change import copy_split, list_splits
from engine.splits.compare import compare_cuts, places_of
from engine.splits.prepare import prepare
from engine.splits.sensitivity import sensitivity
from engine.splits.settings import OUT, Change, SplitSettings, check_percentiles
from engine.splits.show import offers_of, superclass_cuts, total_cut
from engine.workspace import Workspace
from sood_tui.benches.thresholds import ThresholdBench
from sood_tui.lines.splits import View, comparison_view, sensitivity_view, superclass_view
from sood_tui.screens.dialogs import AskDialog, Choice, ChooseDialog
from sood_tui.screens.room import RoomScreen
from sood_tui.screens.view import ViewScreen

if TYPE_CHECKING:
    from engine.splits.show import SubclassCut

WIDE = 100  # columns of the terminal from which counts have room beside shares
BY_THE_RULE, NEW = "by the rule", "+"
REMEDIES = {
    "keep": "leave the list empty",
    "greedy": "fill lists from the least typical on",
    "unweighted": "percentiles of subclasses",
}


class SplitActions(RoomScreen):
    """The part of the Splits screen that asks and shows; what it needs of the screen is named below."""

    def _at(self) -> ThresholdBench:
        raise NotImplementedError

    def _change(self, changes: Sequence[Change]) -> None:
        raise NotImplementedError

    def _go(self, name: str | None) -> None:
        raise NotImplementedError

    def _write_down(self) -> None:
        raise NotImplementedError

    def _under_cursor(self) -> "SubclassCut | None":
        raise NotImplementedError

    @property
    def _defaults(self) -> SplitSettings:
        raise NotImplementedError

    @property
    def split(self) -> str:
        """The split that is looked at."""
        return self.sood.place.split

    # ---- bands, remedies and places ----

    def action_bands(self) -> None:
        """Ask for any number of percentiles."""
        bench = self._at()

        def typed(text: str | None) -> None:
            if text is not None:
                self._change([Change("percentiles", _percentiles_in(text))])

        now = ", ".join(f"{value:g}" for value in bench.prepared.settings.percentiles)
        asked = "Percentiles, lowest first: 20, 40 are Hard and Easy; more make more bands."
        self.app.push_screen(AskDialog("Bands", asked, now, _problem_with), typed)

    def action_remedy(self) -> None:
        """Choose what happens where a list of this superclass would be empty."""
        bench = self._at()
        offers = {offer.remedy: offer.pictures for offer in offers_of(bench.prepared, bench.tuned, bench.index)}
        names = "/".join(bench.tuned.bands)
        choices = [
            Choice(name, name, f"{'/'.join(f'{number:,}' for number in offers[name])} in {names}: {told}")
            for name, told in REMEDIES.items()
        ]

        def chosen(name: str | None) -> None:
            if name is not None:
                self._change([Change("remedy", name, bench.superclass)])

        now = bench.prepared.settings.remedy_of(bench.superclass)
        self.app.push_screen(ChooseDialog(f"Where a list of {bench.superclass} is empty", choices, now, "m"), chosen)

    def action_put(self) -> None:
        """Put the subclass under the cursor into a list whatever its mean, or out of the split."""
        bench, row = self._at(), self._under_cursor()
        if row is None:
            raise EngineError("No subclass is under the cursor.")
        placed = dict(bench.prepared.settings.superclass_placed.get(bench.superclass, {}))
        choices = [Choice(name, name, "whatever its mean") for name in reversed(bench.tuned.bands)]
        choices += [
            Choice(OUT, "out of the split", "it takes no part"),
            Choice(BY_THE_RULE, BY_THE_RULE, "where its mean puts it"),
        ]

        def chosen(name: str | None) -> None:
            if name is None:
                return
            placed.pop(row.wnid, None)
            if name != BY_THE_RULE:
                placed[row.wnid] = name
            self._change([Change("placed", placed or None, bench.superclass)])

        title = f"Where to put {row.lemma.replace('_', ' ')}"
        self.app.push_screen(ChooseDialog(title, choices, placed.get(row.wnid, BY_THE_RULE), "a"), chosen)

    # ---- other superclasses, other splits ----

    def action_choose_superclass(self) -> None:
        """Choose the superclass."""
        bench = self._at()
        own = bench.prepared.settings.superclass_percentiles
        choices = [Choice(name, name, "own thresholds" if name in own else "") for name in bench.prepared.superclasses]
        self.app.push_screen(ChooseDialog("Superclass", choices, bench.superclass, "c"), self._go)

    def action_choose_split(self) -> None:
        """Look at another named split, or make one from this."""
        self._at()
        self._write_down()
        self.in_thread_to_open("splits", partial(list_splits, self.workspace), self._ask_split)

    def _ask_split(self, names: Sequence[str]) -> None:
        choices = [Choice(name, name) for name in names]
        choices.append(Choice(NEW, "a new one", f"with the settings of {self.split}"))

        def chosen(name: str | None) -> None:
            if name == NEW:
                self.app.push_screen(AskDialog("New split", "Its name:", ""), named)
            elif name is not None and name != self.split:
                self._look_at(name)

        def named(name: str | None) -> None:
            if name:
                make = partial(
                    copy_split, self.workspace, self.split, name, self.sood.settings.reviewer, self._defaults
                )
                self.in_thread("changes", make, lambda _: self._look_at(name))

        self.app.push_screen(ChooseDialog("Split", choices, self.split, "w"), chosen)

    def _look_at(self, name: str) -> None:
        self.sood.place.split = name
        self.reload()

    def action_compare(self) -> None:
        """Show this split beside another one."""
        self._at()
        self._write_down()
        self.in_thread_to_open("splits", partial(list_splits, self.workspace), self._ask_other)

    def _ask_other(self, names: Sequence[str]) -> None:
        others = [name for name in names if name != self.split]
        if not others:
            self.sood.say("There is only one split; w makes another one from it.")
            return

        def chosen(name: str | None) -> None:
            if name is not None:
                read = partial(_compared, self.workspace, self.split, name, self._defaults)
                self.in_thread_to_open("view", read, self._show_view)

        choices = [Choice(name, name) for name in others]
        self.app.push_screen(ChooseDialog(f"Compare {self.split} with", choices, others[0], "x"), chosen)

    # ---- views and exports ----

    def action_superclasses(self) -> None:
        """Show every superclass with its shares."""
        bench = self._at()
        cuts, whole = superclass_cuts(bench.prepared, bench.tuned), total_cut(bench.prepared, bench.tuned)
        self._show_view(superclass_view(cuts, whole, self.size.width >= WIDE))

    def action_sensitivity(self) -> None:
        """Show what the cut owes to percentiles, prompts, models and chance."""
        self._at()
        self._write_down()
        self.sood.say("Cutting again and again …")
        self.in_thread_to_open(
            "view", partial(_moved_about, self.workspace, self.split, self._defaults), self._show_view
        )

    def action_export(self) -> None:
        """Write the lists and the manifest."""
        from sood_tui.screens.exporting import ask_export

        self._at()
        self._write_down()
        ask_export(self, self._defaults, self.split)

    def _show_view(self, view: View) -> None:
        self.app.push_screen(ViewScreen(view), self._go)


def _compared(workspace: Workspace, before: str, after: str, defaults: SplitSettings) -> View:
    one, other = (prepare(workspace, name, defaults) for name in (before, after))
    return comparison_view(compare_cuts(before, after, places_of(one, one.retune()), places_of(other, other.retune())))


def _moved_about(workspace: Workspace, split: str, defaults: SplitSettings) -> View:
    return sensitivity_view(sensitivity(workspace, split, defaults))


def _percentiles_in(text: str) -> tuple[float, ...]:
    try:
        return check_percentiles([float(part) for part in text.replace(",", " ").split()])
    except ValueError as error:
        raise EngineError("Percentiles are numbers, as in 10, 20, 40, 60.") from error


def _problem_with(text: str) -> str:
    try:
        _percentiles_in(text)
    except EngineError as error:
        return f"{error.message} {error.hint}"
    return ""
