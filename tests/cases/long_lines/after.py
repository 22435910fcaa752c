import poet_import.runtime as __poet__
from poet_import import poet


@poet(domain="api_operations", retry_on=(ConnectionError, TimeoutError, ConnectionResetError, BrokenPipeError))
def f(x: "int | str | bytes | bytearray | memoryview | complex | range | slice | list | dict"):
    # perceive
    if not isinstance(x, (int, str, bytes, bytearray, memoryview, complex, float, range, slice, list, dict)):
        raise __poet__.perceive(
            "x", x, "int | str | bytes | bytearray | memoryview | complex | range | slice | list | dict"
        )
    # operate
    _poet_timer = __poet__.Timer()
    try:
        __poet__.start(_poet_timer, 30)
        try:
            _poet_attempt = None
            while True:
                try:
                    return x
                except Exception as _poet_error:
                    _poet_attempt = __poet__.next_attempt(
                        _poet_error, _poet_attempt, retries=2, retry_on=(ConnectionError, TimeoutError, ConnectionResetError, BrokenPipeError), timer=_poet_timer
                    )
                    if _poet_attempt is None:
                        raise
                    _poet_attempt.wait()
        finally:
            __poet__.stop(_poet_timer)
    except __poet__.Expired as _poet_expired:
        raise __poet__.timed_out(_poet_expired, _poet_timer)
