import poet_import.runtime as __poet__
from poet_import import poet


@poet(retries=1)
def outer(x: int) -> int:
    # perceive
    if not isinstance(x, int):
        raise __poet__.perceive("x", x, "int")
    # operate
    _poet_kept = x
    _poet_attempt = None
    while True:
        try:
            @poet(retries=2)
            def inner(y: int) -> int:
                # perceive
                if not isinstance(y, int):
                    raise __poet__.perceive("y", y, "int")
                # operate
                _poet_attempt = None
                while True:
                    try:
                        nonlocal x
                        x = y
                        # enforce
                        _poet_result = y + x
                        if not isinstance(_poet_result, int):
                            raise __poet__.enforce("return", _poet_result, "int")
                        return _poet_result
                    except Exception as _poet_error:
                        _poet_attempt = __poet__.next_attempt(_poet_error, _poet_attempt, retries=2)
                        if _poet_attempt is None:
                            raise
                        _poet_attempt.wait()

            class Local:
                """Doc."""

                @poet
                def method(self, z: int) -> int:
                    # perceive
                    if not isinstance(z, int):
                        raise __poet__.perceive("z", z, "int")
                    # operate
                    # enforce
                    _poet_result = super().method(z) + x
                    if not isinstance(_poet_result, int):
                        raise __poet__.enforce("return", _poet_result, "int")
                    return _poet_result

            # enforce
            _poet_result = inner(x)
            if not isinstance(_poet_result, int):
                raise __poet__.enforce("return", _poet_result, "int")
            return _poet_result
        except Exception as _poet_error:
            _poet_attempt = __poet__.next_attempt(_poet_error, _poet_attempt, retries=1)
            if _poet_attempt is None:
                raise
            _poet_attempt.wait()
            x = _poet_kept


@poet(retries=1)
def first_statement_is_decorated(x):
    # operate
    _poet_attempt = None
    while True:
        try:
            @g
            @h
            def inner(): return x
            return inner
        except Exception as _poet_error:
            _poet_attempt = __poet__.next_attempt(_poet_error, _poet_attempt, retries=1)
            if _poet_attempt is None:
                raise
            _poet_attempt.wait()


@poet(retries=1)
def frame(x: int, y):
    # perceive
    if not isinstance(x, int):
        raise __poet__.perceive("x", x, "int")
    # operate
    _poet_kept = x, y
    _poet_attempt = None
    while True:
        try:
            global z
            z = __poet__.yours(locals()), __poet__.yours(vars()), vars(x), __poet__.yours(dir())
            del y
            for x in x: pass
            lambda y: y
            return
        except Exception as _poet_error:
            _poet_attempt = __poet__.next_attempt(_poet_error, _poet_attempt, retries=1)
            if _poet_attempt is None:
                raise
            _poet_attempt.wait()
            x, y = _poet_kept
