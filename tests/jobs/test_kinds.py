"""The table of kinds, without loading what it names."""

import ast
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import jobs_for_tests
import pytest

from engine.errors import EngineError
from engine.jobs.kinds import KINDS, find_kind


def functions_of(module: str) -> set[str]:
    """Names of the functions that a module defines, read from its text."""
    package = find_spec(module.partition(".")[0])
    assert package is not None
    assert package.origin is not None
    path = Path(package.origin).parents[1] / module.replace(".", "/")
    source = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
    return {node.name for node in ast.parse(source.read_text()).body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("name", KINDS)
def test_what_a_kind_names_is_there(name: str) -> None:
    kind = KINDS[name]
    assert kind.name == name
    for target in filter(None, (kind.function, kind.ingest)):
        module, _, function = target.partition(":")
        assert function in functions_of(module)


def test_a_package_can_declare_kinds() -> None:
    assert find_kind("squares") is jobs_for_tests.SQUARES
    with pytest.raises(EngineError, match="no kind of job named 'cubes'"):
        find_kind("cubes")


def test_looking_at_jobs_loads_no_model_library() -> None:
    code = (
        "import sys, sood_tui.cli.jobs, engine.jobs.runner;"
        "print(sorted({'torch', 'transformers', 'open_clip', 'pyarrow', 'nltk'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
