"""The gates that only read: each row is a text in place of an original, and the rule that refuses it."""

import pytest

from poet_import.errors import TranspileError
from poet_import.model import Original, Violation
from poet_import.validation import readmit, validate

PLAIN = "def f(x):\n    return x * 2\n"


def rules(code: str, original: str = PLAIN, imports: tuple[str, ...] = ()) -> dict[str, int]:
    """Return the rules that refuse a text, each with its first line."""
    name = original.rpartition("def ")[2].partition("(")[0]
    source = original[original.rindex("async def" if "async def" in original else "def ") :]
    verdict = readmit(code, Original(source, name, name, module=original, imports=imports), ())
    return {violation.rule: violation.line for violation in reversed(verdict.violations)}


SYNTAX = {
    "invalid-syntax": [
        "def f(x):\n    return (\n",
        "def f(x):\n    yield = 1\n",
        "return 1\n",
        "def f(x):\n    x := 1\n",
    ],
    "too-long": ["x = 1\n" * 40_000],
    "line-too-long": [f"def f(x):\n    return {'x + ' * 150}x\n"],
    "too-deep": [f"def f(x):\n    return {'(' * 90}x{')' * 90}\n", f"def f(x):\n    return {'[' * 200}\n"],
    "nested-loops": [
        "def f(x):\n" + "".join(f"{'    ' * n}for _ in x:\n" for n in range(1, 11)) + "    " * 11 + "pass\n"
    ],
    "bidirectional-control": ["def f(x):\n    return x  # \u202e\n", "def f(x):\n    return '\u2066'\n"],
    "invisible-character": [
        "def f(x):\n    return '\u200b'\n",
        "def f(x):\n    return x\x00\n",
        "def f(x):\n    return x\x1b\n",
        "def f(x):\n    # a\r    x = 1\n    return x\n",
        "def f(x):\n    return x  # \u2028 x\n",
        "def f(x):\n    y = 1\x0c; y = 2\n    return x\n",
        f"def f(x):\n    y = 1{' ' * 90}; y = 2\n    return x\n",
    ],
    "surrogate": ["def f(x):\n    return '\ud800'\n"],
    "confusable-name": ["def f(x):\n    ореn = 1\n    pаy = x\n    return pаy\n", "def f(x):\n    return ｏｐｅｎ(x)\n", "def ｆ(x):\n    return x\n", "def f(x):\n    сору = x\n    return сору\n"],
    "coding": ["# -*- coding: utf-7 -*-\ndef f(x):\n    return x\n", "\n# vim: set fileencoding=latin-1 :\ndef f(x):\n    return x\n"],
}  # fmt: skip
STRUCTURE = {
    "one-function": [f"from math import sqrt as f\n{PLAIN}", "", "x = 1\n", "def g(x):\n    return x\n", f"{PLAIN}{PLAIN}"],
    "kind": ["async def f(x):\n    return x\n", "def f(x):\n    yield x\n"],
    "parameters": ["def f(y):\n    return y\n", "def f(x=1):\n    return x\n", "def f(x, *a):\n    return x\n", "def f(x: int):\n    return x\n"],
    "returns": ["def f(x) -> int:\n    return x\n"],
    "decorator": ["import functools\n@functools.cache\ndef f(x):\n    return x\n", f"@_h\ndef _g():\n    return 1\n{PLAIN}"],
    "module-level": [f"print(1)\n{PLAIN}", f"for _ in (1,):\n    pass\n{PLAIN}", f"if 1:\n    pass\n{PLAIN}", f"class _C:\n    pass\n{PLAIN}", f"_a: int\n{PLAIN}"],
    "public-name": [f"LIMIT = 1\n{PLAIN}", f"def helper():\n    return 1\n{PLAIN}", f"__all__ = ['f']\n{PLAIN}"],
    "bound-twice": [f"_A = 1\n_A = 2\n{PLAIN}"],
    "constant": [f"_A = [n for n in range(9)]\n{PLAIN}", f"_A = open('x')\n{PLAIN}", f"_A = lambda: 1\n{PLAIN}", f"_A = (_b := 1)\n{PLAIN}"],
    "default": [f"def _g(a=[]):\n    return a\n{PLAIN}", f"def _g(a=print()):\n    return a\n{PLAIN}"],
    "annotation": [f"def _g(a: print(1)):\n    return a\n{PLAIN}", f"_A: print(1) = 2\n{PLAIN}"],
    "own-phases": [f"import poet_import\n{PLAIN}", f"from poet_import.runtime import retry\n{PLAIN}"],
}  # fmt: skip
SECURITY = {
    "import": ["from re import enum", "from http import server", "from json import tool", "from decimal import setcontext as g\n    g = x", "from operator import setitem", "import os", "import subprocess as math", "from sys import modules", "import ctypes", "from . import secrets_", "import builtins", "import importlib", "from os.path import join", "import threading", "import time"],
    "capability": ["[open for open in ()]\n    return open(x)", "(lambda eval: 0)\n    return eval(x)", "(lambda *exec: 0)\n    return exec(x)", "[1 for (a, *open) in ()]\n    return open(x)", "return (lambda open=open: open(x))()", "[print for print in print(x)]\n    return x", "from operator import attrgetter as g\n    from math import sqrt as g\n    return g('a')(x)", "from decimal import setcontext as g\n    def h():\n        nonlocal g\n        return g(x)\n    return h()", "import re as x\n    return x", "return type(int)('C', (), {})", "t = type(int)\n    return t('C', (), {})", "return list(map(type(int), 'C', [()], [{}]))", "t, *_ = [type(int)]\n    return t('C', (), {})", "d = {}\n    d['t'] = type(int)\n    return d['t']('C', (), {})", "d = []\n    d.append(type(int))\n    return d[0]('C', (), {})", "def g(*a):\n        return a[0]('C', (), {})\n    return g(type(int))", "return (lambda t: t('C', (), {}))(type(int))", "return type(x)(1)", "import typing\n    typing.reveal_type(x)", "import typing\n    typing.clear_overloads()", "import shlex\n    return shlex.split(None)", "import posixpath\n    return posixpath.relpath(x)", "import keyword\n    keyword.kwlist.clear()", "import contextlib\n    with contextlib.closing(x):\n        return x", "with x:\n        return x",
        "return eval(x)", "return (lambda: exec)()(x)", "return list(map(eval, x))", "return open(x)", "return print(x)", "return input()",
        "return type('C', (), {})", "return [type][0]('C', (), {})", "return __import__('os')", "return globals()", "return vars(x)", "return setattr(x, 'a', 1)",
        "import json\n    return json.codecs.open(x)", "import random\n    return random.random()", "import re\n    return re.enum.sys.modules", "import typing\n    return typing.sys",
        "import statistics\n    return statistics.random", "import collections\n    return collections.abc.sys", "import math\n    return [math]", "import math as m\n    n = m\n    return n",
        "import operator\n    return operator.attrgetter('__class__')(x)", "import operator\n    return operator.methodcaller('run')(x)", "import typing\n    return typing.get_type_hints(x)",
        "import string\n    return string.Formatter().format(x)", "import decimal\n    decimal.setcontext(x)\n    return x", "raise SystemExit", "raise KeyboardInterrupt",
        "return __loader__.load_module('os')", "return __spec__", "return breakpoint()", "return compile(x, '', 'eval')", "return exit(1)", "return locals()", "return dir(x)",
        "try:\n        return x\n    except BaseException:\n        return 1", "return memoryview and super().f(x)", "return getattr", "import functools\n    return functools.reduce(getattr, x)",
        "import functools\n    return functools.wraps", "import itertools\n    return list(itertools.starmap(open, x))",
    ],
    "bare-except": ["while True:\n        try:\n            x = 1\n        finally:\n            continue", "try:\n        x = 1\n    finally:\n        return x", "try:\n        return x\n    except x:\n        return 1", "try:\n        return x\n    except:\n        return 1"],
    "dunder-access": [
        "return x.__class__", "return ().__class__.__mro__", "return x.__globals__", "return (lambda: 0).__code__", "return f.__defaults__", "return [].__iter__().__reduce__()",
        "try:\n        return x\n    except Exception as e:\n        return e.__traceback__.tb_frame", "return (n for n in x).gi_frame", "return x._C__secret.__dict__",
        "match x:\n        case object(__class__=c):\n            return c\n    return x", "return getattr(x, '__class__')", "return hasattr(x, '__dict__')", "return str.__base__",
    ],
    "attribute": ["return getattr('{0.__class__}', 'format')(x)", "return x.release()", "return x.system('ls')", "return x.read()", "return x.connect()", "return str.format(x, x)", "return getattr(x, 'run')()", "match x:\n        case object(secret=p):\n            return p\n    return x"],
    "computed-name": ["return getattr(x, 'a' + 'b')", "return getattr(x, x)", "return getattr(*x)", "return hasattr(x, f'{x}')"],
    "format-walk": ["return '{0.__class__}'.format(x)", "return '{0[a]}'.format(x)", "return x.format(x)", "return '{:{0.a}}'.format(x)", "return x.format_map(x)", "return ('{' + '0.a}').format(x)"],
    "attribute-store": ["x.a = 1\n    return x", "del x.a\n    return x", "x.a += 1\n    return x", "for x.a in ():\n        pass\n    return x", "import math\n    math.pi = 3\n    return x", "f.calls = 1\n    return x"],
    "unknown-name": ["return secret_helper(x)", "return __builtins__", "return __file__", "return self.x"],
    "unknown-syntax": ["global y\n    y = x\n    return y"],
    "class": ["class C:\n        pass\n    return C"],
    "rebound-import": ["import math\n    math = x\n    return math.sqrt(2)"],
    "literal-bomb": ["return 10**10**10", "return 2 << 10**9", "return 'a' * 10**10", "return [0] * (10**5 * 10**5)", "return list(range(10**12))", "return f'{x:>9999999999}'", "return 'a'.ljust(10**10)", "return x ** 10**9", "return bytes(10**11)", "return '%9999999999d' % x", "return format(x, '>9999999999')", "return '{:>9999999999}'.format(x)", "return 'a' * (10**9 << 9)", "return 'a' * ((10**6 + 1) ** 2)", "return 'a' * (10**12 // 3)", "return 'a' * (10**12 >> 2)"],
    "foreign-call": ["return x()", "return list(map(x, [1]))", "return sorted([1], key=x)", "return list(iter(x, None))", "m = map\n    return list(m(x, [1]))", "return x.get('a')()", "def g(h):\n        return h()\n    return g(x)", "@x\n    def g():\n        pass", "raise x", "import json\n    return json.loads('1', cls=x)"],
    "shadowed": ["isinstance = lambda a, b: b(a)\n    return x", "def getattr(a, b):\n        return b\n    return x"],
    "confusable-name": ["é = x\n    return é"],
    "tangled": ["y = x\n" + "    y = y\n" * 500 + "    return y"],
}  # fmt: skip
HONEST = {
    "same": PLAIN,
    "named": "def f(x):\n    doubled = x * 2\n    return doubled\n",
    "helper": "def _twice(n):\n    return n + n\n\n\ndef f(x):\n    return _twice(x)\n",
    "constant": "_FACTOR = 2\n\n\ndef f(x):\n    return x * _FACTOR\n",
    "pattern": 'import re\n\n_DIGITS = re.compile(r"\\d+")\n\n\ndef f(x):\n    return _DIGITS.sub("", x)\n',
    "docstring": '"""A text."""\n\n\ndef f(x):\n    """Another."""\n    return x * 2\n',
    "statistics": "from statistics import fmean\n\n\ndef f(x):\n    return fmean(x)\n",
    "datetime": "import datetime\n\n\ndef f(x):\n    return datetime.date.fromisoformat(x) + datetime.timedelta(days=1)\n",
    "message": "def f(x):\n    if isinstance(x, str):\n        raise TypeError(f'no {type(x).__name__}: {x!r}')\n    return x * 2\n",
    "match": "def f(x):\n    match x:\n        case {'a': int(a), **rest}:\n            return a, rest\n        case [first, *_]:\n            return first\n    return x * 2\n",
    "nested": "def f(x):\n    def inner(n):\n        nonlocal x\n        x = n\n        return x\n    return inner(x) * 2\n",
    "getattr": "def f(x):\n    return getattr(x, 'real', 0)\n",
    "format": "def f(x):\n    return '{} and {a:>3}'.format(x, a=1)\n",
    "walrus": "def f(x):\n    return (y := x) * 2 + y\n",
    "exceptions": "def f(x):\n    try:\n        return x * 2\n    except (TypeError, ValueError) as error:\n        raise ValueError(str(error)) from error\n",
}  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        pytest.param(rule, code, id=f"{rule}-{number}")
        for table in (SYNTAX, STRUCTURE)
        for rule, codes in table.items()
        for number, code in enumerate(codes)
    ],
)
def test_text_is_refused_by(rule: str, code: str) -> None:
    found = rules(code)

    assert rule in found
    assert found[rule] >= 1


