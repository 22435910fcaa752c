"""Libraries that read a function's signature, replace it or compile it: marked functions are to them as any other."""

import functools
import inspect
from collections.abc import Callable
from types import ModuleType

import click
import pytest
from click.testing import CliRunner

import poet_import
from poet_import import PerceiveError

Load = Callable[..., ModuleType]

API = """\
from typing import Annotated

from fastapi import Depends, FastAPI, Header

from poet_import import poet

app = FastAPI()
tries = []


@poet
def taxed(tax: float = 0.0) -> float:
    return 1 + tax


@poet
async def keyed(x_key: Annotated[str, Header()]) -> str:
    return x_key


@app.get("/sync/{quantity}")
@poet(retries=1, retry_on=OSError, timeout=60)
def sync(quantity: int, factor: Annotated[float, Depends(taxed)]) -> float:
    tries.append(quantity)
    if len(tries) == 1:
        raise OSError
    return quantity * factor


@app.get("/async/{quantity}")
@poet(retries=1, retry_on=OSError, timeout=60)
async def asynchronous(quantity: int, key: Annotated[str, Depends(keyed)]) -> dict[str, int]:
    return {key: quantity}


@app.get("/wrong")
@poet
async def wrong() -> int:
    return "1"


@poet
@app.get("/below/{quantity}")
def below(quantity: int) -> int:
    return quantity
"""


async def test_endpoints_and_dependencies_keep_their_signature_and_are_hardened(load: Load) -> None:
    pytest.importorskip("fastapi", reason="fastapi comes with the extra 'peers'")
    httpx = pytest.importorskip("httpx", reason="httpx comes with the extra 'peers'")
    api = load(API, "api")

    async with httpx.AsyncClient(transport=httpx.ASGITransport(api.app), base_url="http://shop") as client:
        assert (await client.get("/sync/2?tax=1")).json() == 4.0
        assert api.tries == [2, 2]
        refused = await client.get("/sync/two")
        assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["path", "quantity"])
        assert (await client.get("/async/2", headers={"x-key": "tea"})).json() == {"tea": 2}
        assert (await client.get("/async/2")).json()["detail"][0]["loc"] == ["header", "x-key"]
        assert (await client.get("/below/2")).json() == 2
        with pytest.raises(poet_import.EnforceError):
            await client.get("/wrong")
        paths = (await client.get("/openapi.json")).json()["paths"]
    parameters = paths["/sync/{quantity}"]["get"]["parameters"]
    assert [(found["in"], found["name"]) for found in parameters] == [("path", "quantity"), ("query", "tax")]


COMMAND = """\
import click
from poet_import import poet

{first}
{second}
@click.option("--quantity", type={kind})
@click.argument("name")
def price(quantity: int, name: str) -> None:
    \"\"\"Tell the price.\"\"\"
    click.echo(f"{{name}} {{quantity}}")
"""


@pytest.mark.parametrize(
    ("first", "second"),
    [("@click.command()", "@poet"), ("@click.command()", "@click.pass_context\n@poet")],
    ids=["below-the-command", "below-the-context"],
)
def test_a_command_keeps_its_parameters_and_its_help(load: Load, first: str, second: str) -> None:
    text = COMMAND.format(first=first, second=second, kind="int")
    price = load(text.replace("def price(", "def price(ctx, ") if "context" in second else text).price

    done, told = CliRunner().invoke(price, ["--quantity", "2", "tea"]), CliRunner().invoke(price, ["--help"])

    assert (done.exit_code, done.output) == (0, "tea 2\n")
    assert "Tell the price." in told.output
    assert CliRunner().invoke(price, ["--quantity", "two", "tea"]).exit_code == 2


@pytest.mark.parametrize("first", ["@click.command()\n@poet", "@poet\n@click.command()"], ids=["below", "above"])
def test_a_command_is_hardened_in_either_order_of_its_decorators(load: Load, first: str) -> None:
    price = load(COMMAND.format(first=first, second="", kind="str")).price

    done = CliRunner().invoke(price, ["--quantity", "2", "tea"])

    assert isinstance(price, click.Command)
    assert isinstance(done.exception, PerceiveError)


MODELS = """\
from pydantic import BaseModel, computed_field, field_validator, model_validator, validate_call

from poet_import import poet


class Order(BaseModel):
    quantity: int
    name: str = "tea"

    @field_validator("quantity", mode="after")
    @classmethod
    @poet
    def positive(cls, value: int) -> int:
        if value < 1:
            raise ValueError("not positive")
        return value

    @model_validator(mode="after")
    @poet
    def named(self) -> "Order":
        if not self.name:
            raise ValueError("no name")
        return self

    @computed_field
    @property
    @poet
    def total(self) -> int:
        return self.quantity * 2

    @poet(retries=1, retry_on=OSError)
    def price(self, factor: int) -> int:
        return self.quantity * factor

    @classmethod
    @poet
    def of(cls, quantity: int) -> "Order":
        return cls(quantity=quantity)


@validate_call
@poet
def converted(quantity: int) -> int:
    return quantity + 1


@poet
def take(order: Order) -> int:
    return order.quantity
"""


