"""Our walks over trees give what the standard library's give."""

import ast
from pathlib import Path

import pytest

from poet_import.source.nodes import children, walk

TEXTS = [*sorted(Path(__file__).parent.glob("cases/*/before.py")), Path(ast.__file__)]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.parent.name)
def test_walks_are_those_of_the_standard_library(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))

    assert walk(tree) == list(ast.walk(tree))
    assert all(children(node) == list(ast.iter_child_nodes(node)) for node in ast.walk(tree))


def test_field_that_is_missing_or_no_node_is_passed_over() -> None:
    call = ast.Call(func=ast.Name(id="f"), args=["no node", ast.Name(id="x")])

    assert [type(node) for node in children(call)] == [ast.Name, ast.Name]
