"""What happens to a module that mentions ``poet`` and that no cache knows: confirm, weave, compile, keep."""

from __future__ import annotations

import ast
import marshal
from collections.abc import Callable
from dis import get_instructions
from importlib.machinery import SourceFileLoader
from importlib.util import decode_source
from io import BytesIO
from tokenize import detect_encoding
from types import CodeType
from typing import TYPE_CHECKING, Any

from poet_import import runtime
from poet_import.cache.bytecode import CachedModule
from poet_import.cache.frozen import FrozenStore
from poet_import.cache.stamps import folder_beside
from poet_import.errors import StaleError, TranspileError
from poet_import.hook.loader import Hook, PoetMixin, register
from poet_import.runtime.hosting import is_hosted
from poet_import.source.compiling import compile_tree, functions_of, no_collection, parse
from poet_import.source.weaver import MARKER_IMPORT
from poet_import.transpiler import transpiler_over
from poet_import.transpiler.weaving import warn_unwoven
from poet_import.transpiler.woven import Woven, row_of

if TYPE_CHECKING:
    from poet_import.cache.stamps import Beside, Stamps
    from poet_import.runtime import Rows


def rewrite(hook: Hook, loader: Any, fullname: str, *, stock: CodeType) -> CodeType:
    """Return the woven code of a module, or the stock code where nothing is marked or weaving fails.

    Args:
        hook: The active hook.
        loader: The module's loader, a ``SourceFileLoader`` with a `PoetMixin`: its type cannot be said in one class.
        fullname: The module's name.
        stock: What Python compiled the module to.
    """
    path = loader.get_filename(fullname)
    try:
        return _rewrite(hook, loader, fullname) or stock
    except StaleError:  # what the mode ``frozen`` is for
        raise
    except Exception as error:  # the last line of defence: an import never breaks because of us
        if hook.settings.strict:
            raise
        runtime.woven_rows[path] = {}
        hook.seen[fullname] = ("fallback", path, str(error))
        warn_unwoven(f"{fullname} is not rewritten, so @poet acts when its functions are defined", error, filename=path)
        return _with_marker(loader, path, stock) or stock


def _with_marker(loader: Any, path: str, stock: CodeType) -> CodeType | None:
    """Return a module's plain code with ``poet`` imported, or None where it binds that name itself.

    A loader of the user's own class may read anything; what it makes of its file stays as it is.
    """
    if loader.made_from is not SourceFileLoader or not _lacks_marker(stock):
        return None
    try:
        tree = parse(decode_source(loader.get_data(path)), path)
        first = next(index for index, node in enumerate(tree.body) if not _must_lead(node))
        (marker,) = parse(MARKER_IMPORT).body
        ast.copy_location(marker, tree.body[first])
        tree.body.insert(first, ast.fix_missing_locations(marker))
        return compile_tree(tree, path)
    except (OSError, SyntaxError, ValueError):  # it was edited meanwhile
        return None
    except RecursionError:  # a text may be deeper than a tree
        return None


_LOADS = {"LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"}


def _lacks_marker(stock: CodeType) -> bool:
    """Tell whether a module reads the name ``poet`` and binds it nowhere; its code tells even where its tree cannot."""
    uses = False
    for code in (stock, *functions_of(stock)):
        found = {instruction.opname for instruction in get_instructions(code) if instruction.argval == "poet"}
        if "STORE_GLOBAL" in found or (code is stock and "STORE_NAME" in found):
            return False
        uses |= bool(found & _LOADS) and "STORE_NAME" not in found
    return uses


