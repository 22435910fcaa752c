"""Every kind of function that a user may mark: how it is written, what it is called by, and what it then answers."""

import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of function.

    Attributes:
        name: What it is called in the name of a test.
        text: The module's text below its imports; it marks its functions with ``@poet``.
        calls: Expressions that are evaluated in the module, with and without the hook.
        functions: Expressions of the objects whose facts are compared.
    """

    name: str
    text: str
    calls: tuple[str, ...]
    functions: tuple[str, ...]


def _kind(name: str, text: str, *calls: str, functions: str = "f") -> Kind:
    return Kind(name, text.strip("\n") + "\n", calls, tuple(functions.split()))


KINDS = [
    _kind("plain", '@poet\ndef f(x: int, y: int = 2) -> int:\n    """Add."""\n    return x + y', "f(1)", "f(1, y=5)"),
    _kind("keyword-only", "@poet\ndef f(*, x: int = 1, y: int) -> int:\n    return x - y", "f(y=3)"),
    _kind("positional-only", "@poet\ndef f(x: int, /, y: int = 2) -> int:\n    return x * y", "f(4)", "f(4, y=1)"),
    _kind(
        "variadic",
        "@poet\ndef f(x: int, *rest: int, **named: str) -> tuple:\n    return x, rest, named",
        "f(1, 2, 3, a='b')",
    ),
    _kind(
        "method",
        "class Shop:\n    @poet\n    def f(self, x: int) -> int:\n        return x + 1",
        "Shop().f(1)",
        "Shop.f(Shop(), 2)",
        functions="Shop.f",
    ),
    _kind(
        "classmethod",
        """
class Shop:
    @classmethod
    @poet
    def f(cls, x: int) -> str:
        return cls.__name__ + str(x)
    @poet
    @classmethod
    def g(cls, x: int) -> str:
        return cls.__name__ + str(x)
""",
        "Shop.f(1) + Shop().g(2)",
        "[type(vars(Shop)[name]).__name__ for name in 'fg']",
        functions="Shop.f Shop.g",
    ),
    _kind(
        "staticmethod",
        "class Shop:\n    @staticmethod\n    @poet\n    def f(x: int) -> int:\n        return x\n"
        "    @poet\n    @staticmethod\n    def g(x: int) -> int:\n        return -x",
        "Shop.f(1), Shop().g(2)",
        "[type(vars(Shop)[name]).__name__ for name in 'fg']",
        functions="Shop.f Shop.g",
    ),
    _kind(
        "property",
        """
class Shop:
    _x = 1
    @property
    @poet
    def f(self) -> int:
        return self._x
    @f.setter
    @poet
    def f(self, x: int) -> None:
        self._x = x
    @poet
    @property
    def g(self) -> int:
        return -self._x
shop = Shop()
""",
        "shop.f",
        "setattr(shop, 'f', 5)",
        "shop.f, shop.g",
        functions="Shop.f.fget Shop.f.fset Shop.g.fget",
    ),
    _kind(
        "abstractmethod",
        """
class Base(abc.ABC):
    @abc.abstractmethod
    @poet
    def f(self, x: int) -> int:
        return x
class Shop(Base):
    @poet
    def f(self, x: int) -> int:
        return super().f(x) + 1
""",
        "Shop().f(1)",
        "sorted(Base.__abstractmethods__)",
        functions="Base.f Shop.f",
    ),
    _kind("async", "@poet\nasync def f(x: int) -> int:\n    await asyncio.sleep(0)\n    return x", "asyncio.run(f(3))"),
    _kind(
        "generator",
        """
log = []
@poet
def f(x: int):
    try:
        while True:
            try:
                x = (yield x) or x + 1
                if x > 50:
                    return "done"
            except KeyError as error:
                x = -1
                log.append(repr(error))
    finally:
        log.append("closed")
def play(*steps):
    log.clear()
    generator, seen = f(1), []
    try:
        for name, *arguments in steps:
            seen.append(getattr(generator, name)(*arguments))
    except BaseException as error:
        seen.append(repr(error))
    return seen, log[:]
""",
        "play(('__next__',), ('send', 7), ('__next__',), ('close',))",
        "play(('__next__',), ('throw', KeyError('k')), ('throw', ValueError('v')))",
        "play(('__next__',), ('send', 99))",
        "play(('send', 1))",
        "[*itertools.islice(f(5), 3)]",
        functions="f play",
    ),
    _kind(
        "async-generator",
        """
log = []
@poet
async def f(x: int):
    try:
        while x < 9:
            try:
                x = (yield x) or x + 1
            except KeyError:
                x = -1
    finally:
        log.append("closed")
