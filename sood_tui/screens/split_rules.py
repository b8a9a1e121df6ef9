"""The rules of a split on its screen: each can be switched, and says what it would remove before it does."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from engine.errors import EngineError
from engine.labels.flags import FLAGS
from engine.splits.preview import Preview, preview
from engine.splits.settings import Change, SplitSettings, check_change
from sood_tui.lines.splits import preview_text
from sood_tui.screens.dialogs import AskDialog, Choice, ChooseDialog, ConfirmDialog
from sood_tui.screens.split_actions import SplitActions
from store.labels.truth import fetch_sources


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as the screen offers it.

    Attributes:
        key: of the setting.
        title: what a person reads.
        values: value and word of each choice; empty for a number, which is typed.
        whole: whether the number is a whole one.
    """

    key: str
    title: str
    values: tuple[tuple[Any, str], ...] = ()
    whole: bool = False


RULES = (
    Rule(
        "outlier_tails",
        "outliers",
        (("both", "both tails are left out"), ("low", "the low tail only"), ("none", "all stay")),
    ),
    Rule("outlier_factor", "outlier fence, in interquartile ranges"),
    Rule("mean_over", "means over", (("all", "all pictures, as the reference"), ("kept", "the pictures that stay"))),
    Rule("minimum_subclasses", "fewest subclasses of a superclass", whole=True),
    Rule(
        "equalise_by",
        "equalise superclasses",
        (("none", "no"), ("subclasses", "by their subclasses"), ("pictures", "by their pictures")),
    ),
    Rule("equalise_factor", "equalised to so many times the smallest"),
    Rule("exclude_relatives", "relatives of test subclasses in train", ((False, "stay"), (True, "are left out"))),
    Rule(
        "near_duplicates",
        "near-duplicates across lists",
        ((None, "stay"), (0, "equal hashes are left out"), *((bits, f"up to {bits} bits apart") for bits in (1, 2, 3))),
    ),
    Rule(
        "excluded_flags",
        "pictures with several objects",
        (((), "stay"), *(((flag,), f"{flag} is left out") for flag in FLAGS), (tuple(FLAGS), "every flag is left out")),
    ),
    Rule(
        "match_labels",
        "labels per picture",
        (("none", "as they come"), ("tests", "equal in the test lists"), ("all", "equal in all lists")),
    ),
)
SOURCE = Rule("label_source", "labels come from")


class SplitRules(SplitActions):
    """The part of the Splits screen that switches rules."""

    def action_rules(self) -> None:
        """Choose a rule, then its value; what it would do is shown before it is set."""
        self._at()
        self._write_down()
        self.in_thread_to_open("rules", self._label_sources, self._ask_rule)

    def _label_sources(self) -> Rule:
        with self.workspace.opened().reading() as cursor:
            names = [row.source for row in fetch_sources(cursor)]
        return Rule(SOURCE.key, SOURCE.title, ((None, "nowhere"), *((name, name) for name in names)))

    def _ask_rule(self, labels: Rule) -> None:
        settings = self._at().prepared.settings
        rules = {rule.key: rule for rule in (*RULES, labels)}
        choices = [Choice(key, rule.title, word_of(rule, settings)) for key, rule in rules.items()]

        def chosen(key: str | None) -> None:
            if key is not None:
                self._ask_value(rules[key])

        self.app.push_screen(ChooseDialog("Rules of the split", choices), chosen)

    def _ask_value(self, rule: Rule) -> None:
        now = getattr(self._at().prepared.settings, rule.key)
        if not rule.values:
            dialog = AskDialog(rule.title.capitalize(), "A number:", f"{now:g}", partial(_problem_of, rule))
            self.app.push_screen(
                dialog, lambda text: None if text is None else self._look_ahead(rule, _number(rule, text))
            )
            return
        choices = [Choice(str(place), word) for place, (_, word) in enumerate(rule.values)]
        held = next((str(place) for place, (value, _) in enumerate(rule.values) if value == now), "")

        def chosen(place: str | None) -> None:
            if place is not None:
                self._look_ahead(rule, rule.values[int(place)][0])

        self.app.push_screen(ChooseDialog(rule.title.capitalize(), choices, held), chosen)

    def _look_ahead(self, rule: Rule, value: Any) -> None:
        changes = [Change(rule.key, value)]
        self.sood.say("Looking what it would do …")
        read = partial(preview, self.workspace, changes, self.split, self._defaults)
        self.in_thread_to_open("preview", read, partial(self._ask_whether, rule, changes))

    def _ask_whether(self, rule: Rule, changes: Sequence[Change], found: Preview) -> None:
        def answered(yes: bool | None) -> None:
            if yes:
                self._change(changes)

        self.app.push_screen(ConfirmDialog(rule.title.capitalize(), preview_text(found), "set it"), answered)


def word_of(rule: Rule, settings: SplitSettings) -> str:
    """What holds of a rule now."""
    now = getattr(settings, rule.key)
    if not rule.values:
        return f"{now:g}"
    return next((word for value, word in rule.values if value == now), ", ".join(map(str, now)) if now else "")


def _number(rule: Rule, text: str) -> float | int:
    try:
        number = float(text)
    except ValueError:
        raise EngineError(f"{text!r} is no number.") from None
    return int(number) if rule.whole and number == int(number) else number


def _problem_of(rule: Rule, text: str) -> str:
    try:
        check_change(Change(rule.key, _number(rule, text)), ())
    except EngineError as error:
        return f"{error.message} {error.hint}".strip()
    return ""