def _must_lead(node: ast.stmt) -> bool:
    """Tell whether nothing may stand above a statement: a docstring or a ``__future__`` import."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _rewrite(hook: Hook, loader: Any, fullname: str) -> CodeType | None:
    """Return the woven code, or None where no function is marked."""
    path = loader.get_filename(fullname)
    source: bytes = loader.get_data(path)
    cache = hook.cache
    is_own = loader.made_from is not SourceFileLoader
    beside = folder_beside(path)
    place = path if beside else ""
    lineage = cache.known.get(path, ("base",))
    module = None if is_own else cache.load(cache.key(source, lineage, place=place), path, beside=beside)
    state, reason = "cached", ""
    if module is None:
        woven = transpiler_over(hook.settings, cache.directory).transpile(source, path, is_hosted=is_hosted())
        if not woven.functions and not woven.is_adopted:
            cache.remember_plain(path, source)
            return None
        state, lineage = "fallback" if woven.fallbacks else "frozen" if woven.is_frozen else "rewritten", woven.lineage
        reason = "; ".join(f"{qualname}: {why}" for qualname, why in woven.fallbacks.items())
        with no_collection():
            module = _compile_by(loader, fullname, woven) if is_own else _module(woven, woven.compile(path))
        stamps = _stamps(path, beside) if beside else None
        is_settled = stamps is not None or not beside
        if not is_own and not woven.is_provisional and is_settled:
            module.stamps = stamps
            if cache.store(cache.key(source, lineage, place=place), module):
                cache.remember(path, lineage)
    elif not is_own:
        cache.remember(path, lineage)
    register(fullname, path, module, state=state, reason=reason)
    return module.code


def _stamps(path: str, beside: Beside) -> Stamps | None:
    store = FrozenStore(path)
    return beside.stamps(store.names(), is_marked=store.is_marked)


def _module(woven: Woven, code: CodeType) -> CachedModule:
    return _packed(woven, code, {function.first_line: row_of(function) for function in woven.functions})


def _packed(woven: Woven, code: CodeType, rows: Rows) -> CachedModule:
    # The very rows and names that are there already: marshal writes each of those once.
    same = {row: row for row in rows.values()}
    found = woven.generated_rows()
    elsewhere = {name: {line: same.get(row, row) for line, row in lines.items()} for name, lines in found.items()}
    names = {one.co_filename: one.co_filename for one in functions_of(code)}
    generated = tuple(names[name] for name in elsewhere if name in names)
    beside = woven.shadow_rows(code.co_filename)
    shadows = tuple((filename, marshal.dumps(lines)) for filename, lines in beside.items())
    return CachedModule(code, marshal.dumps({"": rows, **elsewhere}), woven.needs, generated=generated, shadows=shadows)


def _compile_by(loader: Any, fullname: str, woven: Woven) -> CachedModule:
    """Compile a woven module in the way of a loader's own class, which may change it further.

    Its ``get_code`` runs once more: it finds no cached bytecode, and its ``source_to_code`` gets the woven tree, or the
    woven text where it cannot take a tree; the lines of that module are then those of the woven text.

    Raises:
        TranspileError: The class has not asked for the code.
    """
    path = loader.get_filename(fullname)
    given: list[object] = []
    own = loader.source_to_code  # may be a static method

    def refuse(_path: str) -> object:
        raise OSError

    def source_to_code(data: bytes, *arguments: object, **options: object) -> object:
        given.append(woven.tree)
        try:
            return own(woven.tree, *arguments, **options)
        except (TypeError, AttributeError):
            given.append(woven.text.encode(detect_encoding(BytesIO(data).readline)[0]))
            return own(given[-1], *arguments, **options)

    instead: dict[str, Callable[..., object]] = {"path_stats": refuse, "source_to_code": source_to_code}
    loader.__dict__.update(instead)
    try:
        code = super(PoetMixin, loader).get_code(fullname)
    finally:
        for name in instead:
            del loader.__dict__[name]
    if not given:
        raise TranspileError("its loader compiles it in a way of its own", filename=path)
    return _module(woven, code) if len(given) == 1 else _packed(woven, code, _moved_rows(woven, code))


def _moved_rows(woven: Woven, code: CodeType) -> Rows:
    """Return the rows of a module whose functions have the lines of the woven text."""
    codes = sorted(functions_of(code), key=lambda found: found.co_firstlineno)
    rows: Rows = {}
    for function in woven.functions:
        lines = [code.co_firstlineno for code in codes if code.co_qualname == function.qualname]
        rows[next(line for line in lines if line not in rows)] = row_of(function)
    return rows
