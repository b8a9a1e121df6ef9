"""Settings: every value, where it comes from, and what it would change."""

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from engine.errors import EngineError
from sood_tui.keys.settings import SETTINGS
from sood_tui.plain import plain
from sood_tui.screens.dialogs import AskDialog, Choice, ChooseDialog, FindDialog
from sood_tui.screens.room import RoomScreen
from sood_tui.settings import SETTINGS as ALL
from sood_tui.settings import Setting, Settings, check_together, typed_value, user_settings_file
from sood_tui.settings_file import write_setting
from sood_tui.widgets.lines import Lines, Words


class SettingsScreen(RoomScreen):
    """The list of settings; below it the chosen one in sentences."""

    CSS_PATH = "settings.tcss"
    KEYS = SETTINGS
    BINDINGS: ClassVar[list[BindingType]] = list(SETTINGS)

    def compose_body(self) -> Iterable[Widget]:
        """The list, and the chosen setting."""
        with Vertical(id="list_panel", classes="panel") as panel:
            panel.border_title = "settings"
            panel.border_subtitle = Content(plain(str(self.workspace.settings_file)))
            yield Static("", id="list_head", markup=False)
            yield Lines(id="list")
        with Vertical(id="detail_panel", classes="panel"):
            yield Static("", id="detail", markup=False)

    def reload(self) -> None:
        """Show what holds now."""
        settings = self.sood.settings
        self.query_one("#list_head", Static).update(Content(f"  {'setting':<22}{'value':<26}comes from"))
        self.query_one("#list", Lines).show([self._line(setting, settings) for setting in ALL])
        self._show_detail()

    @on(Lines.CursorMoved)
    def follow(self) -> None:
        """Show the setting under the cursor."""
        self._show_detail()

    def _show_detail(self) -> None:
        setting, settings = self._setting, self.sood.settings
        rows = [
            ("value", repr(settings.values[setting.key])),
            ("default", repr(setting.default)),
            ("comes from", settings.sources[setting.key]),
            ("changes", setting.effect),
            ("also by", f"{setting.variable} in the environment, {user_settings_file()}"),
        ]
        if setting.choices:
            rows.insert(2, ("one of", ", ".join(setting.choices)))
        lines = [Content.styled(plain(setting.sentence), "bold"), Content("")]
        lines += [Content.assemble((f"{name:<12}", "$foreground 60%"), plain(value)) for name, value in rows]
        self.query_one("#detail_panel").border_title = setting.key
        self.query_one("#detail", Static).update(Content("\n").join(lines))

    def _line(self, setting: Setting, settings: Settings) -> Words:
        source = settings.sources[setting.key]
        own = source != "default"
        where = "this workspace" if source == str(self.workspace.settings_file) else source
        value = plain(str(settings.values[setting.key])) or "(empty)"
        return [
            (f"{'● ' if own else '  '}{setting.key:<22}", "bold" if own else "plain"),
            (f"{value[:25]:<26}", "accent" if own else "plain"),
            (plain(where), "muted"),
        ]

    @property
    def _setting(self) -> Setting:
        return ALL[self.query_one("#list", Lines).cursor]

    # ---- keys ----

    def action_move(self, step: int) -> None:
        """Move by lines."""
        self.query_one("#list", Lines).move(step)

    def action_move_page(self, pages: int) -> None:
        """Move by pages."""
        self.query_one("#list", Lines).move_page(pages)

    def action_move_to_end(self, end: int) -> None:
        """Go to the first or the last setting."""
        self.query_one("#list", Lines).go(0 if end < 0 else len(ALL) - 1)

    @on(Lines.Chosen)
    def action_edit(self) -> None:
        """Choose or type another value."""
        setting = self._setting
        now = str(self.sood.settings.values[setting.key])
        names = setting.choices or (tuple(sorted(self.app.available_themes)) if setting.key == "theme" else ())
        if names:
            choices = [Choice(name, name) for name in names]
            self.app.push_screen(ChooseDialog(setting.key, choices, now), self._write)
        else:
            self.app.push_screen(AskDialog(setting.key, setting.sentence, now, self._problem_of), self._write)

    def action_default(self) -> None:
        """Remove the value from the workspace's file."""
        if self.sood.settings.sources[self._setting.key] != str(self.workspace.settings_file):
            raise EngineError("It does not come from the workspace's sood.toml.", "The list says where it comes from.")
        check_together({**self.sood.settings.values, self._setting.key: self._setting.default})
        write_setting(self.workspace.settings_file, self._setting.key, None)
        self._changed()

    def action_find(self) -> None:
        """Find a setting as one types."""

        def search(text: str) -> list[Choice]:
            found = [row for row in ALL if text.lower() in f"{row.key} {row.sentence} {row.effect}".lower()]
            return [Choice(row.key, row.key, row.sentence) for row in found]

        def go(key: str | None) -> None:
            if key is not None:
                self.query_one("#list", Lines).go([row.key for row in ALL].index(key))

        self.app.push_screen(FindDialog("Find a setting", search, "a word of its name or its sentence"), go)

    def _problem_of(self, text: str) -> str:
        key = self._setting.key
        try:
            check_together({**self.sood.settings.values, key: typed_value(key, text)})
        except EngineError as error:
            return f"{error.message} {error.hint}"
        return ""

    def _write(self, text: str | None) -> None:
        if text is not None:
            setting = self._setting
            write_setting(self.workspace.settings_file, setting.key, typed_value(setting.key, text))
            self._changed()

    def _changed(self) -> None:
        self.sood.take_settings()
        self.reload()
        source = self.sood.settings.sources[self._setting.key]
        if source not in ("default", str(self.workspace.settings_file)):
            self.sood.say(f"{source} still sets {self._setting.key}.")
