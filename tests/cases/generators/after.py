import poet_import.runtime as __poet__
from poet_import import poet


@poet(retries=2)
def items(n: int):
    # perceive
    if not isinstance(n, int):
        raise __poet__.perceive("n", n, "int")
    # operate
    _poet_kept = n
    _poet_attempt = None
    while True:
        try:
            received = yield (None, _poet_attempt := __poet__.STARTED)[0]
            other = (yield ((n, n + 1), _poet_attempt := __poet__.STARTED)[0])
            yield (((n, 1), 2), _poet_attempt := __poet__.STARTED)[0]
            yield ((n), _poet_attempt := __poet__.STARTED)[0]
            yield from (range(n), _poet_attempt := __poet__.STARTED)[0]
            final = yield from ((
                x for x in range(n)
            ), _poet_attempt := __poet__.STARTED)[0]
            n = yield (lambda: n, _poet_attempt := __poet__.STARTED)[0]
            return final
        except Exception as _poet_error:
            _poet_attempt = __poet__.next_attempt(_poet_error, _poet_attempt, retries=2)
            if _poet_attempt is None:
                raise
            _poet_attempt.wait()
            n = _poet_kept


@poet(retries=2)
async def rows(n: int):
    # perceive
    if not isinstance(n, int):
        raise __poet__.perceive("n", n, "int")
    # operate
    _poet_attempt = None
    while True:
        try:
            async for row in read(n):
                yield (row, _poet_attempt := __poet__.STARTED)[0]
            return
        except Exception as _poet_error:
            _poet_attempt = __poet__.next_attempt(_poet_error, _poet_attempt, retries=2)
            if _poet_attempt is None:
                raise
            await _poet_attempt.pause()


@poet
def unretried(n: int):
    # perceive
    if not isinstance(n, int):
        raise __poet__.perceive("n", n, "int")
    # operate
    yield n