@pytest.mark.parametrize(
    ("rule", "body"),
    [
        pytest.param(rule, body, id=f"{rule}-{number}") for rule, bodies in SECURITY.items() for number, body in enumerate(bodies)
    ],
)  # fmt: skip
def test_body_is_refused_by(rule: str, body: str) -> None:
    code = (
        f"def f(x):\n    {body}\n    return x\n" if body.startswith(("import", "from")) else f"def f(x):\n    {body}\n"
    )

    assert rule in rules(code)


@pytest.mark.parametrize("code", [pytest.param(code, id=name) for name, code in HONEST.items()])
def test_honest_text_passes(code: str) -> None:
    assert rules(code) == {}


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        pytest.param("_SEEN = []\ndef f(x):\n    _SEEN.append(x)\n    return x\n", "shared-state", id="list"),
        pytest.param("_SEEN = {}\ndef f(x):\n    _SEEN[x] = x\n    return x\n", "shared-state", id="dict"),
        pytest.param("def f(x):\n    LIMITS.pop()\n    return x\n", "shared-state", id="of-the-module"),
        pytest.param("def f(x):\n    del LIMITS[0]\n    return x\n", "shared-state", id="of-the-module-by-del"),
        pytest.param("def f(x):\n    os.environ.update(x)\n    return x\n", "capability", id="environment"),
        pytest.param("def f(x):\n    os.environ['A'] = x\n    return x\n", "shared-state", id="environment-item"),
        pytest.param("def f(x):\n    return os.remove(x)\n", "capability", id="other-part-of-an-import"),
        pytest.param("def f(x):\n    run = os.getcwd\n    return run()\n", "capability", id="called-as-value"),
        pytest.param(
            "from os import getcwd as _g\ndef f(x):\n    return [_g]\n", "capability", id="called-under-another-name"
        ),
    ],
)
def test_use_of_a_module_beyond_the_original_is_refused(code: str, rule: str) -> None:
    original = "import os\nLIMITS = [1]\ndef f(x):\n    return os.getcwd(), os.environ['HOME'], LIMITS\n"

    assert rule in rules(code, original)


