import poet_import.runtime as __poet__
from poet_import import poet


@poet(optimize_for="accuracy", retries=2)
@__poet__.hints
def detect(sku: str, ctx: object, *more: int, **named: int) -> float:
    """Return how likely it is."""
    _poet_begun = __poet__.clock()
    _poet_values = __poet__.records and __poet__.given(sku=sku, more=more, named=named)
    _poet_retries, _poet_result = 0, None
    try:
        # perceive
        if not isinstance(sku, str):
            raise __poet__.perceive("sku", sku, "str")
        if not __poet__.fits("*more", more):
            raise __poet__.perceive("more", more)
        if not __poet__.fits("**named", named):
            raise __poet__.perceive("named", named)
        # operate
        _poet_attempt = None
        while True:
            try:
                try:
                    if not more:
                        _poet_result = 2.0
                        return _poet_result
                    try:
                        # may fail
                        # enforce
                        _poet_result = lookup(sku)
                        if not isinstance(_poet_result, float) and not isinstance(_poet_result, int):
                            raise __poet__.Escape(__poet__.enforce("return", _poet_result, "float"))
                        return _poet_result
                    except KeyError:
                        # enforce
                        _poet_result = None
                        if not isinstance(_poet_result, float) and not isinstance(_poet_result, int):
                            raise __poet__.enforce("return", _poet_result, "float")
                        return _poet_result
                except __poet__.Escape as _poet_escape:
                    raise _poet_escape.error from None
            except Exception as _poet_error:
                _poet_attempt = __poet__.next_attempt(_poet_error, _poet_attempt, retries=2)
                if _poet_attempt is None:
                    raise
                _poet_retries, _poet_result = _poet_attempt.number, None
                _poet_attempt.wait()
    # train
    except BaseException as _poet_failure:
        _poet_failed, _poet_begun = _poet_begun, None
        __poet__.failed(
            _poet_failed, __name__, "detect@own-d0721f4d859b", _poet_retries, _poet_values, _poet_failure
        )
        raise
    finally:
        __poet__.succeeded(
            _poet_begun, __name__, "detect@own-d0721f4d859b", _poet_retries, _poet_values, _poet_result
        )


class Shop:
    @poet(optimize_for="speed")
    def sell(this, count):
        _poet_begun = __poet__.clock()
        _poet_values = __poet__.records and __poet__.given(count=count)
        _poet_result = None
        try:
            # operate
            this.count -= count
            return
        # train
        except BaseException as _poet_failure:
            _poet_failed, _poet_begun = _poet_begun, None
            __poet__.failed(
                _poet_failed, __name__, "Shop.sell@own-43c43e9f35ae", 0, _poet_values, _poet_failure
            )
            raise
        finally:
            __poet__.succeeded(
                _poet_begun, __name__, "Shop.sell@own-43c43e9f35ae", 0, _poet_values, _poet_result
            )

    @staticmethod
    @poet(optimize_for="speed")
    async def ask(a):
        _poet_begun = __poet__.clock()
        _poet_values = __poet__.records and __poet__.given(a=a)
        _poet_result = None
        try:
            # operate
            _poet_result = await a
            return _poet_result
        # train
        except BaseException as _poet_failure:
            _poet_failed, _poet_begun = _poet_begun, None
            __poet__.failed(
                _poet_failed, __name__, "Shop.ask@own-8db0c633226d", 0, _poet_values, _poet_failure
            )
            raise
        finally:
            __poet__.succeeded(
                _poet_begun, __name__, "Shop.ask@own-8db0c633226d", 0, _poet_values, _poet_result
            )


@poet(optimize_for="speed", retries=1)
def numbers(n):
    _poet_begun = __poet__.clock()
    _poet_values = __poet__.records and __poet__.given(n=n)
    _poet_retries = 0
    try:
        # operate
        _poet_attempt = None
        while True:
            try:
                yield from (range(n), _poet_attempt := __poet__.STARTED)[0]
                return
            except Exception as _poet_error:
                _poet_attempt = __poet__.next_attempt(_poet_error, _poet_attempt, retries=1)
                if _poet_attempt is None:
                    raise
                _poet_retries = _poet_attempt.number
                _poet_attempt.wait()
    # train
    except BaseException as _poet_failure:
        _poet_failed, _poet_begun = _poet_begun, None
        __poet__.failed(
            _poet_failed, __name__, "numbers@own-000a86a36f42", _poet_retries, _poet_values, _poet_failure
        )
        raise
    finally:
        __poet__.succeeded(
            _poet_begun, __name__, "numbers@own-000a86a36f42", _poet_retries, _poet_values
        )


@poet(optimize_for="speed")
def documented():
    """Only this."""
    _poet_begun = __poet__.clock()
    _poet_values = __poet__.records and __poet__.given()
    _poet_result = None
    try:
        # operate
        return
    # train
    except BaseException as _poet_failure:
        _poet_failed, _poet_begun = _poet_begun, None
        __poet__.failed(
            _poet_failed, __name__, "documented@own-76bbfd8b61c3", 0, _poet_values, _poet_failure
        )
        raise
    finally:
        __poet__.succeeded(
            _poet_begun, __name__, "documented@own-76bbfd8b61c3", 0, _poet_values, _poet_result
        )


@poet(optimize_for="speed")
def letters(word):
    _poet_begun = __poet__.clock()
    _poet_values = __poet__.records and __poet__.given(word=word)
    try:
        # operate
        for letter in word: yield letter
        return
    # train
    except BaseException as _poet_failure:
        _poet_failed, _poet_begun = _poet_begun, None
        __poet__.failed(
            _poet_failed, __name__, "letters@own-40676e174d90", 0, _poet_values, _poet_failure
        )
        raise
    finally:
        __poet__.succeeded(_poet_begun, __name__, "letters@own-40676e174d90", 0, _poet_values)
