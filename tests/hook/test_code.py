"""What the hook makes of a module's code: marks found in every spelling, lines kept, faults reported."""

import inspect
import itertools
import linecache
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import poet_import
from poet_import import EnforceError, PerceiveError, PoetFallbackWarning, PoetWarning, TranspileError

Load = Callable[..., ModuleType]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[..., Path]

PRICE = "{indent}def price(quantity: int) -> int:\n{indent}    return quantity\n"


def refuses(function: Callable[..., object]) -> bool:
    try:
        function("1")
    except PerceiveError:
        return True
    return False


@pytest.mark.parametrize(
    "text",
    [
        "from poet_import import poet\n@poet\n{price}",
        "from poet_import import poet\n@poet()\n{price}",
        "from poet_import import poet\n@poet(retries=1)\n{price}",
        "import poet_import\n@poet_import.poet\n{price}",
        "import poet_import as p\n@p.poet(retries=1)\n{price}",
        "from poet_import import poet as q\n@q\n{price}",
        "from poet_import import *\n@poet\n{price}",
        "try:\n    from poet_import import poet\nexcept ImportError:\n    def poet(f): return f\n@poet\n{price}",
        "@poet\n{price}",
        "@poet(retries=1)\n{price}",
        "from poet_import import poet\nfor _ in range(2):\n    @poet\n{inner}",
        "import poet_import\napi = poet_import.poet(domain='api_operations')\n@api\n{price}",
        "from poet_import import poet\nOPTIONS = {{'retries': 1}}\n@poet(**OPTIONS)\n{price}",
        "from poet_import import poet\nN = 1\n@poet(retries=N)\n{price}",
        "def make():\n    from poet_import import poet\n    @poet\n{inner}    return price\nprice = make()",
        "from poet_import import poet\ndef make():\n    @poet\n{inner}    return price\nprice = make()",
    ],
    ids=[
        "import from", "call", "options", "attribute", "module alias", "name alias", "star import", "guarded import",
        "bare", "bare with options", "in a loop", "alias with options", "double star", "computed option",
        "imported in a function", "in a function",
    ],
)  # fmt: skip
def test_every_spelling_of_the_marker_hardens(load: Load, text: str) -> None:
    module = load(text.format(price=PRICE.format(indent=""), inner=PRICE.format(indent="    ")))

    assert refuses(module.price)
    assert module.price(1) == 1


def test_a_marker_in_a_class_body_hardens_methods_of_every_kind(load: Load) -> None:
    module = load("""
class Shop:
    from poet_import import poet
    @poet
    def price(self, quantity: int) -> int: return quantity
    @classmethod
    @poet
    def of(cls, quantity: int) -> int: return quantity
    @poet
    @staticmethod
    def free(quantity: int) -> int: return quantity
""")

    shop = module.Shop()
    assert all(map(refuses, (shop.price, shop.of, shop.free)))
    assert poet_import.status().modules["shop"].functions == 3


@pytest.mark.parametrize(
    "text",
    [
        "# @poet\ndef price(quantity: int): return quantity",
        "WORD = '@poet'\ndef price(quantity: int):\n    '''@poet'''\n    return quantity",
        "def poet(f): return f\n@poet\ndef price(quantity: int): return quantity",
        "from functools import cache as poet\n@poet\ndef price(quantity: int): return quantity",
        "class poet: pass\ndef price(quantity: int): return quantity",
        "def make(poet):\n    @poet\n    def price(quantity: int): return quantity\n    return price\nprice = make(lambda f: f)",
        "def price(quantity: int):\n    poet = quantity\n    return poet",
    ],
    ids=["comment", "text", "function", "other import", "class", "parameter", "local variable"],
)
def test_a_module_that_means_something_else_stays_as_it_is(load: Load, text: str) -> None:
    module = load(text)

    assert module.price("1") == "1"
    assert "__poet__" not in vars(module)
    assert not poet_import.status().modules


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ("retry=3", TypeError, "@poet has no option 'retry' (did you mean 'retries'?)"),
        ("retries=-1", ValueError, "retries must be 0 or more, not -1"),
        ("retries='3'", TypeError, "retries takes a whole number of extra attempts, not '3'"),
        ("timeout=0", ValueError, "timeout must be a number of seconds above 0, not 0"),
        ("retry_on=3", TypeError, "retry_on takes an exception type"),
        ("retries=1, retry_on=KeyboardInterrupt", TypeError, "is not an Exception"),
    ],
)
@pytest.mark.parametrize("is_hooked", [True, False], ids=["hook", "marker"])
def test_a_wrong_option_is_refused_at_import_with_its_place(
    load: Load, tmp_path: Path, options: str, kind: type[Exception], message: str, *, is_hooked: bool
) -> None:
    if not is_hooked:
        poet_import.uninstall()

    with pytest.raises(kind) as caught:
        load(f"from poet_import import poet\n\n@poet({options})\ndef price(quantity): ...\n")

    assert str(caught.value).startswith(f"{tmp_path / 'shop.py'}:3: ")
    assert message in str(caught.value)


