"""The same phases as a wrapper, for a callable whose source is not at hand."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Generator, Mapping
from typing import Any

from poet_import import runtime
from poet_import.marker.contract import Contract, Function
from poet_import.marker.executions import Execution
from poet_import.model import PoetOptions, Template
from poet_import.runtime.bindings import hint_text
from poet_import.runtime.predicates import Predicate, Undecidable, predicate
from poet_import.runtime.watchdog import Timer
from poet_import.source.options import NAMES


def wrap(function: Function, options: PoetOptions, template: Template, *, retry_on: object) -> Function:
    """Return a wrapper of the same kind around a callable; the callable itself where it has no readable signature."""
    contract = _contract(function, options, template, retry_on=retry_on)
    if contract is None:
        return function
    if inspect.isasyncgenfunction(function):
        wrapper = _wrap_async_generator(contract)
    elif inspect.isgeneratorfunction(function):
        wrapper = _wrap_generator(contract)
    else:
        wrapper = _wrap_coroutine(contract) if inspect.iscoroutinefunction(function) else _wrap_plain(contract)
    vars(wrapper)["__poet__"] = _row(function, options, template)
    return wrapper


def _row(function: Function, options: PoetOptions, template: Template) -> tuple[object, ...]:
    """Return for `describe` what `poet_import.transpiler.weaving.row_of` tells of a woven function."""
    name = str(getattr(function, "__qualname__", "?"))
    given = tuple(getattr(options, option) for option in NAMES)
    phases = ("perceive", "operate", "enforce", *(("train",) if options.optimize_for else ()))
    version = f"{template.domain}/{template.version}"
    return (name, "woven", False, given, phases, version, template.digest, template.enhancements, 0, "woven", "")


def _contract(function: Function, options: PoetOptions, template: Template, *, retry_on: object) -> Contract | None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    retries = template.retries if options.retries is None else options.retries
    default = tuple(getattr(runtime.builtins, name) for name in template.retry_on) or None
    unchecked = options.on_violation == "off"
    name = getattr(function, "__qualname__", "?")
    return Contract(
        function=function,
        name=f"{getattr(function, '__module__', '?')}.{name}",
        signature=signature,
        tests={} if unchecked else _tests(function, signature),
        checks=() if unchecked else template.checks,
        on_violation=options.on_violation,
        retries=retries or 0,
        retry_on=default if retry_on is None else retry_on,
        seconds=template.timeout if options.timeout is None else options.timeout,
        place=(str(getattr(function, "__module__", "?")), f"{name}@own") if options.optimize_for else None,
    )


def _tests(function: Function, signature: inspect.Signature) -> dict[str, tuple[Predicate, str]]:
    hints = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    hints["return"] = signature.return_annotation
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        del hints["return"]
    found: dict[str, tuple[Predicate, str]] = {}
    for name, hint in hints.items():
        try:
            if hint is not inspect.Parameter.empty:
                found[name] = predicate(hint, getattr(function, "__globals__", {})), hint_text(hint)
        except Undecidable:
            continue
    return found


def _wrap_plain(contract: Contract) -> Function:
    @functools.wraps(contract.function)
    def wrapper(*args: object, **kwargs: object) -> object:
        attempt, _poet_timer = None, Timer()
        with contract.execution(args, kwargs) as call:
            args = contract.perceive(args, kwargs)
            with contract.limit(_poet_timer, in_task=False):
                while True:
                    try:
                        result = contract.function(*args, **kwargs)
                        contract.check_result(result)
                        call.result = (result,)
                        return result
                    except Exception as error:  # what of it is tried again, next_attempt decides
                        attempt = contract.again(error, attempt, call=call, timer=_poet_timer)
                        if attempt is None:
                            raise
                        attempt.wait()

    return wrapper


def _wrap_coroutine(contract: Contract) -> Function:
    @functools.wraps(contract.function)
    async def wrapper(*args: object, **kwargs: object) -> object:
        attempt, _poet_timer = None, Timer()
        with contract.execution(args, kwargs) as call:
            args = contract.perceive(args, kwargs)
            with contract.limit(_poet_timer, in_task=True):
                while True:
                    try:
                        result = await contract.function(*args, **kwargs)
                        contract.check_result(result)
                        call.result = (result,)
                        return result
                    except Exception as error:  # what of it is tried again, next_attempt decides
                        attempt = contract.again(error, attempt, call=call, timer=_poet_timer)
                        if attempt is None:
                            raise
                        await attempt.pause()

    return wrapper


def _wrap_generator(contract: Contract) -> Function:
    @functools.wraps(contract.function)
    def wrapper(*args: object, **kwargs: object) -> Generator[Any, Any, Any]:
        with contract.execution(args, kwargs) as call:
            args = contract.perceive(args, kwargs)
            attempt: object = None
            while True:
                generator = contract.function(*args, **kwargs)
                try:
                    first = next(generator)
                except StopIteration as end:
                    return end.value
                except Exception as error:  # what of it is tried again, next_attempt decides
                    again = contract.again(error, attempt, call=call)
                    if again is None:
                        raise
                    attempt = again
                    again.wait()
                    continue
                return (yield from _resumed(first, generator))

    return wrapper


def _resumed(first: object, generator: Any) -> Any:
    """Yield the first item of a generator, then the rest; what is sent or thrown reaches it."""
    item = first
    while True:
        try:
            step, value = generator.send, (yield item)
        except GeneratorExit:
            generator.close()
            raise
        except BaseException as error:  # noqa: BLE001  (whatever is thrown in belongs to the generator)
            step, value = generator.throw, error
        try:
            item = step(value)
        except StopIteration as end:
            return end.value


def _wrap_async_generator(contract: Contract) -> Function:
    @functools.wraps(contract.function)
    async def wrapper(*args: object, **kwargs: object) -> AsyncGenerator[Any, Any]:
        with contract.execution(args, kwargs) as call:
            args = contract.perceive(args, kwargs)
            try:
                generator, item = await _begin(contract, args, kwargs, call=call)
            except StopAsyncIteration:
                return
            try:
                while True:
                    try:
                        step, value = generator.asend, (yield item)
                    except GeneratorExit:
                        raise
                    except BaseException as error:  # noqa: BLE001  (whatever is thrown in belongs to the generator)
                        step, value = generator.athrow, error
                    item = await step(value)
            except StopAsyncIteration:
                return
            finally:
                await generator.aclose()

    return wrapper


async def _begin(
    contract: Contract, args: tuple[object, ...], kwargs: Mapping[str, object], *, call: Execution
) -> tuple[Any, object]:
    """Return an asynchronous generator with its first item, tried again until there is one.

    Raises:
        StopAsyncIteration: It has no item.
    """
    attempt: object = None
    while True:
        generator = contract.function(*args, **kwargs)
        try:
            return generator, await anext(generator)
        except StopAsyncIteration:
            raise
        except Exception as error:  # what of it is tried again, next_attempt decides
            again = contract.again(error, attempt, call=call)
            if again is None:
                raise
            attempt = again
            await again.pause()