def test_models_run_marked_validators_and_have_marked_methods(load: Load) -> None:
    pydantic = pytest.importorskip("pydantic", reason="pydantic comes with the extra 'peers'")
    module = load(MODELS, "models")

    order = module.Order(quantity="2")

    assert order.model_dump() == {"quantity": 2, "name": "tea", "total": 4}
    assert list(module.Order.model_fields) == ["quantity", "name"]
    assert (order.price(3), module.Order.of(5).quantity, module.take(order)) == (6, 5, 2)
    for wrong in ({"quantity": 0}, {"quantity": "two"}, {"quantity": 1, "name": ""}):
        with pytest.raises(pydantic.ValidationError):
            module.Order(**wrong)
    for refused in (lambda: order.price("3"), lambda: module.Order.of("5"), lambda: module.take({"quantity": 1})):
        with pytest.raises(PerceiveError):
            refused()


def test_validate_call_above_the_marker_converts_first(load: Load) -> None:
    pytest.importorskip("pydantic", reason="pydantic comes with the extra 'peers'")

    assert load(MODELS, "models").converted("2") == 3


JITTED = """\
import numba
from poet_import import poet

@poet(retries=1)
@numba.njit
def above(quantity: int) -> int:
    return quantity + 1

@numba.njit
@poet
def below(quantity: int) -> int:
    return quantity + 2

@poet
def plain(quantity: int) -> int:
    return below(quantity)
"""


@pytest.mark.slow  # numba takes seconds to compile its first function
@pytest.mark.filterwarnings("ignore::DeprecationWarning:numba")
def test_functions_that_numba_compiles_are_left_alone_and_named(load: Load) -> None:
    numba = pytest.importorskip("numba", reason="numba comes with the extra 'peers'")
    module = load(JITTED, "fast")

    assert (module.above(1), module.below(1.5), module.plain(1)) == (2, 3.5, 3)
    assert isinstance(module.below, numba.core.dispatcher.Dispatcher)
    with pytest.raises(PerceiveError):
        module.plain(1.5)
    reason = poet_import.status().modules["fast"].reason
    assert reason == "; ".join(f"{name}: numba.njit compiles it from its bytecode" for name in ("above", "below"))


WRAPPED = """\
import functools
from poet_import import poet

def doubled(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        return 2 * function(*args, **kwargs)
    return inner

@functools.lru_cache
@poet
def cached(quantity: int) -> int:
    return quantity

@poet
@doubled
def above(quantity: int) -> int:
    return quantity

@doubled
@poet
def below(quantity: int) -> int:
    return quantity

@functools.singledispatch
@poet
def told(value: object) -> str:
    return "object"

@told.register
@poet
def _(value: int) -> str:
    return "int"

@functools.total_ordering
class Price:
    def __init__(self, value):
        self.value = value
    @poet
    def __lt__(self, other: "Price") -> bool:
        return self.value < other.value
    @functools.cached_property
    @poet
    def double(self) -> int:
        return self.value * 2
    @functools.singledispatchmethod
    @poet
    def add(self, other: object) -> str:
        return "object"
    @add.register
    @poet
    def _(self, other: int) -> str:
        return "int"

@poet
def joined(first: int, second: int) -> int:
    return first * 10 + second

one = functools.partial(joined, 1)
"""


def test_decorators_of_functools_work_around_marked_functions(load: Load) -> None:
    module = load(WRAPPED)
    low, high = module.Price(1), module.Price(2)

    assert (module.cached(1), module.cached(1), module.cached.cache_info().hits) == (1, 1, 1)
    assert (module.above(1), module.below(1), module.one(2)) == (2, 2, 12)
    assert (module.told(1), module.told("1")) == ("int", "object")
    assert (low < high, low >= high, low.double, low.add(1), low.add("1")) == (True, False, 2, "int", "object")
    assert isinstance(module.cached, type(functools.lru_cache(len)))
    assert [str(inspect.signature(function)) for function in (module.above, module.below)] == 2 * [
        "(quantity: int) -> int"
    ]
    refused = (module.cached, module.above, module.below, module.one, low.__lt__)
    for function in refused:
        with pytest.raises(PerceiveError):
            function("1")
    with pytest.raises(poet_import.EnforceError):
        _ = module.Price("1").double
