import poet_import.runtime as __poet__
from poet_import import poet


@poet(retries=1, retry_on=OSError)
def f(x: int, OSError=None):
    # perceive
    if not isinstance(x, int):
        raise __poet__.perceive("x", x, "int")
    # operate
    _poet_attempt = None
    while True:
        try:
            return x
        except Exception as _poet_error:
            _poet_attempt = __poet__.next_attempt(
                _poet_error, _poet_attempt, retries=1, retry_on=__poet__.builtins.OSError
            )
            if _poet_attempt is None:
                raise
            _poet_attempt.wait()


@poet(retries=1, retry_on=(Flaky, KeyError))
@__poet__.hints
def g(x):
    # operate
    _poet_attempt = None
    while True:
        try:
            return x
        except Exception as _poet_error:
            _poet_attempt = __poet__.next_attempt(_poet_error, _poet_attempt, retries=1)
            if _poet_attempt is None:
                raise
            _poet_attempt.wait()


@poet
def h(x, locals):
    return locals()