@pytest.mark.parametrize("is_hooked", [True, False], ids=["hook", "marker"])
def test_an_unknown_domain_warns_once_with_the_nearest_name(load: Load, *, is_hooked: bool) -> None:
    if not is_hooked:
        poet_import.uninstall()
    domain = "api_operation" if is_hooked else "api_operationz"

    with pytest.warns(PoetWarning, match="api_operations") as caught:
        module = load(f"from poet_import import poet\n@poet(domain='{domain}')\n{PRICE.format(indent='')}")

    assert len(caught) == 1
    assert refuses(module.price)


def test_broken_metadata_in_a_root_of_the_users_falls_back_to_base_with_one_warning(
    load: Load, write: Write, tmp_path: Path
) -> None:
    write("v1\n", "templates/mine/current")
    write("Text.", "templates/mine/v1/template.txt")
    write("{", "templates/mine/v1/metadata.json")
    poet_import.install(cache_dir=tmp_path / "cache", templates=[tmp_path / "templates"])

    with pytest.warns(PoetWarning, match="metadata.json") as caught:
        module = load(f"from poet_import import poet\n@poet(domain='mine')\n{PRICE.format(indent='')}")

    assert len(caught) == 1
    assert refuses(module.price)
    assert poet_import.describe(module.price).template == "base/v1"


def test_a_syntax_error_is_exactly_pythons(run_python: Run, write: Write) -> None:
    write("from poet_import import poet\n@poet\ndef price(:\n    pass\n")
    code = "import {0}shop"
    ours, pythons = run_python(code.format("poet_import, ")), run_python(code.format("sys, "))

    assert "SyntaxError" in ours.stderr
    assert ours.stderr.replace("poet_import, ", "sys, ") == pythons.stderr


def test_a_syntax_warning_is_shown_once(run_python: Run, write: Write) -> None:
    write("from poet_import import poet\n@poet\ndef price(quantity: int) -> int:\n    return 1 is 1 and quantity\n")

    assert run_python("-W", "always", "-c", "import poet_import, shop").stderr.count("SyntaxWarning") == 1
    assert run_python("-W", "always", "-c", "import poet_import, shop").stderr.count("SyntaxWarning") == 0


TRACED = """\
from poet_import import poet


@poet(retries=1, retry_on=KeyError)
def price(quantity: int) -> int:
    '''Return
    the price.'''
    for number in range(3):
        if number == quantity:
            return 1 // (number - quantity)
    return quantity


def call():
    return price(
        2)
"""


def test_a_traceback_shows_the_users_lines_and_no_frame_of_ours(load: Load) -> None:
    module = load(TRACED)

    with pytest.raises(ZeroDivisionError) as caught:
        module.call()

    frames = [(frame.name, frame.lineno, frame.line) for frame in traceback.extract_tb(caught.value.__traceback__)[1:]]
    assert frames == [("call", 15, "return price("), ("price", 10, "return 1 // (number - quantity)")]


def test_a_violation_is_raised_at_the_decorator_below_the_caller(load: Load) -> None:
    module = load(TRACED)

    with pytest.raises(PerceiveError) as caught:
        module.price("2")

    (_, frame) = traceback.extract_tb(caught.value.__traceback__)
    assert (frame.name, frame.lineno) == ("price", 4)


