"""Functions in Dana, each with calls that it answers and calls that it must refuse once it is woven."""

from dataclasses import dataclass

from poet_import.dana.discovery import read_dana
from poet_import.dana.weaving import weave
from poet_import.templates import store_over


def woven(source: str) -> str:
    return weave(read_dana(source, "shop.na"), store_over(())).text


def notes(source: str) -> list[str]:
    return [note for plan in weave(read_dana(source, "shop.na"), store_over(())).plans for note in plan.notes]


@dataclass(frozen=True)
class Program:
    name: str
    source: str  # the function, without its mark; what else it needs stands above a line "---"
    good: tuple[str, ...]  # expressions that print the same before and after
    refused: tuple[tuple[str, str], ...] = ()  # expressions, with a part of what is said of them
    mark: str = "@poet"

    @property
    def original(self) -> str:
        return self.source.replace("---\n", "")

    @property
    def marked(self) -> str:
        above, _, function = self.source.rpartition("---\n")
        return f"{above}{self.mark}\n{function}"


def program(name: str, source: str, good: tuple[str, ...], *refused: tuple[str, str], mark: str = "@poet") -> Program:
    return Program(name, source, good, refused, mark)


# Counts what runs, and fails as often as it is told to.
TALLY = """
import time

runs = []
class Odd(Exception):
    pass
class Rude(ConnectionError):
    pass
KINDS = {"odd": Odd, "rude": Rude, "connection": ConnectionError, "refused": ConnectionRefusedError,
         "timeout": TimeoutError, "runtime": RuntimeError, "name": NameError, "key": KeyError}
def note(value):
    runs.append(value)
    return value
def fail(times, kind):
    runs.append(kind)
    if len(runs) <= times:
        raise KINDS[kind](f"failed {len(runs)}")
    return len(runs)
def count():
    return len(runs)
def late(seconds):
    runs.append(seconds)
    time.sleep(seconds)
    return seconds
def none():
    return None
"""

