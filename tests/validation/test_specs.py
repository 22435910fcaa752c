"""What an annotation tells of the values that a function is tried with."""

import ast

import pytest

from poet_import.source.scopes import FunctionNode
from poet_import.validation.trials.examples import examples_of
from poet_import.validation.trials.literals import Usage
from poet_import.validation.trials.specs import Specs

MODULE = """
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, TypedDict

Pair = tuple[int, str]

class Colour(Enum):
    RED = 1
    BLUE = 2

@dataclass
class Point:
    x: int
    y: float = 0.0

class Row(NamedTuple):
    name: str
    size: int

class Options(TypedDict):
    limit: int

class Node:
    next: "Node"

def f(a):
    pass
"""
ROWS = {
    # annotation: what is drawn for it
    "int": ["int"],
    "None": ["none"],
    "'int'": ["int"],
    "'int ('": None,
    "int | None": ["union", [["int"], ["none"]]],
    "Optional[str]": ["union", [["str"], ["none"]]],
    "Union[int, 'str']": ["union", [["int"], ["str"]]],
    "Literal['a', 2]": ["literal", ["a", 2]],
    "Final[int]": ["int"],
    "list": ["list", ["any"]],
    "List[int]": ["list", ["int"]],
    "set[str]": ["set", ["str"]],
    "frozenset[int]": ["frozenset", ["int"]],
    "tuple": ["row", ["any"]],
    "tuple[int, ...]": ["row", ["int"]],
    "tuple[int, str]": ["tuple", [["int"], ["str"]]],
    "dict": ["dict", ["str"], ["any"]],
    "dict[str, list[int]]": ["dict", ["str"], ["list", ["int"]]],
    "Mapping[str, int]": ["dict", ["str"], ["int"]],
    "Counter[str]": ["dict", ["str"], ["int"]],
    "Pair": ["tuple", [["int"], ["str"]]],
    "Session": ["object", "Session"],
    "requests.Session": ["object", "Session"],
    "Box[int]": ["object", "Box"],
    "lambda: 0": None,
    "Iterator[int]": ["iterator", ["int"]],
    "Colour": ["enum", "Colour"],
    "Point": ["class", "Point", {"x": ["int"], "y": ["float"]}],
    "Row": ["class", "Row", {"name": ["str"], "size": ["int"]}],
    "Options": ["record", {"limit": ["int"]}],
}


def specs() -> Specs:
    module = ast.parse(MODULE)
    function = module.body[-1]
    assert isinstance(function, FunctionNode)
    return Specs(function, module, Usage([function]))


def spec_of(annotation: str) -> object:
    return specs().of(ast.parse(annotation, mode="eval").body)


@pytest.mark.parametrize(("annotation", "spec"), ROWS.items(), ids=list(ROWS))
def test_annotation_tells_what_is_drawn(annotation: str, spec: object) -> None:
    assert spec_of(annotation) == spec


def test_class_that_holds_itself_has_an_end() -> None:
    assert "Node" in repr(spec_of("Node"))
    assert spec_of("list[" * 12 + "int" + "]" * 12) is not None


@pytest.mark.parametrize(
    ("docstring", "found"),
    [
        pytest.param(">>> f(1, 'a')\n1", ["(1, 'a', )"], id="literals"),
        pytest.param(">>> f([1]) + f({})\n1", ["([1], )"], id="the-first-of-a-line"),
        pytest.param(">>> f(x)\n1", [], id="a-name"),
        pytest.param(">>> f(a=1)\n1", [], id="a-keyword"),
        pytest.param(">>> g(1)\n1", [], id="another-function"),
        pytest.param(">>> f(1\n1", [], id="no-python"),
        pytest.param(">>>f(1)\n1", [], id="no-doctest"),
    ],
)
def test_calls_in_a_docstring_are_examples(docstring: str, found: list[str]) -> None:
    (function,) = ast.parse(f'def f(*a):\n    """{docstring}\n    """\n'.replace("\n1", "\n    1")).body
    assert isinstance(function, FunctionNode)

    assert examples_of(function) == found