def test_a_traceback_of_a_module_body_has_the_users_line(load: Load) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        load(TRACED + "\n1 / 0\n")

    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert (last.name, last.lineno, last.line) == ("<module>", 18, "1 / 0")


def test_source_and_first_line_are_the_users(load: Load) -> None:
    module = load(TRACED)

    assert inspect.getsource(module.price) == "".join(TRACED.splitlines(keepends=True)[3:11])
    assert module.price.__code__.co_firstlineno == 4
    assert str(inspect.signature(module.price)) == "(quantity: int) -> int"


def test_the_caller_of_a_woven_function_is_the_users_frame(load: Load) -> None:
    module = load(
        "import sys\nfrom poet_import import poet\n@poet(retries=1, timeout=30)\ndef caller(n: int):\n    return sys._getframe(1)\n"
    )

    assert module.caller(1) is sys._getframe()


def test_a_tracer_sees_the_lines_that_it_sees_without_the_hook(load: Load) -> None:
    module = load(TRACED)
    lines: list[int] = []

    def trace(frame: object, event: str, _: object) -> object:
        if event == "line":
            lines.append(frame.f_lineno)  # type: ignore[attr-defined]
        return trace

    tracer = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        module.price(5)
    finally:
        sys.settrace(tracer)

    assert [line for line, _ in itertools.groupby(lines) if line > 4][:2] == [8, 9]
    assert set(lines) <= set(range(4, 12))


def crash(*_: object, **__: object) -> object:
    raise LookupError("crash")


@pytest.mark.parametrize("is_hooked", [True, False], ids=["hook", "marker"])
def test_a_crash_of_the_weaver_costs_one_warning_and_the_functions_are_wrapped(
    load: Load, monkeypatch: pytest.MonkeyPatch, *, is_hooked: bool
) -> None:
    import_module("poet_import.transpiler.core")
    monkeypatch.setattr("poet_import.transpiler.core.read_source", crash)
    if not is_hooked:
        poet_import.uninstall()

    with pytest.warns(PoetFallbackWarning, match="LookupError: crash") as caught:
        module = load(f"from poet_import import poet\n@poet\n{PRICE.format(indent='')}@poet\ndef other(): return 1")

    assert len(caught) == 1
    assert refuses(module.price)
    assert module.other() == 1
    if is_hooked:
        row = poet_import.status().modules["shop"]
        assert (row.state, row.functions, row.reason) == ("fallback", 0, "crash")


@pytest.mark.parametrize("is_hooked", [True, False], ids=["hook", "marker"])
def test_a_crash_of_the_weaver_is_raised_where_strict_is_set(
    load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, is_hooked: bool
) -> None:
    import_module("poet_import.transpiler.core")
    monkeypatch.setattr("poet_import.transpiler.core.read_source", crash)
    poet_import.install(cache_dir=tmp_path / "cache", strict=True)
    if not is_hooked:
        poet_import.uninstall()

    with pytest.raises(LookupError, match="crash"):
        load(f"from poet_import import poet\n@poet\n{PRICE.format(indent='')}")


def test_a_name_of_woven_code_in_the_users_module_leaves_it_to_the_wrapper(load: Load) -> None:
    with pytest.warns(PoetFallbackWarning, match="the name _poet_result belongs to woven code"):
        module = load(f"from poet_import import poet\n_poet_result = 1\n@poet\n{PRICE.format(indent='')}")

    assert refuses(module.price)


def test_poet_strict_raises_what_keeps_a_module_from_being_woven(run_python: Run, write: Write) -> None:
    write(f"from poet_import import poet\n_poet_result = 1\n@poet\n{PRICE.format(indent='')}")

    result = run_python("import poet_import, shop", POET_STRICT="1")

    assert result.stderr.splitlines()[-1].startswith("poet_import.errors.TranspileError")
    assert issubclass(TranspileError, poet_import.PoetError)


def test_each_closure_of_a_factory_has_its_own_options(load: Load) -> None:
    module = load("""
from poet_import import poet
def make(count, kind, hint):
    @poet(retries=count, retry_on=kind)
    def work(box: hint):
        box.append(1)
        raise KeyError(len(box))
    return work
""")
    works = [module.make(0, KeyError, list), module.make(1, KeyError, list), module.make(2, OSError, tuple)]

    attempts = []
    for work in works[:2]:
        box: list[int] = []
        with pytest.raises(KeyError):
            work(box)
        attempts.append(len(box))
    assert attempts == [1, 2]
    with pytest.raises(PerceiveError):
        works[2]([])