async def play():
    log.clear()
    generator = f(1)
    seen = [await anext(generator), await generator.asend(5), await generator.athrow(KeyError("k"))]
    await generator.aclose()
    return seen, log, [x async for x in f(6)]
""",
        "asyncio.run(play())",
    ),
    _kind(
        "contextmanager",
        """
@contextlib.contextmanager
@poet
def f(x: int):
    try:
        yield x
    except KeyError:
        yield_after.append(x)
@poet
@contextlib.contextmanager
def g(x: int):
    yield -x
yield_after = []
def use(manager, error=None):
    with manager as x:
        if error:
            raise error
        return x
""",
        "use(f(1)), use(g(2)), use(f(3), KeyError('swallowed')), yield_after",
        functions="f g use",
    ),
    _kind(
        "asynccontextmanager",
        """
@contextlib.asynccontextmanager
@poet
async def f(x: int):
    yield x
@poet
@contextlib.asynccontextmanager
async def g(x: int):
    yield -x
async def use(manager):
    async with manager as x:
        return x
""",
        "asyncio.run(use(f(1))), asyncio.run(use(g(2)))",
        functions="f g",
    ),
    _kind(
        "nested-nonlocal",
        """
@poet
def f(x: int) -> list:
    @poet
    def add(y: int) -> int:
        nonlocal x
        x += y
        return x
    return [add(1), add(2), x]
""",
        "f(1)",
        "f(10)",
    ),
    _kind("recursion", "@poet\ndef f(x: int) -> int:\n    return 1 if x < 2 else x * f(x - 1)", "f(20)"),
    _kind(
        "super-and-class-cell",
        """
class Base:
    @poet
    def f(self, x: int) -> int:
        return x
class Shop(Base):
    @poet(retries=1)
    def f(self, x: int) -> int:
        return super().f(x) + len(__class__.__name__)
""",
        "Shop().f(1)",
        functions="Base.f Shop.f",
    ),
    _kind(
        "name-mangling",
        """
class Shop:
    __rate = 3
    @poet(retries=1)
    def f(self, __x: int) -> int:
        return self.__rate * __x
    @poet
    def __hidden(self, x: int) -> int:
        return x
    @poet
    def g(self, x: int) -> int:
        return self.__hidden(x)
""",
        "Shop().f(2), Shop().g(3)",
        functions="Shop.f Shop.g Shop._Shop__hidden",
    ),
    _kind(
        "enum-body",
        """
class Colour(enum.Enum):
    RED = 1
    @poet
    def f(self, x: int) -> str:
        return self.name * x
    @classmethod
    @poet
    def parse(cls, text: str) -> "Colour":
        return cls[text]
""",
        "Colour.RED.f(2), Colour.parse('RED').value, [colour.name for colour in Colour]",
        functions="Colour.f Colour.parse",
    ),
    _kind(
        "dataclass-body",
        """
@dataclasses.dataclass
class Item:
    price: float
    @poet
    def f(self, x: int = 2) -> float:
        return self.price * x
    @poet
    def __post_init__(self) -> None:
        self.price += 1
""",
        "Item(1.5).f(), Item(1.5), [field.name for field in dataclasses.fields(Item)]",
        functions="Item.f Item.__post_init__ Item.__init__",
    ),
    _kind(
        "slots",
        "class Shop:\n    __slots__ = ('x',)\n    @poet\n    def __init__(self, x: int) -> None:\n        self.x = x",
        "Shop(3).x, hasattr(Shop(3), '__dict__')",
        functions="Shop.__init__",
    ),
    _kind(
        "init-subclass",
        """
class Base:
    names = []
    @poet
    def __init_subclass__(cls, *, tag: str = "", **rest: object) -> None:
        super().__init_subclass__(**rest)
        cls.names.append(cls.__name__ + tag)
    @poet
    def __class_getitem__(cls, x: int) -> str:
        return cls.__name__ + str(x)
class Shop(Base, tag="!"):
    pass
""",
        "Base.names, Shop[3]",
        functions="Base.__init_subclass__ Base.__class_getitem__",
    ),
    _kind(
        "metaclass",
        """
class Meta(type):
    @poet
    def __call__(cls, x: int) -> object:
        return super().__call__() if x else cls
class Shop(metaclass=Meta):
    pass
""",
        "type(Shop(1)).__name__, Shop(0).__name__",
        functions="Meta.__call__",
    ),
    _kind(
        "global",
        "count = 0\n@poet(retries=1)\ndef f(x: int) -> int:\n    global count\n    count += x\n    return count",
        "f(1), f(2), count",
    ),
    _kind(
        "locals-and-exec",
        """
@poet(retries=1, timeout=60)
def f(x: int) -> list:
    y = x + 1
    names = sorted(locals())
    exec("z = x + y", globals(), found := dict(locals()))
    return [names, sorted(vars()), sorted(dir()), found["z"], eval("x * y")]
