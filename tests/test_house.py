"""The house itself: small modules, no forbidden calls, light imports."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import lineage

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "lineage").rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_short_documented_and_calls_nothing_forbidden(path):
    text = path.read_text()
    tree = ast.parse(text)
    assert text.count("\n") < 400 and ast.get_docstring(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 50, node.name
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None and getattr(node.type, "id", "") != "Exception"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("eval", "exec")
        if isinstance(node, ast.keyword):
            assert node.arg != "shell"
    assert not re.search(r"^\s*(import|from) (pickle|marshal)|os\.system", text, re.MULTILINE)


def test_torch_is_not_among_the_dependencies_of_the_core():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert not [name for name in project["dependencies"] if name.startswith(("torch", "transformers"))]


def test_what_is_public_is_listed_and_can_be_loaded():
    assert sorted(lineage._HOME) == sorted(lineage.__all__) and all(getattr(lineage, name) for name in lineage.__all__)


def test_the_version_is_shown_without_a_heavy_import():
    code = "import sys; from lineage.cli import main; main(['--version']); print(sorted({'torch','rdflib','prov','networkx','orjson'} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert shown[0].startswith("lineage ") and shown[1] == "[]"


def test_the_readme_shows_the_two_commands():
    assert {"make demo", "make test"} <= set(re.findall(r"make \w+", (ROOT / "README.md").read_text()))
