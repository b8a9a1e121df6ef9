"""An evaluation asked for in one line of text."""

from engine.errors import EngineError
from engine.evaluation.methods import find_method
from engine.evaluation.request import EvaluationRequest, SetArgument
from engine.evaluation.sets.sources import named_argument


def parsed(text: str) -> EvaluationRequest:
    """The request that one line asks for: methods | ID set | OOD sets; bands of a split are generalisation sets.

    Raises: EngineError when a part is missing.
    """
    pieces = [piece.split() for piece in text.split("|")]
    if len(pieces) != 3 or len(pieces[1]) != 1 or not pieces[2]:
        raise EngineError("Write methods | ID set | OOD sets, with | between them.")
    methods = [find_method(name).name for name in pieces[0]] or ["neglabel"]
    sets = []
    for pair in pieces[2]:
        name, source = named_argument(pair)
        sets.append(SetArgument(name, source, "generalisation" if source.startswith("split:") else "ood"))
    name, source = named_argument(pieces[1][0])
    return EvaluationRequest(SetArgument(name, source, "id"), sets, methods=tuple(methods))


def problem_of(text: str) -> str:
    """What is wrong with a line; empty when nothing is."""
    try:
        parsed(text)
    except EngineError as error:
        return f"{error.message} {error.hint}"
    return ""
