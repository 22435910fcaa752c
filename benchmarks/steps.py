"""Count what the import of one warm module consists of, with ``@poet`` and without: the profile behind the ratio."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.imports import MARKED, NO_OP, PLAIN, write_folders
from benchmarks.processes import Interpreter, can_count
from benchmarks.report import Part, Table

_TIMES = 200  # each step, before and again: the difference of the two counts is what it takes, loading not counted
_SETUP = """
import marshal, sys
from _frozen_importlib_external import SourceFileLoader
import poet_import
from poet_import.cache.bytecode import _unsealed, read_file
from poet_import.hook import finder, loader
import shop_0
path = shop_0.__file__
stock, ours = SourceFileLoader("shop_0", path), loader.PoetLoader("shop_0", path)
hook, find = loader.hook, finder._finder
others = [other for other in sys.meta_path if other is not find]
pyc = open(shop_0.__cached__, "rb").read()[16:]
source = read_file(path)
lineage = hook.cache.known.get(path, ("base",))
entry = f"{hook.cache.directory}/{hook.cache.key(source, lineage)}.poetc"
sealed = read_file(entry) if path in hook.cache.known else b""
payload = _unsealed(sealed) if sealed else b""
names = {"__name__": "shop_0", "__poet__": None}
code = ours.get_code("shop_0")
def step():
    {step}
for _ in range(int(sys.argv[1])):
    step()
"""
_EMPTY = "pass"
_STEPS = (  # label, what Python does for an undecorated module, what is done for a marked one
    ("find the module", '[other.find_spec("shop_0", None) for other in others]', 'find.find_spec("shop_0")'),
    ("load its code: all of it", 'stock.get_code("shop_0")', 'ours.get_code("shop_0")'),
    ("– read the source and digest it", "", "hook.cache.key(read_file(path), lineage)"),
    ("– read the cached code and check that it is whole", "", "_unsealed(read_file(entry))"),
    ("– unpack the code", "marshal.loads(pyc)", "marshal.loads(payload)"),
    ("run it", "exec(code, dict(names))", "exec(code, dict(names))"),
)
_HEAD = ("thousand instructions a module", "undecorated", "a `poet` that does nothing", "`@poet`")


def measure(repeats: int, *, fraction: float = 1.0) -> Part:
    """Count the steps of importing one warm module of each kind.

    Args:
        repeats: Not used: a count is the same each time.
        fraction: How many of the calls of a step are counted.
    """
    del repeats
    if not can_count():
        return Part([Table("What a warm import consists of", _NOT_HERE, _HEAD, [])])
    times = max(10, round(_TIMES * fraction))
    with TemporaryDirectory() as folder:
        work = Path(folder)
        write_folders((PLAIN, NO_OP, MARKED), work, modules=1)
        counters = [_counter(Interpreter(work, kind.folder), times) for kind in (PLAIN, NO_OP, MARKED)]
        rows = [_row(label, counters, (python, python, ours)) for label, python, ours in _STEPS]
    return Part([Table("What a warm import consists of", _ABOUT, _HEAD, rows)])


def _counter(interpreter: Interpreter, times: int) -> Callable[[str], float]:
    """Return what counts the instructions of a step in the folder of one kind, whose caches it fills first."""

    def count(step: str) -> float:
        program = _SETUP.replace("{step}", step)
        return (interpreter.count(program, 2 * times) - interpreter.count(program, times)) / times

    interpreter.run(_SETUP.replace("{step}", _EMPTY), 0)
    nothing = count(_EMPTY)
    return lambda step: count(step) - nothing


def _row(label: str, counters: list[Callable[[str], float]], steps: tuple[str, ...]) -> list[str]:
    counts = [count(step) if step else None for count, step in zip(counters, steps, strict=True)]
    return [label, *("–" if found is None else f"{found / 1000:.0f}" for found in counts)]


_ABOUT = """
Counted by callgrind for one of the modules above; the lines with a dash are parts of the line before them.
The rest of an import (the module object, its specification, the locks) is Python's own and the same for all.
"""
_NOT_HERE = "valgrind is not installed here, so nothing was counted."