@pytest.mark.parametrize(
    "code",
    [
        "import os\ndef f(x):\n    return os.getcwd(), LIMITS[0]\n",
        "from os import getcwd as _where\ndef f(x):\n    return _where()\n",
        "def f(x):\n    home = os.environ.get('HOME')\n    log.warning('no %s', home)\n    return home\n",
    ],
    ids=["by-module", "by-name", "logger-of-the-module"],
)
def test_what_the_original_uses_may_be_used(code: str) -> None:
    original = (
        "import os, logging\nLIMITS = [1]\nlog = logging.getLogger('a')\n"
        "def f(x):\n    return os.getcwd(), os.environ['HOME'], LIMITS\n"
    )

    assert rules(code, original) == {}


def test_declared_import_gives_its_public_names_and_no_module() -> None:
    code = "import urllib.request\ndef f(x):\n    return urllib.request.{}\n"

    assert rules(code.format("Request(x)"), imports=("urllib.request",)) == {}
    assert "capability" in rules(code.format("socket"), imports=("urllib.request",))
    assert "import" in rules(code.format("Request(x)"))


SHARED = {
    "alias": "_S = []\ndef f(x):\n    s = _S\n    s.append(x)\n",
    "alias-of-alias": "_S = []\n_T = (_S,)\ndef f(x):\n    _T[0].append(x)\n",
    "augmented": "_S = []\ndef f(x):\n    s = _S\n    s += [x]\n",
    "item": "_S = {}\ndef f(x):\n    s = _S\n    s[x] = 1\n",
    "deleted": "_S = [1]\ndef f(x):\n    s = _S\n    del s[0]\n",
    "unpacked": "_S = {}\ndef f(x):\n    s, t = _S, 1\n    s[t] = 1\n",
    "loop": "_S = {}\ndef f(x):\n    for s in (_S,):\n        s['n'] = 1\n",
    "walrus": "_S = [0]\ndef f(x):\n    (s := _S)[0] = x\n",
    "choice": "_S = [0]\ndef f(x):\n    (_S or [1]).append(x)\n",
    "pattern": "_S = [0]\ndef f(x):\n    match _S:\n        case s:\n            s.append(x)\n",
    "by-text": "_S = [0]\ndef f(x):\n    getattr(_S, 'append')(x)\n",
    "helper": "_S = []\ndef _g(a):\n    a.append(1)\ndef f(x):\n    _g(_S)\n",
    "helper-star": "_S = []\ndef _g(*a):\n    a[0].append(1)\ndef f(x):\n    _g(_S)\n",
    "helper-default": "_S = []\ndef _g(a=_S):\n    a.append(1)\ndef f(x):\n    _g()\n",
    "helper-result": "_S = []\ndef _g():\n    return _S\ndef f(x):\n    _g().append(1)\n",
    "lambda": "_S = []\ndef f(x):\n    (lambda s: s.append(x))(_S)\n",
    "callback": "_S = [[]]\ndef f(x):\n    list(map(lambda s: s.append(x), _S))\n",
    "nested": "_S = {'a': []}\ndef f(x):\n    s = _S.get('a')\n    s.append(x)\n",
    "nested-pairs": "_S = {'a': {}}\ndef f(x):\n    for k, v in _S.items():\n        v[k] = x\n",
    "nested-copy": "_S = [[]]\ndef f(x):\n    a = [*_S]\n    a[0].append(x)\n",
    "kept-in-another": "_S = []\ndef f(x):\n    g = []\n    g.append(_S)\n    g[0].append(x)\n",
    "unbound-method": "_S = []\ndef f(x):\n    list.append(_S, x)\n",
    "heap": "import heapq\n_S = []\ndef f(x):\n    heapq.heappush(_S, x)\n",
    "returned": "_S = []\ndef f(x):\n    return _S\n",
    "context": "import contextlib\n_S = []\ndef f(x):\n    with contextlib.nullcontext(_S) as s:\n        s.append(x)\n",
}  # fmt: skip
UNSHARED = {
    "copy": "_S = [1]\ndef f(x):\n    s = list(_S)\n    s.append(x)\n    return s\n",
    "deep-copy": "import copy\n_S = {'a': []}\ndef f(x):\n    s = copy.deepcopy(_S)\n    s['a'].append(x)\n    return s\n",
    "read": "_S = {'a': {'b': 1}}\ndef f(x):\n    s = _S.get(x, {})\n    return s.get('b'), len(_S), 1 in _S\n",
    "put-into": "_P = 'a'\ndef f(x):\n    s = [_P]\n    s.append(x)\n    return s\n",
    "slice": "_S = [1, 2]\ndef f(x):\n    s = _S[:]\n    s.append(x)\n    return s\n",
    "default-of-a-lookup": "_S = {'a': {'b': 1}}\ndef f(x):\n    s = _S.get(x, {})\n    return s.get('b', 0)\n",
    "table-of-functions": "import operator\n_S = {'+': operator.add}\ndef f(x):\n    return _S.get(x, operator.sub)(1, 2)\n",
    "built-in-as-factory": "from collections import defaultdict\ndef f(x):\n    d = defaultdict(list)\n    d[x].append(1)\n    return d\n",
    "number": "_N = 1\ndef f(x):\n    n = _N\n    n += 1\n    return n\n",
}  # fmt: skip
AT_IMPORT = {
    "range": "_T = list(range(999_999_999))",
    "of-constant": "_A = 'a' * 900_000\n_B = _A * 900_000",
    "of-number": "_N = 10**9\n_B = bytes(_N)",
    "power-of-constant": "_N = 10**6\n_M = 2 ** _N ** 2",
    "set": "_S = set(range(99_999_999))",
}