PROGRAMS = [
    program(
        "int",
        "def double(x: int) -> int:\n    return x * 2\n",
        ("double(2)", "double(True)", "double(-3)"),
        ('double("a")', "double: x must be int, got str"),
        ("double(1.5)", "got float"),
        ("double(None)", "got NoneType"),
    ),
    program(
        "float",
        "def half(x: float) -> float:\n    return x / 2\n",
        ("half(3)", "half(1.5)"),
        ('half("3")', "x must be float, got str"),
        ("half([])", "got list"),
    ),
    program(
        "str",
        'def shout(word: str) -> str:\n    return word + "!"\n',
        ('shout("a")', 'shout("")'),
        ("shout(3)", "word must be str, got int"),
    ),
    program(
        "bool",
        "def flip(on: bool) -> bool:\n    return not on\n",
        ("flip(True)", "flip(false)"),
        ("flip(1)", "on must be bool, got int"),
    ),
    program(
        "list",
        "def first(xs: list) -> any:\n    return xs[0]\n",
        ("first([1, 2])", 'first(["a"])'),
        ("first((1, 2))", "xs must be list, got tuple"),
    ),
    program(
        "list of int",
        "def total(xs: list[int]) -> int:\n    n = 0\n    for x in xs:\n        n = n + x\n    return n\n",
        ("total([])", "total([1, 2, 3])"),
        ('total([1, "a"])', "xs must be list[int], got list"),
        ("total(5)", "got int"),
        ("total(None)", "got NoneType"),
    ),
    program(
        "list of lists",
        "def size(rows: list[list[int]]) -> int:\n    return len(rows)\n",
        ("size([[1], [2, 3]])", "size([[]])"),
        ('size([["a"]])', "must be list[list[int]]"),
        ("size([1])", "must be list[list[int]]"),
    ),
    program(
        "dict",
        "def keys(d: dict) -> int:\n    return len(d)\n",
        ('keys({"a": 1})', "keys({})"),
        ("keys([])", "d must be dict, got list"),
    ),
    program(
        "dict of hints",
        'def price(d: dict[str, float]) -> float:\n    return d["a"]\n',
        ('price({"a": 1.5})', 'price({"a": 2})'),
        ('price({"a": "x"})', "must be dict[str, float]"),
        ("price({1: 1.5})", "must be dict[str, float]"),
    ),
    program(
        "dict of any",
        'def get(d: dict[str, any]) -> any:\n    return d["a"]\n',
        ('get({"a": [1]})',),
        ("get({1: 1})", "must be dict[str, any]"),
    ),
    program(
        "tuple",
        "def pair(p: tuple) -> tuple:\n    return (p[1], p[0])\n",
        ("pair((1, 2))",),
        ("pair([1, 2])", "p must be tuple, got list"),
    ),
    program(
        "set",
        "def count(s: set) -> int:\n    return len(s)\n",
        ("count({1, 2})",),
        ("count([1])", "s must be set, got list"),
    ),
    program(
        "None result", "def quiet(x: int) -> None:\n    return None\n", ("quiet(1)",), ('quiet("a")', "x must be int")
    ),
    program(
        "optional",
        'def hello(name: str | None) -> str:\n    if name == None:\n        return "hello"\n    return "hello " + name\n',
        ('hello("a")', "hello(None)"),
        ("hello(1)", "name must be str | None, got int"),
    ),
    program(
        "union",
        "def either(x: int | str | list[int]) -> any:\n    return x\n",
        ("either(1)", 'either("a")', "either([1])"),
        ("either(1.5)", "got float"),
        ('either(["a"])', "got list"),
    ),
    program(
        "default None",
        'def greet(name: str = None) -> str:\n    if name == None:\n        return "nobody"\n    return name\n',
        ("greet()", 'greet("a")'),
        ("greet(2)", "name must be str"),
    ),
    program(
        "default of another type",
        'def odd(x: int = "none") -> str:\n    return f"{x}"\n',
        ("odd()", "odd(2)"),
        ('odd("some")', "x must be int, got str"),
    ),
    program(
        "default that fails",
        "def lazy(x: int = missing()) -> int:\n    if x == None:\n        return 0\n    return x\n",
        ("lazy()", "lazy(3)"),
        ('lazy("a")', "x must be int"),
    ),
    program(
        "several parameters",
        "def area(w: int, h: int = 2) -> int:\n    return w * h\n",
        ("area(3)", "area(3, 4)", "area(h=5, w=1)"),
        ('area(1, "a")', "expected (w: int, h: int), got (int, str)"),
        ("area()", "got (NoneType, int)"),
    ),
    program(
        "wrong result",
        "def lie(x: any) -> int:\n    return x\n",
        ("lie(1)",),
        ('lie("a")', "lie: its result must be int, got str"),
        ("lie(None)", "got NoneType"),
    ),
    program(
        "wrong items in the result",
        "def lies(x: any) -> list[int]:\n    return [x]\n",
        ("lies(1)",),
        ('lies("a")', "its result must be list[int], got list"),
    ),
    program(
        "many returns",
        "def sign(x: int) -> int:\n    if x > 0:\n        return x - x + 1\n    elif x < 0:\n        return x - x - 1\n    return x * 0\n",
        ("sign(5)", "sign(-5)", "sign(0)"),
        ('sign("a")', "x must be int"),
    ),
    program(
        "sure returns",
        'def grade(x: int) -> str:\n    if x > 9:\n        return "A"\n    else:\n        return f"B{x}"\n',
        ("grade(10)", "grade(1)"),
        ("grade([])", "x must be int"),
    ),
    program(
        "return in a loop",
        "def find(xs: list, x: int) -> int:\n    for i in range(len(xs)):\n        if xs[i] == x:\n            return i\n    return -1\n",
        ("find([5, 6], 6)", "find([], 6)"),
        ("find(1, 2)", "got (int, int)"),
    ),
    program(
        "implicit result",
        "def implied(x: int) -> int:\n    y = x + 1\n",
        ("implied(1)",),
        ('implied("a")', "x must be int"),
    ),
    program(
        "wrong implicit result",
        "def implied(x: any) -> str:\n    y = x\n",
        ('implied("a")',),
        ("implied(1)", "its result must be str, got int"),
    ),
    program(
        "bare return",
        "def halt(x: int) -> int | None:\n    if x > 1:\n        return\n    return x * 1\n",
        ("halt(1)", "halt(2)"),
        ('halt("a")', "x must be int"),
    ),
    program(
        "return in a try",
        "def safe(x: any) -> int:\n    try:\n        return x + 1\n    except:\n        return -1\n",
        ("safe(1)", "safe([])"),
        ('safe("a") if false else safe(1.5)', "its result must be int, got float"),
    ),
    program(
        "many returns of one chain",
        'def size(x: any) -> int:\n    if x == None:\n        return 0\n    elif type(x) == "list":\n        n = len(x)\n        if n > 2:\n            return n * 1\n        else:\n            return x[0]  # the one\n    elif x == "no":\n        raise "none"\n    else:\n        return x * 1\n        # as it is\n',
        ("size(None)", "size([1, 2, 3])", "size([4])", "size(5)"),
        ('size(["a"])', "its result must be int, got str"),
        ("size(1.5)", "its result must be int, got float"),
        ('size("no")', "none"),
    ),
    program(
        "guards",
        'def clean(x: any, other: any) -> str:\n    if x == None:\n        return other\n    if x == "":\n        return "empty"\n    # all others\n    return x\n',
        ('clean("a", 1)', 'clean(None, "b")', 'clean("", 1)'),
        ("clean(None, 1)", "clean: its result must be str, got int"),
        ("clean(None, None)", "got NoneType"),
        ("clean([1], 1)", "got list"),
    ),
    program(
        "many returns in loops",
        "def seek(rows: list, x: any) -> int:\n    for row in rows:\n        for y in row:\n            if y == x:\n                return y\n    while len(rows) > 2:\n        return rows[0]\n    return len(rows)\n",
        ("seek([[1, 2]], 2)", "seek([], 2)"),
        ('seek([["a"]], "a")', "seek: its result must be int, got str"),
        ("seek([[1], [2], [3]], 4)", "got list"),
        ("seek(1, 2)", "rows must be list, got int"),
    ),
    program(
        "many returns of a union",
        'def maybe(x: any) -> int | str | None:\n    if x == 0:\n        return\n    if x == "one":\n        return [1, 2][0]\n    return x\n',
        ("maybe(0)", 'maybe("one")', 'maybe("a")', "maybe(None)"),
        ("maybe(1.5)", "its result must be int | str | None, got float"),
    ),
    program(
        "many returns, one of nothing",
        "def halt(x: any) -> int:\n    if x == 0:\n        return\n    return x\n",
        ("halt(1)",),
        ("halt(0)", "halt: its result must be int, got NoneType"),
        ('halt("a")', "halt: its result must be int, got str"),
    ),
    program(
        "many returns of lists",
        'def wrap(x: any) -> list[int]:\n    if type(x) == "list":\n        return x\n    for i in range(2):\n        if x == i:\n            return [x, i]\n    return [x]\n',
        ("wrap([1])", "wrap(1)", "wrap(7)", "wrap([])"),
        ('wrap(["a"])', "wrap: its result must be list[int], got list"),
        ('wrap("a")', "wrap: its result must be list[int], got list"),
        ("wrap([None])", "got list"),
    ),
    program(
        "many returns of dicts or nothing",
        'def table(x: any, y: any) -> dict[str, list[int]] | None:\n    if x == None:\n        return y\n    return {\n        "a": x,  # one\n        "b": [y]\n    }\n',
        ("table(None, None)", "table([1], 2)", 'table(None, {"a": [1]})'),
        ('table(["a"], 1)', "its result must be dict[str, list[int]] | None, got dict"),
        ("table(None, 3)", "got int"),
        ("table(None, {1: [1]})", "got dict"),
    ),
    program(
        "many returns of structs",
        "struct Point:\n    x: int\n---\ndef pick(p: Point, other: any) -> Point:\n    if p.x > 1:\n        return other\n    return p\n",
        ("pick(Point(x=1), 2).x", "pick(Point(x=2), Point(x=7)).x"),
        ("pick(Point(x=2), 3)", "pick: its result must be Point, got int"),
        ("pick(3, 3)", "p must be Point, got int"),
    ),
    program(
        "many returns of a method",
        "struct Point:\n    x: int\n---\ndef (p: Point) near(by: any) -> int:\n    if by == None:\n        return p.x + 0\n    return by\n",
        ("Point(x=3).near(None)", "Point(x=3).near(4)"),
        ('Point(x=3).near("a")', "near: its result must be int, got str"),
    ),
    program(
        "many returns of promises",
        "def slow(x) -> any:\n    return x\n---\ndef later(x: any) -> int:\n    if x == 1:\n        return slow(2)\n    return slow(x)\n",
        ("later(1)", "later(4)", "later(later(1))"),
        ('later("a")', "later: its result must be int, got str"),
        ("later(None)", "later: its result must be int, got"),
    ),
    program(
        "many returns of sync",
        "sync def pick(x: any, y: int) -> int:\n    if y > 1:\n        return x\n    return y + 0\n",
        ("pick(1, 2)", "pick(None, 0)"),
        ("pick(None, 2)", "its result must be int, got NoneType"),
        ('pick(1, "a")', "y must be int, got str"),
    ),
    program(
        "many returns without checked arguments",
        "def pick(x, y) -> int | bool:\n    if y:\n        return x\n    return y\n",
        ("pick(1, true)", "pick(1, false)"),
        ('pick("a", true)', "its result must be int | bool, got str"),
    ),
    program(
        "many returns that recurse",
        "def add(n: int, sum: any) -> int:\n    if n == 0:\n        return sum\n    return add(n - 1, sum + n)\n",
        ("add(4, 0)",),
        ("add(2, 0.5)", "its result must be int, got float"),
    ),
    program(
        "many kinds of expressions",
        "def kinds(x: any) -> int | str:\n    if x == 0:\n        return lambda y :: y\n    return x\n",
        ("kinds(1)",),
        ("kinds(1.5)", "its result must be int | str, got float"),
        ("kinds(0)", "its result must be int | str, got "),
    ),
    program(
        "many returns of conditionals",
        "def choose(x: any) -> int:\n    if x == 0:\n        return x if x == 1 else x * 2\n    return (\n        x if x != 9 else\n        1\n    )\n",
        ("choose(0)", "choose(3)", "choose(9)"),
        ('choose("a")', "its result must be int, got str"),
    ),
    program(
        "implicit result of an if",
        'def implied(x: any) -> str:\n    y = "none"\n    if x == None:\n        y = "was none"\n    elif type(x) == "list":\n        if len(x) > 1:\n            x[0]\n        else:\n            x\n',
        ("implied(None)", 'implied(["a", "b"])', "implied(1)"),
        ("implied([1, 2])", "its result must be str, got int"),
        ("implied([1])", "its result must be str, got list"),
    ),
    program(
        "only expression of items",
        "def implied(x: any) -> list[str] | None:\n    x\n",
        ('implied(["a"])', "implied(None)"),
        ("implied([1])", "its result must be list[str] | None, got list"),
    ),
    program(
        "implicit result beside a return",
        "def implied(x: any) -> int:\n    if x == None:\n        return 0\n    x\n",
        ("implied(3)", "implied(None)"),
        ('implied("a")', "its result must be int, got str"),
    ),
    program(
        "last expression",
        "def last(x: any) -> int:\n    y = 3\n    x + y\n",
        ("last(1)",),
        ('last("a")', "last: its result must be int, got str"),
    ),
    program(
        "only expression",
        "def slow(x) -> any:\n    return x\n---\ndef only(x: any) -> int | None:\n    slow(x)  # in its time\n",
        ("only(1)", "only(None)"),
        ('only("a")', "only: its result must be int | None, got str"),
    ),
    program(
        "last expressions",
        'def last(x: any) -> str | bool:\n    if x == 0:\n        f"{x}"\n    elif x == 1:\n        x * 2\n    else:\n        y = "z"\n        not x == y\n',
        ("last(0)", "last(2)", 'last("z")'),
        ("last(1)", "last: its result must be str | bool, got int"),
    ),
    program(
        "last expression below a guard",
        "def last(x: any) -> list[int]:\n    if x == 0:\n        return x\n    [x, x]\n",
        ("last(1)",),
        ("last(0)", "last: its result must be list[int], got int"),
        ('last("a")', "last: its result must be list[int], got list"),
    ),
    program(
        "implicit result below a text",
        'def told(x: any) -> str:\n    """Tell it."""\n    x\n',
        ('told("a")', "told(None)"),
        ("told(1)", "told: its result must be str, got int"),
    ),
    program(
        "implicit result of a text",
        'def told(x: int) -> str | int:\n    """Tell it."""\n',
        ("told(1)",),
        ('told("a")', "x must be int, got str"),
    ),
    program(
        "implicit result of both",
        "def some(x: any, y: any) -> int:\n    z = 1\n    if x == 0:\n        x + 1\n    else:\n        y\n",
        ("some(0, 1)", "some(1, None)", "some(1, 2)"),
        ('some(1, "a")', "its result must be int, got str"),
    ),
    program(
        "try with a broad except",
        "def safe(x: any) -> list[int]:\n    try:\n        if x == 1:\n            return [x]\n        return x\n    except:\n        return []\n",
        ("safe(1)", "safe([2])", "safe([])"),
        ('safe(["a"])', "safe: its result must be list[int], got list"),
        ("safe(3)", "got int"),
    ),
    program(
        "try with a name of the error",
        'def safe(x: any) -> int | None:\n    try:\n        return 1 / x\n    except as error:\n        return error.message if x == "text" else None\n',
        ("safe(None)", "safe(0)"),
        ('safe("text")', "its result must be int | None, got str"),
        ("safe(2)", "got float"),
    ),
    program(
        "try with a finally",
        'def safe(x: any) -> str:\n    try:\n        return x\n    except AssertionError:\n        return "swallowed"\n    finally:\n        print("done")\n',
        ('safe("a")',),
        ("safe(1)", "its result must be str, got int"),
    ),
    program(
        "return in a finally",
        "def safe(x: any) -> str:\n    try:\n        y = 1 / x\n    except:\n        y = 0\n    finally:\n        return x\n",
        ('safe("a")',),
        ("safe(1)", "its result must be str, got int"),
    ),
    program(
        "warning of one return",
        "def one(x: int, y: any) -> int:\n    return y\n",
        ("one(1, 2)",),
        mark='@poet(on_violation="warn")',
    ),
    program(
        "warning of many returns",
        "def some(x: int, y: any) -> list[int]:\n    if x > 1:\n        return [x]\n    return y\n",
        ("some(2, 3)", "some(1, [2])"),
        mark='@poet(on_violation="warn")',
    ),
    program(
        "warning of a chain",
        "def some(x: int, y: any) -> int:\n    if x > 1:\n        return x * 1\n    else:\n        return y\n",
        ("some(2, 3)", "some(1, 2)"),
        mark='@poet(on_violation="warn")',
    ),
    program(
        "warning of a return in a try",
        "def safe(x: any, y: int) -> int:\n    try:\n        return x\n    except:\n        return y\n",
        ("safe(2, 3)",),
        mark='@poet(on_violation="warn")',
    ),
    program(
        "struct",
        "struct Point:\n    x: int\n    y: int = 0\n---\ndef mirror(p: Point) -> Point:\n    return Point(x=p.y, y=p.x)\n",
        ("mirror(Point(x=1, y=2)).y", "mirror(Point(x=3)).x"),
        ("mirror(3)", "p must be Point, got int"),
        ('mirror({"x": 1})', "p must be Point, got dict"),
    ),
    program(
        "method",
        "struct Point:\n    x: int\n---\ndef (p: Point) scaled(by: int) -> int:\n    return p.x * by\n",
        ("Point(x=3).scaled(2)", "Point(x=3).scaled(by=4)"),
        ('Point(x=3).scaled("a")', "got (Struct[Point], str)"),
    ),
    program(
        "method on a type",
        "def tail(word: str, n: int) -> str:\n    return word[n:]\n",
        ('"abc".tail(2)', 'tail("abc", 1)'),
        ('tail("abc", "x")', "got (str, str)"),
    ),
    program("sync", "sync def now(x: int) -> int:\n    return x + 1\n", ("now(1)",), ('now("a")', "x must be int")),
    program(
        "text above",
        'def told(x: int) -> int:\n    """Tell it."""\n    # why\n    return x + 1  # more\n',
        ("told(1)",),
        ('told("a")', "x must be int"),
    ),
    program(
        "tabs",
        "def tabs(x: int) -> int:\n\tif x > 1:\n\t\treturn x * 1\n\treturn x * 2\n",
        ("tabs(1)", "tabs(2)"),
        ('tabs("a")', "x must be int"),
    ),
    program(
        "several lines",
        'def build(\n    a: int,  # one\n    b: str = "x"\n) -> dict:\n    return {\n        "a": a,  # one\n        "b": b\n    }\n',
        ("build(1)", 'build(1, "z")'),
        ("build(1, 2)", "got (int, int)"),
    ),
    program(
        "recursion",
        "def fact(n: int) -> int:\n    if n < 2:\n        return 1\n    return n * fact(n - 1)\n",
        ("fact(5)", "fact(0)"),
        ('fact("a")', "n must be int"),
    ),
    program(
        "promises",
        "def slow() -> int:\n    return 4\n---\ndef plus(x: int, y: int) -> int:\n    z = x + y\n    return z + slow()\n",
        ("plus(slow(), 1)", "plus(1, y=slow())"),
        ('plus("a", slow())', "got (str, int)"),
    ),
    program(
        "promised result",
        "def slow(x) -> any:\n    return x\n---\ndef later(x: any) -> int:\n    return slow(x)\n",
        ("later(4)",),
        ('later("a")', "its result must be int, got str"),
    ),
    program(
        "promises in a list",
        "def slow() -> int:\n    return 4\n---\ndef both(xs: list[int]) -> int:\n    return xs[0] + xs[1]\n",
        ("both([slow(), 1])",),
        ('both([slow(), "a"])', "must be list[int]"),
    ),
    program(
        "promise of None",
        "def slow(x) -> any:\n    return x\n---\ndef later(x: int | None, y: int = None) -> int | None:\n    return slow(x)\n",
        ("later(slow(None))", "later(slow(1), slow(None))", "later(None, slow(2))"),
        ('later(slow("a"))', "got (str, NoneType)"),
    ),
    program(
        "promises of None",
        "def slow(x) -> any:\n    return x\n---\ndef later(xs: list[str | None], y: int) -> list[int | None] | None:\n    if y == 1:\n        return slow(None)\n    if y == 2:\n        return slow([None, slow(None), y])\n    return slow(xs)\n",
        ("later([slow(None)], 1)", 'later(["a", slow(None)], 2)', "later([slow(None), None], 3)", "later([], 3)"),
        ('later(["a"], 3)', "its result must be list[int | None] | None, got list"),
        ("later([slow(1)], 1)", "xs: list[str | None]"),
    ),
    program(
        "globals",
        "LIMIT = 7\n---\ndef cap(x: int) -> int:\n    if x > LIMIT:\n        return LIMIT + 0\n    return x + 0\n",
        ("cap(9)", "cap(1)"),
        ('cap("a")', "x must be int"),
    ),
    program(
        "lambda",
        "def apply(f: any, x: int) -> int:\n    g = lambda y :: f(y) + x\n    return g(1)\n",
        ("apply(lambda z :: z * 10, 2)",),
        ('apply(lambda z :: z, "a")', "x must be int"),
    ),
    program(
        "stage",
        "def inc(x: int) -> int:\n    return x + 1\n---\ndef twice(x: int) -> int:\n    return x * 2\n",
        ("twice(inc(3))",),
        ('twice("a")', "x must be int"),
    ),
    program("no hints", "def free(a, b = 2):\n    return [a, b]\n", ("free(1)", 'free("a", b=None)')),
    program(
        "unchecked",
        "def open_(x: int) -> int:\n    return x\n",
        ("open_(1)", 'open_("a")'),
        mark='@poet(on_violation="off")',
    ),
    program(
        "context",
        "def who(context, x: int) -> int:\n    return x + 0\n",
        ("who(1, 2)",),
        ('who(1, "a")', "x must be int"),
    ),
    program(
        "raises",
        'def picky(x: int) -> int:\n    if x > 1:\n        raise f"too many: {x}"\n    return x + 0\n',
        ("picky(1)",),
        ("picky(5)", "too many: 5"),
        ('picky("a")', "x must be int"),
    ),
    program(
        "non_empty",
        "def mean(train_data: list) -> float:\n    return len(train_data) * 1.0\n",
        ("mean([1])",),
        ("mean([])", "train_data must be a non-empty value"),
        mark='@poet(domain="ml_monitoring")',
    ),
    program(
        "same_length",
        "def score(y_true: list, y_pred: list) -> int:\n    return len(y_true)\n",
        ("score([1], [2])",),
        ("score([1], [])", "values of the same length"),
        mark='@poet(domain="ml_monitoring")',
    ),
    program(
        "probability",
        "def level(significance_level: float) -> float:\n    return significance_level\n",
        ("level(0.05)", "level(1)"),
        ("level(1.5)", "a probability between 0 and 1, got 1.5"),
        mark='@poet(domain="ml_monitoring")',
    ),
    program(
        "rules about keys",
        'def report(p: any, psi: any):\n    return {"p_value": p, "psi": psi, "score": [p]}\n',
        ("report(0.5, 2)", "report(None, None)"),
        ("report(2, 0)", "its result at p_value must be a probability between 0 and 1, got 2"),
        ("report(0, -1)", "its result at psi must be a number of at least 0, got -1"),
        mark='@poet(domain="ml_monitoring")',
    ),
    program(
        "nan",
        "import math.py as math\n---\ndef limit(threshold: float) -> float:\n    return threshold\n",
        ("limit(0.5)", "limit(math.inf)"),
        ("limit(math.nan)", "a number other than nan"),
        mark='@poet(domain="ml_monitoring")',
    ),
    program(
        "finite",
        'import math.py as math\n---\ndef report(x: any) -> dict:\n    return {"accuracy": x}\n',
        ("report(0.5)", "report([1, 2])", 'report("a")'),
        ("report(math.inf)", "must be a finite number"),
        ("report([1, math.nan])", "must be a finite number"),
        mark='@poet(domain="ml_monitoring")',
    ),
    program(
        "http_url",
        "def fetch(endpoint_url: str) -> str:\n    return endpoint_url\n",
        ('fetch("http://a.b/c")', 'fetch(" HTTPS://u:p@h")'),
        ('fetch("ftp://a")', "an http:// or https:// URL"),
        ('fetch("http://")', "an http:// or https:// URL"),
        mark='@poet(domain="api_operations")',
    ),
]
