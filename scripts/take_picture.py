"""Take the README's picture of the review screen from the running program.

    python scripts/take_picture.py WORKSPACE [FILE.svg]

The workspace of `sood-tui demo` will do: its pictures are made up, so that the result may be passed on.
"""

import asyncio
import re
import sys
from pathlib import Path

from textual.pilot import Pilot

from sood_tui.app import SoodApp
from sood_tui.settings import load_settings
from sood_tui.widgets.sheet.contact_sheet import ContactSheet
from sood_tui.workspace import opened, require_workspace

SIZE = (120, 36)
# A picture in a README fetches nothing: the reader's own monospaced font will do.
FETCHED_FONT = re.compile(r"@font-face \{.*?\}", re.DOTALL)
DEFAULT = Path(__file__).parents[1] / "docs" / "pictures" / "review.svg"


async def painted(app: SoodApp, pilot: Pilot[int]) -> None:
    """Wait until every picture of the sheet is there, and the estimates beside it have come.

    Raises: TimeoutError if that takes a minute.
    """
    async with asyncio.timeout(60):
        while not (sheets := list(app.screen.query(ContactSheet))) or not (sheets[0].pictures and sheets[0].complete):
            await pilot.pause(0.1)
    await pilot.pause(2.0)


async def take(folder: Path, file: Path) -> None:
    """Open the review screen, wait until its pictures are painted, and write the screen as SVG."""
    with opened(require_workspace(folder)) as workspace:
        app = SoodApp(workspace, load_settings(workspace.settings_file))
        async with app.run_test(size=SIZE) as pilot:
            await pilot.press("f4")
            await painted(app, pilot)
            file.parent.mkdir(parents=True, exist_ok=True)
            drawn = app.export_screenshot(title="sood-tui", simplify=True)
            file.write_text(FETCHED_FONT.sub("", drawn), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(take(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else DEFAULT))
