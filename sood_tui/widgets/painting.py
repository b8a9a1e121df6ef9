"""Styles for widgets that paint line by line: looked up once, and again only when the theme changes."""

from typing import Any

from rich.style import Style
from textual.widget import Widget


class LinePainter(Widget):
    """Keeps the styles of its parts. Working them out from the style sheet takes longer than painting a line."""

    PART_PREFIX = ""
    """What stands before the name of a part in COMPONENT_CLASSES, without its two dashes."""

    def __init__(self, *children: Widget, **options: Any) -> None:
        super().__init__(*children, **options)
        self._kept_styles: dict[tuple[str, bool], Style] = {}

    def part_style(self, part: str = "", alone: bool = False) -> Style:
        """The style of a part of the widget, or of the widget itself.

        Args:
            part: its name without the prefix.
            alone: without the style of the widget, to be laid over another one.
        """
        kept = self._kept_styles.get((part, alone))
        if kept is None:
            kept = Style() if alone else self.rich_style
            if part:
                kept += self.get_component_rich_style(f"{self.PART_PREFIX}--{part}", partial=True)
            self._kept_styles[part, alone] = kept
        return kept

    def notify_style_update(self) -> None:
        """Look the styles up again."""
        super().notify_style_update()
        self._kept_styles = {}
