"""What woven code must know of its own function object: evaluated annotations, defaults, the value of ``retry_on``.

Python gives a running function no way to itself, but its frame has its code. So a binding is kept for each code object.
Closures of one definition share their code; where their annotations may differ, the weaver asks for `own_hints`.
"""

from sys import _getframe  # bound now: somebody may take it away later
from _weakref import ref
from types import CellType, CodeType, FunctionType

_MISSING = object()


class Binding:
    """The facts of one function, or of all closures that share its code."""

    __slots__ = ("_annotations", "_defaults", "_function", "_guard", "checks", "code", "retry_on", "skipped")

    def __init__(self, function: FunctionType, *, own: bool) -> None:
        code = function.__code__
        self._function = ref(function)
        self._annotations = None if own else function.__annotations__
        self._defaults = None if own else (function.__defaults__, function.__kwdefaults__)
        # A code object of a function's own dies with it; a shared one is kept, so that its id is not given anew.
        self.code: CodeType | None = None if own else code
        self._guard = ref(code, lambda _, key=id(code): _bindings.pop(key, None)) if own else None  # type: ignore[misc]
        self.checks: dict[str, object] = {}  # parameter -> predicate, None where the hint cannot be decided
        self.skipped: dict[str, str] = {}  # parameter -> why its hint cannot be decided
        self.retry_on: object = None

    def annotation(self, parameter: str) -> object:
        """Return the annotation of a parameter as Python evaluated it."""
        found = self._annotations
        if found is None:
            found = getattr(self._function(), "__annotations__", {})
        return found.get(parameter.lstrip("*"), _MISSING)

    @property
    def namespace(self) -> dict[str, object]:
        """Return the globals that a string annotation is evaluated in, closure variables added."""
        function = self._function()
        if function is None:
            return {}
        names = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        return function.__globals__ | {name: cell.cell_contents for name, cell in names if _is_filled(cell)}

    def default(self, parameter: str, code: CodeType) -> object:
        """Return the default of a parameter, or an object that is nobody's default."""
        function = self._function()
        if self._defaults is not None:
            positional, keyword = self._defaults
        elif function is not None:
            positional, keyword = function.__defaults__, function.__kwdefaults__
        else:
            return _MISSING
        if keyword and parameter in keyword:
            return keyword[parameter]
        names = code.co_varnames[: code.co_argcount]
        if parameter not in names or not positional:
            return _MISSING
        index = names.index(parameter) - len(names)
        return positional[index] if -index <= len(positional) else _MISSING


def _is_filled(cell: CellType) -> bool:
    try:
        return cell.cell_contents is not _MISSING
    except ValueError:
        return False


_bindings: dict[int, Binding] = {}


def hints(function: FunctionType) -> FunctionType:
    """Keep the annotations of a function at hand for the checks woven into it."""
    code = function.__code__
    known = _bindings.get(id(code))
    if known is None or known.code is not code:
        _bindings[id(code)] = Binding(function, own=False)
    return function


def own_hints(function: FunctionType) -> FunctionType:
    """Do the same for one closure of several that share their code: it gets a code object of its own."""
    function.__code__ = function.__code__.replace()
    _bindings[id(function.__code__)] = Binding(function, own=True)
    return function


def binding_of(code: CodeType) -> Binding | None:
    """Return what is kept for a code object."""
    return _bindings.get(id(code))


def is_default(parameter: str, value: object) -> bool:
    """Tell whether a value is the default of the calling function's parameter."""
    code = _getframe(1).f_code
    binding = _bindings.get(id(code))
    return binding is not None and binding.default(parameter, code) is value


def expected(code: CodeType, parameter: str) -> str:
    """Return an annotation as text, for messages."""
    binding = _bindings.get(id(code))
    hint = binding.annotation(parameter) if binding else _MISSING
    return "what its annotation says" if hint is _MISSING else hint_text(hint)


def hint_text(hint: object) -> str:
    """Return an annotation the way a user would write it."""
    if isinstance(hint, str):
        return hint
    if isinstance(hint, type) and not hasattr(hint, "__origin__"):
        return hint.__qualname__
    return repr(hint).replace("typing.", "")