@pytest.mark.parametrize("code", [pytest.param(code, id=name) for name, code in SHARED.items()])
def test_what_outlives_the_call_stays_as_it_is(code: str) -> None:
    assert "shared-state" in rules(code)


@pytest.mark.parametrize("code", [pytest.param(code, id=name) for name, code in UNSHARED.items()])
def test_copy_of_a_constant_may_be_changed(code: str) -> None:
    assert rules(code) == {}


@pytest.mark.parametrize("code", [pytest.param(code, id=name) for name, code in AT_IMPORT.items()])
def test_constant_that_takes_all_memory_is_refused(code: str) -> None:
    assert "literal-bomb" in rules(f"{code}\n{PLAIN}")


BY_ROLE = {
    "module-asked-by-text": ("import os\ndef f(x):\n    return getattr(os, 'O_BINARY', 0)\n", "getattr(os, 'remove')(x)", "capability"),
    "module-aliased": ("import os\ndef f(x):\n    return hasattr(os, 'fork')\n", "m = os\n    m.replace(x, x)", "capability"),
    "class-only-compared": ("import subprocess\ndef f(x):\n    return isinstance(x, subprocess.Popen)\n", "g = subprocess.Popen\n    g(x)", "capability"),
    "text-of-the-parameter": ("def f(x, n):\n    return getattr(x, n)\n", "n = '__class__'\n    return getattr(x, n)", "computed-name"),
    "text-in-a-loop": ("def f(x, n):\n    return getattr(x, n)\n", "return [getattr(x, n) for n in ['__class__']]", "computed-name"),
    "text-in-a-helper": ("def f(x, n):\n    return getattr(x, n)\n", "def g(x, n):\n        return getattr(x, n)\n    return g(f, '__globals__')", "computed-name"),
    "code-of-the-parameter": ("def f(x):\n    return eval(x)\n", "x = 'exit()'\n    return eval(x)", "capability"),
    "self-rebound": ("def f(self):\n    return self.__dict__\n", "self = f\n    return self.__dict__", "dunder-access"),
    "class-called": ("def f(self):\n    return self.__class__.__name__\n", "g = self.__class__\n    return g()", "dunder-access"),
    "store-rebound": ("def f(x, y):\n    x.a = 1\n", "x = y\n    x.a = 1", "attribute-store"),
    "item-of-a-part": ("def f(x):\n    return x.a\n", "x.a['b'] = 1", "attribute-store"),
    "part-changed": ("def f(x):\n    return x.a\n", "x.a.clear()", "attribute-store"),
    "format-as-value": ("def f(x):\n    return '{}'.format(x)\n", "g = '{0.__class__}'.format\n    return g(x)", "attribute"),
    "template-rebound": ("def f(t, x):\n    return t.format(x)\n", "t = '{0.__class__}'\n    return t.format(x)", "format-walk"),
    "file-for-writing": ("def f(x):\n    return open(x).read()\n", "return open(x, 'w').read()", "capability"),
    "other-file": ("def f(x):\n    return open(x).read()\n", "return open('/etc/passwd').read()", "capability"),
    "path-replace": ("from pathlib import Path\ndef f(x):\n    return Path(x).name\n", "return Path(x).replace('/b')", "attribute"),
    "class-of-the-module-called": ("class C:\n    a = 1\ndef f(x):\n    return C.a\n", "return C().a", "capability"),
    "alias-of-the-module": ("L = {}\ndef f(x):\n    return L.get(x)\n", "l = L\n    l.clear()", "capability"),
    "awaited": ("async def f(x):\n    return x\n", "await x", "capability"),
}  # fmt: skip


