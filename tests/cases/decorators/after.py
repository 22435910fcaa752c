import poet_import.runtime as __poet__
from poet_import import poet


@first
@poet(  # why
    retries=1,
    retry_on=(ConnectionError, TimeoutError),
)
# between
@last(
    1,
)
@__poet__.hints
def f(a: "Later", b: int = DEFAULT) -> int:  # tail
    # perceive
    if not __poet__.fits("a", a):
        raise __poet__.perceive("a", a)
    if not isinstance(b, int) and not __poet__.is_default("b", b):
        raise __poet__.perceive("b", b, "int")
    # operate
    _poet_attempt = None
    while True:
        try:

            # first

            # enforce
            _poet_result = g(a)
            if not isinstance(_poet_result, int):
                raise __poet__.enforce("return", _poet_result, "int")
            return _poet_result  # last
        except Exception as _poet_error:
            _poet_attempt = __poet__.next_attempt(
                _poet_error, _poet_attempt, retries=1, retry_on=(ConnectionError, TimeoutError)
            )
            if _poet_attempt is None:
                raise
            _poet_attempt.wait()
    # after


# module