def test_a_return_inside_the_users_try_is_enforced(load: Load) -> None:
    module = load("""
from poet_import import poet
@poet
def price(quantity) -> int:
    try:
        return quantity
    except Exception:
        return 0
""")

    with pytest.raises(EnforceError):
        module.price("1")


def test_falling_off_the_end_is_enforced(load: Load) -> None:
    module = load("from poet_import import poet\n@poet\ndef price(quantity) -> int:\n    quantity += 1\n")

    with pytest.raises(EnforceError, match="got None"):
        module.price(1)


FREED = """
import weakref
from poet_import import poet
class Item:
    pass
def make():
    item = Item()
    return item, weakref.ref(item)
@poet{options}
def work(box: list[object]) -> bool:
    item, reference = box
    box.clear()
    del item
    return reference() is None
@poet{options}
def keep(item: object) -> object:
    item = None
    return item
def run():
    inside = work([*make()])
    item, reference = make()
    keep(item)
    del item
    return inside, reference() is None
"""


@pytest.mark.parametrize("is_hooked", [True, False], ids=["hook", "marker"])
@pytest.mark.parametrize("options", ["", "(retries=1)", "(retries=1, timeout=30)"])
def test_an_argument_is_freed_as_soon_as_without_the_hook(load: Load, options: str, *, is_hooked: bool) -> None:
    if not is_hooked:
        poet_import.uninstall()
    module = load(FREED.format(options=options))

    assert module.run() == (True, True)


def test_twenty_threads_import_cold_modules(load: Load, write: Write) -> None:
    names = [f"part{number}" for number in range(20)]
    for name in names:
        body = "\n".join(f"@poet\ndef f{number}(a: int) -> int:\n    return a" for number in range(40))
        write(f"# {name}\nfrom poet_import import poet\n{body}\n", name)
    load("")

    with ThreadPoolExecutor(len(names)) as pool:
        modules = list(pool.map(import_module, names))

    assert all(refuses(module.f39) for module in modules)


@pytest.mark.parametrize("count", [500, 1500])
def test_a_chain_of_many_elifs_imports(load: Load, count: int) -> None:
    chain = "".join(f"    elif n == {number}:\n        pass\n" for number in range(count))
    source = f"from poet_import import poet\n@poet\n{PRICE.format(indent='')}def deep(n):\n    if not n:\n        pass\n{chain}"

    try:
        compile(source, "shop.py", "exec")
    except RecursionError:
        with pytest.raises(RecursionError):
            load(source)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PoetFallbackWarning)
        assert refuses(load(source).price)


def test_lines_of_a_woven_module_are_in_linecache_as_written(load: Load) -> None:
    module = load(TRACED)

    assert linecache.getline(str(module.__file__), 5) == "def price(quantity: int) -> int:\n"


@pytest.mark.parametrize("lead", ["", '"""Sell."""\n', '"""Sell."""\nfrom __future__ import annotations\n'])
def test_a_module_that_cannot_be_woven_gets_the_bare_name_all_the_same(load: Load, lead: str) -> None:
    with pytest.warns(PoetFallbackWarning, match="the name _poet_result belongs to woven code"):
        module = load(f"{lead}_poet_result = 1\n@poet\n{PRICE.format(indent='')}")

    assert refuses(module.price)
    assert module.__doc__ == ("Sell." if lead else None)


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="it compiles a tree as deep as any text")
def test_a_module_too_deep_for_a_tree_must_import_the_marker(load: Load) -> None:
    deep = f"def deep(word): return word{'.x' * 1500}\n"

    with pytest.warns(PoetFallbackWarning, match="nested too deeply"), pytest.raises(NameError):
        load(f"@poet\n{PRICE.format(indent='')}{deep}")
    with pytest.warns(PoetFallbackWarning, match="nested too deeply"):
        assert refuses(load(f"from poet_import import poet\n@poet\n{PRICE.format(indent='')}{deep}", "store").price)