@pytest.mark.parametrize(("original", "body", "rule"), [pytest.param(*row, id=name) for name, row in BY_ROLE.items()])
def test_use_in_another_role_than_the_original_s_is_refused(original: str, body: str, rule: str) -> None:
    imports, _, rest = original.rpartition("async def " if "async def" in original else "def ")
    header = rest.partition("\n")[0]
    own = imports.replace("class C:\n    a = 1\n", "").replace("L = {}\n", "")
    code = f"{own}{'async ' if 'async def' in original else ''}def {header}\n    {body}\n"

    assert rule in rules(code, original)


RENAMED = {
    "store": ("def f(x):\n    for n in x:\n        n.a = 1\n", "def f(x):\n    for node in x:\n        node.a = 1\n"),
    "enumerated": ("def f(x):\n    for n in x:\n        n.a = 1\n", "def f(x):\n    for _, node in enumerate(x):\n        node.a = 1\n"),
    "computed-name": ("def f(x):\n    n = x + 'a'\n    return getattr(x, n)\n", "def f(x):\n    name = x + 'a'\n    return getattr(x, name)\n"),
    "in-a-helper": ("def f(x, n):\n    return getattr(x, n)\n", "def _g(name, y):\n    return getattr(y, name)\ndef f(x, n):\n    return _g(n, x)\n"),
    "method-held": ("def f(x):\n    return x.a.run(x)\n", "def f(x):\n    run = x.a.run\n    return run(x)\n"),
    "dunder": ("def f(x):\n    y = x[0]\n    return y.__class__\n", "def f(x):\n    first = x[0]\n    return first.__class__\n"),
    "import-or-none": ("def f(x):\n    try:\n        import json\n    except ImportError:\n        json = None\n    return json.loads(x)\n", "def f(x):\n    try:\n        import json\n    except ImportError:\n        json = None\n    return json.loads(x)\n"),
    "key-by-parameter": ("def f(x, k):\n    return sorted(x, key=k)\n", "def f(x, k):\n    return [k(y) for y in x]\n"),
    "raised": ("import a\ndef f(x):\n    raise a.Error\n", "import a\ndef f(x):\n    raise a.Error(f'no {x!r}')\n"),
    "class-held": ("def f(self):\n    return self.__class__(1)\n", "def f(self):\n    make = self.__class__\n    return make(1)\n"),
    "file-closed": ("def f(x):\n    h = open(x)\n    return h.read()\n", "def f(x):\n    with open(x, encoding='utf-8') as h:\n        return h.read()\n"),
    "lock": ("import threading\nL = threading.Lock()\ndef f(x):\n    L.acquire()\n    try:\n        return x\n    finally:\n        L.release()\n", "def f(x):\n    with L:\n        return x\n"),
    "value-returned": ("import os\ndef f(x):\n    return os.environ[x]\n", "import os\ndef f(x):\n    value = os.environ.get(x)\n    return value\n"),
    "table-of-methods": ("def f(self, k):\n    return self.t[k](k)\n", "def f(self, k):\n    t = self.t.get(k)\n    return t(k)\n"),
    "own-name-of-the-module": ("__all__ = []\ndef f(x):\n    return sorted(__all__)\n", "def f(x):\n    return sorted(__all__)\n"),
}  # fmt: skip