""",
        "f(2)",
    ),
    _kind(
        "returns-everywhere",
        """
@poet
def f(x: int) -> int:
    for number in range(x):
        if number == 3:
            return number
    else:
        match x:
            case 0:
                return 100
            case 1 | 2:
                return 200
    try:
        return x
    finally:
        if x == -1:
            return 300
""",
        "[f(x) for x in (-1, -2, 0, 1, 3, 9)]",
    ),
    _kind(
        "overloads",
        """
@typing.overload
def f(x: int) -> int: ...
@typing.overload
def f(x: str) -> str: ...
@poet
def f(x: int | str) -> int | str:
    return x * 2
""",
        "f(2), f('a')",
    ),
    _kind(
        "singledispatch",
        """
@functools.singledispatch
@poet
def f(x: object) -> str:
    return "object"
@f.register
@poet
def _(x: int) -> str:
    return "int"
class Shop:
    @functools.singledispatchmethod
    @poet
    def g(self, x: object) -> str:
        return "object"
    @g.register
    @poet
    def _(self, x: int) -> str:
        return "int"
""",
        "f('a'), f(1), Shop().g('a'), Shop().g(1)",
        functions="f f.registry[int]",
    ),
    _kind(
        "functools",
        """
@functools.cache
@poet
def f(x: int) -> list:
    return [x]
@poet
@functools.lru_cache(maxsize=2)
def g(x: int) -> list:
    return [x]
class Shop:
    @functools.cached_property
    @poet
    def value(self) -> list:
        return [1]
    @poet
    def add(self, x: int, y: int) -> int:
        return x + y
    add_one = functools.partialmethod(add, 1)
def logged(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return ["logged", function(*args, **kwargs)]
    return wrapper
@logged
@poet
def above(x: int) -> int:
    return x
@poet
@logged
def below(x: int) -> int:
    return x
shop = Shop()
""",
        "f(1) is f(1), g(1) is g(1), f.cache_info().hits, shop.value is shop.value, shop.add_one(2)",
        "above(1), below(2)",
        functions="f g Shop.add above below",
    ),
    _kind("walrus", "@poet\ndef f(x: int) -> int:\n    return y if (y := x + 1) > 2 else -y", "f(1), f(5)"),
    _kind(
        "lambda-default",
        "@poet\ndef f(x: int, key=lambda y: -y, *, other=(lambda: 7)()) -> int:\n    return key(x) + other",
        "f(1), f(1, abs)",
    ),
    _kind(
        "multi-line-strings",
        '@poet(retries=1, timeout=60)\ndef f(x: int) -> str:\n    """One\n  two.\n    """\n    text = f"""a\n  {x}\n'
        '\tb"""\n    return text + """\n\n    end"""',
        "f(1)",
    ),
    _kind("one-line", "@poet\ndef f(x: int) -> int: return x; print('never')", "f(1)"),
    _kind("docstring-only", '@poet\ndef f(x=1):\n    """Nothing but words."""', "f()"),
    _kind(
        "ellipsis-only", "class P(typing.Protocol):\n    @poet\n    def f(self, x: int) -> int: ...", functions="P.f"
    ),
    _kind(
        "defaults-evaluated-once",
        "made = []\n@poet(retries=1)\ndef f(x: list = made.append(1) or [], *, y=len(made)) -> int:\n    x.append(y)\n"
        "    return len(x)",
        "f(), f(), made",
    ),
    _kind(
        "rebound-parameters",
        """
@poet(retries=2)
def f(x: int, *rest: int) -> list:
    x += 1
    rest = [*rest, x]
    del x
    return rest
""",
        "f(1, 2)",
    ),
    _kind(
        "exceptions-and-finally",
        """
log = []
@poet(retries=1)
def f(x: int) -> int:
    try:
        if x:
            raise TypeError(x)
        return 1
    except TypeError as error:
        log.append(str(error))
        return 2
    finally:
        log.append("end")
""",
        "f(0), f(1), log",
    ),
    _kind(
        "decorated-closures",
        """
def make(number: int):
    @poet
    def f(x: int, y=number) -> int:
        return x + y + number
    return f
one, two = make(1), make(2)
""",
        "one(1), two(1), one.__defaults__, two.__defaults__",
        functions="one two",
    ),
]

if sys.version_info >= (3, 12):
    KINDS.append(
        _kind(
            "type-parameters",
            "@poet\ndef f[T: int, *Ts, **P](x: T, *rest: *Ts) -> T:\n    return x\n"
            "class Box[T]:\n    @poet\n    def g[U](self, x: T, y: U) -> U:\n        return y",
            "f(1, 'a'), Box().g(1, 2)",
            functions="f Box.g",
        )
    )
