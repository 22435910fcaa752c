"""Values as short texts, for those who asked that events hold them. Runs no code of the user's.

A text is a Python literal wherever the value is one and short enough; ``…`` tells that something was cut, and
``<shop.Basket>`` stands for an object of a class of the user's.
"""

from itertools import islice

TYPE_CHECKING = False  # typing's is the same to a type checker, and costs an import
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SECRET = ("password", "passwd", "passphrase", "secret", "token", "credential", "authorization", "cookie")
_SECRET_ENDS = ("api_key", "apikey", "access_key", "private_key", "pwd")
REDACTED = "<redacted>"
_MOST_TEXT = 200  # characters of one string, bytes of one bytes
_MOST_BITS = 256
_MOST_ITEMS = 20
_MOST_DEPTH = 4
_MOST_IN_ALL = 2000  # characters of one value's text, and of all arguments together
_MOST_MESSAGE = 500
_SHORTEST_SECRET = 4  # characters: a shorter one would blot out half of any message
_SCALARS = (int, float, complex, bool, type(None), type(...))
_BRACKETS: "dict[type, tuple[str, str]]" = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
    dict: ("{", "}"),
}


def is_secret(name: object) -> bool:
    """Tell whether a parameter or key is named like something that must not be written down."""
    if type(name) is not str:
        return False
    lower = name.lower().replace("-", "_")
    return lower.endswith(_SECRET_ENDS) or any(part in lower for part in _SECRET)


def given(**values: object) -> dict[str, str]:
    """Return the arguments of a call as texts; those with a secret's name are redacted."""
    left, texts = _MOST_IN_ALL, {}
    for name, value in values.items():
        text = REDACTED if is_secret(name) else shown(value, most=left)
        texts[name] = text
        left = max(1, left - len(text))
    return texts


def shown(value: object, *, most: int = _MOST_IN_ALL) -> str:
    """Return a value as text of about so many characters at most."""
    text = _Text(most)
    text.add(value, 0)
    return "".join(text.parts)


def message_of(error: BaseException, names: "Mapping[str, object]") -> str:
    """Return what an exception says, without the values of variables that are named like secrets."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  (the user's own ``__str__`` may raise anything; the call must not)
        return "<its text cannot be had>"
    for name, value in names.items():
        if is_secret(name) and type(value) is str and len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, REDACTED)
    return text if len(text) <= _MOST_MESSAGE else f"{text[:_MOST_MESSAGE]}…"


class _Text:
    """A text under way, with how much of it is left to write."""

    __slots__ = ("left", "parts")

    def __init__(self, most: int) -> None:
        self.parts: list[str] = []
        self.left = most

    def put(self, text: str) -> None:
        self.parts.append(text)
        self.left -= len(text)

    def add(self, value: object, depth: int) -> None:
        """Write a value, and what is in it."""
        kind = type(value)
        if kind in _SCALARS:
            is_long = kind is int and value.bit_length() > _MOST_BITS  # type: ignore[attr-defined]  # its type was just compared
            self.put(f"<int of {value.bit_length()} bits>" if is_long else repr(value))  # type: ignore[attr-defined]  # as above
        elif kind is str or kind is bytes:
            most = max(1, min(_MOST_TEXT, self.left))
            self.put(f"{value[:most]!r}{'…' if len(value) > most else ''}")  # type: ignore[arg-type, index]  # as above
        elif kind in _BRACKETS and value:
            self._add_items(value, depth)
        elif kind in _BRACKETS:
            self.put(repr(value))
        else:
            self.put(f"<{kind.__module__}.{kind.__qualname__}>")

    def _add_items(self, value: object, depth: int) -> None:
        kind: type = type(value)
        opening, closing = _BRACKETS[kind]
        self.put(opening)
        try:
            items: list[object] = list(islice(value, _MOST_ITEMS + 1))  # type: ignore[call-overload]  # a built-in container
        except RuntimeError:  # pragma: no cover  (another thread changes it meanwhile)
            items = []
        is_cut = self._add_each(items[:_MOST_ITEMS], value, depth) or len(items) != min(len(value), _MOST_ITEMS)  # type: ignore[arg-type]  # as above
        if is_cut:
            self.put("…")
        elif kind is tuple and len(items) == 1:
            self.put(",")
        self.put(closing)

    def _add_each(self, items: "Iterable[object]", value: object, depth: int) -> bool:
        """Write items, and return whether some had to be left out."""
        for number, item in enumerate(items):
            if self.left <= 0 or depth >= _MOST_DEPTH:
                return True
            if number:
                self.put(", ")
            self.add(item, depth + 1)
            if type(value) is dict:
                self.put(": ")
                if is_secret(item):
                    self.put(REDACTED)
                else:
                    self.add(value.get(item), depth + 1)  # it may be gone by now
        return False