@pytest.mark.parametrize(("original", "code"), [pytest.param(*row, id=name) for name, row in RENAMED.items()])
def test_names_of_locals_do_not_matter(original: str, code: str) -> None:
    assert rules(code, original) == {}


def test_all_violations_of_a_text_are_told_at_once_with_their_lines() -> None:
    verdict = validate("import os\n\n\ndef f(y):\n    eval(y)\n    return y.__class__\n", PLAIN)

    assert [(one.gate, one.rule, one.line) for one in verdict.violations] == [
        ("structure", "parameters", 4),
        ("security", "import", 1),
        ("security", "capability", 5),
        ("security", "dunder-access", 6),
    ]
    assert not verdict.accepted
    assert all(isinstance(one, Violation) and one.message for one in verdict.violations)


@pytest.mark.parametrize("original", ["x = 1\n", "def f(:\n", "\x00"], ids=["no-function", "no-python", "nul"])
def test_original_that_is_none_is_an_error(original: str) -> None:
    with pytest.raises(TranspileError, match="the original"):
        validate(PLAIN, original)
    with pytest.raises(TranspileError, match="the original"):
        validate(PLAIN, Original(original, "f", "f"))


def test_import_of_everything_is_refused() -> None:
    assert rules(f"from math import *\n{PLAIN}")["star-import"] == 1


def test_function_under_the_decorator_is_the_original() -> None:
    original = "from poet_import import poet\n\n\n@poet\ndef f(x):\n    return x * 2\n\n\ndef g(y):\n    return y\n"

    assert validate(PLAIN, original).accepted


def test_word_that_cannot_be_told_from_others_is_refused() -> None:
    assert "too-deep" in rules(f"def f(x):\n    return {'-' * 100}x\n")
    assert rules("def f(x):\n    \u2102 = x\n    return \u2102\n")


def test_declared_compiled_module_gives_its_own_names() -> None:
    original = "def f(x):\n    return x\n"

    assert rules("import zlib\n\n\ndef f(x):\n    return zlib.crc32(x)\n", original, ("zlib",)) == {}
    assert "capability" in rules("import nowhere\n\n\ndef f(x):\n    return nowhere.a(x)\n", original, ("nowhere",))
