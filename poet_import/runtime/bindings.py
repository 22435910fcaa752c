"""What woven code must know of its own function object: evaluated annotations, defaults, the value of ``retry_on``.

Python gives a running function no way to itself, but its frame has its code. So a binding is kept for each code object.
Closures of one definition share their code; where their annotations may differ, the weaver asks for `own_hints`.
"""

from _weakref import ref
from sys import _getframe  # bound now: somebody may take it away later

TYPE_CHECKING = False  # typing's is the same to a type checker, and costs an import
if TYPE_CHECKING:
    from types import CellType, CodeType, FunctionType

_ATTRIBUTE = "__poet_binding__"
_MISSING = object()
_MOST_TEXT = 200


class Binding:
    """The facts of one function, or of all closures that share its code."""

    __slots__ = ("__weakref__", "_annotations", "_code", "_defaults", "_function", "checks", "retry_on", "skipped")

    def __init__(self, function: "FunctionType", *, own: bool) -> None:
        self._function = ref(function)
        self._annotations = None if own else function.__annotations__
        self._defaults = None if own else (function.__defaults__, function.__kwdefaults__)
        self._code = None if own else function.__code__
        self.checks: dict[str, object] = {}  # parameter -> predicate, None where the hint cannot be decided
        self.skipped: dict[str, str] = {}  # parameter -> why its hint cannot be decided
        self.retry_on: object = None

    def is_about(self, code: "CodeType") -> bool:
        """Tell whether a code object is what somebody has put in the place of the function's."""
        function, known = self._function(), self._code
        if function is not None and function.__code__ is code:
            return True
        return known is not None and _place(known) == _place(code)

    def annotation(self, parameter: str) -> object:
        """Return the annotation of a parameter as Python evaluated it."""
        found = self._annotations
        if found is None:
            found = getattr(self._function(), "__annotations__", {})
        return found.get(parameter.lstrip("*"), _MISSING)

    @property
    def namespace(self) -> dict[str, object]:
        """Return the globals that a string annotation is evaluated in; closure variables and type parameters added."""
        function = self._function()
        if function is None:
            return {}
        names = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        found = function.__globals__ | {name: cell.cell_contents for name, cell in names if _is_filled(cell)}
        return found | {parameter.__name__: parameter for parameter in getattr(function, "__type_params__", ())}

    def default(self, parameter: str, code: "CodeType") -> object:
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


def _is_filled(cell: "CellType") -> bool:
    try:
        return cell.cell_contents is not _MISSING
    except ValueError:
        return False


def _place(code: "CodeType") -> tuple[str, int, str]:
    return code.co_filename, code.co_firstlineno, code.co_qualname


# By id of the code. A binding of closures that share their code is kept, and their code with it, so that its id is not
# given anew; that of a function of its own lives in the function, which may be reached from what its annotations name.
_bindings: "dict[int, Binding | ref[Binding] | None]" = {}
_replaced: "list[CodeType]" = []  # kept, so that their ids are not given anew


def hints(function: "FunctionType") -> "FunctionType":
    """Keep the annotations of a function at hand for the checks woven into it."""
    code = function.__code__
    if not isinstance(_bindings.get(id(code)), Binding):
        _bindings[id(code)] = Binding(function, own=False)
    return function


def own_hints(function: "FunctionType") -> "FunctionType":
    """Do the same for one closure of several that share their code: it gets a code object of its own."""
    code = function.__code__ = function.__code__.replace()
    binding = Binding(function, own=True)
    function.__dict__[_ATTRIBUTE] = binding
    key = id(code)
    _bindings[key] = ref(binding, lambda _: _bindings.pop(key, None))
    return function


def binding_of(code: "CodeType") -> Binding | None:
    """Return what is kept for a code object."""
    found = _bindings.get(id(code))
    return found() if isinstance(found, ref) else found


def binding_of_running(code: "CodeType") -> Binding | None:
    """Do the same for code that runs: a debugger or a coverage tool may have put it in the place of what was woven."""
    if id(code) not in _bindings:
        _replaced.append(code)
        _bindings[id(code)] = next((found for found in list(_bindings.values()) if _is_about(found, code)), None)
    return binding_of(code)


def _is_about(found: "Binding | ref[Binding] | None", code: "CodeType") -> bool:
    binding = found() if isinstance(found, ref) else found
    return binding is not None and binding.is_about(code)


def bound_retry_on(code: "CodeType") -> object:
    """Return the value of ``retry_on`` that the marker of a running function was given, or None."""
    binding = binding_of_running(code)
    return binding.retry_on if binding else None


def is_default(parameter: str, value: object) -> bool:
    """Tell whether a value is the default of the calling function's parameter."""
    code = _getframe(1).f_code
    binding = binding_of_running(code)
    return binding is not None and binding.default(parameter, code) is value


def expected(code: "CodeType", parameter: str) -> str:
    """Return an annotation as text, for messages."""
    binding = binding_of_running(code)
    hint = binding.annotation(parameter) if binding else _MISSING
    return "what its annotation says" if hint is _MISSING else hint_text(hint)


def hint_text(hint: object) -> str:
    """Return an annotation the way a user would write it, cut where it is long."""
    if isinstance(hint, str):
        text = hint
    elif isinstance(hint, type) and not hasattr(hint, "__origin__"):
        text = hint.__qualname__
    else:
        try:
            text = repr(hint).replace("typing.", "")
        except Exception:  # noqa: BLE001  (metadata of the user's may raise anything; the violation is what matters)
            text = "what its annotation says"
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}…"
