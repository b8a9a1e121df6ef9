"""One kind of long work, as a form and as the way to start it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sood_tui.orders.fields import Answers, Field, WrongField
from sood_tui.settings import Settings

if TYPE_CHECKING:
    from engine.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Begun:
    """What became of an order: the job that was started, and a sentence about it.

    Attributes:
        sentence: for a person.
        job_id: None where the work was done at once, without a job.
    """

    sentence: str
    job_id: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """One kind of long work.

    Attributes:
        key: for the program.
        title: for a person.
        detail: a few words more.
        fields: what is asked, with what the settings say.
        start: starts it; called in a thread. Raises EngineError or StoreError, WrongField where one field is to blame.
        can_estimate: whether a part of it can be tried before.
    """

    key: str
    title: str
    detail: str
    fields: Callable[[Settings], tuple[Field, ...]]
    start: "Callable[[Workspace, Settings, Answers], Begun]"
    can_estimate: bool = True


def chosen_superclasses(workspace: "Workspace", answers: Answers) -> tuple[str, ...]:
    """The superclasses that were named; none for all.

    Raises: WrongField for one that is not there.
    """
    import difflib

    from store.candidates.superclasses import fetch_superclass_names

    names = answers.listed("superclasses")
    if names:
        with workspace.opened().reading() as cursor:
            known = fetch_superclass_names(cursor)
        for name in names:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                some = ", ".join(known[:5]) or "none yet"
                hint = f"Did you mean {near[0]}?" if near else f"There are {some}."
                raise WrongField("superclasses", f"There is no superclass {name}.", hint)
    return names
