import poet_import.runtime as __poet__
from poet_import import poet


@poet
def forms(x: int) -> int:
    # perceive
    if not isinstance(x, int):
        raise __poet__.perceive("x", x, "int")
    # operate
    if x:
        # enforce
        _poet_result = None
        if not isinstance(_poet_result, int):
            raise __poet__.enforce("return", _poet_result, "int")
        return _poet_result
    # enforce
    _poet_result = \
        g(x)
    if not isinstance(_poet_result, int):
        raise __poet__.enforce("return", _poet_result, "int")
    return _poet_result
    # enforce
    _poet_result = (
        g(x)
    )
    if not isinstance(_poet_result, int):
        raise __poet__.enforce("return", _poet_result, "int")
    return _poet_result
    # enforce
    _poet_result = x, 1
    if not isinstance(_poet_result, int):
        raise __poet__.enforce("return", _poet_result, "int")
    return _poet_result
    # enforce
    _poet_result = *x, 1
    if not isinstance(_poet_result, int):
        raise __poet__.enforce("return", _poet_result, "int")
    return _poet_result
    # enforce
    _poet_result = lambda: x
    if not isinstance(_poet_result, int):
        raise __poet__.enforce("return", _poet_result, "int")
    return _poet_result
    # enforce
    _poet_result = (y := x)
    if not isinstance(_poet_result, int):
        raise __poet__.enforce("return", _poet_result, "int")
    return _poet_result
    # enforce
    _poet_result = x if x else g(x)
    if not isinstance(_poet_result, int):
        raise __poet__.enforce("return", _poet_result, "int")
    return _poet_result
    return 3
    return True
    # enforce
    _poet_result = None
    if not isinstance(_poet_result, int):
        raise __poet__.enforce("return", _poet_result, "int")
    return _poet_result


@poet
def guarded(x: int) -> int:
    # perceive
    if not isinstance(x, int):
        raise __poet__.perceive("x", x, "int")
    # operate
    try:
        with x:
            # enforce
            _poet_result = g(x)
            if not isinstance(_poet_result, int):
                raise __poet__.Escape(__poet__.enforce("return", _poet_result, "int"))
            return _poet_result
        try:
            # enforce
            _poet_result = g(x)
            if not isinstance(_poet_result, int):
                raise __poet__.Escape(__poet__.enforce("return", _poet_result, "int"))
            return _poet_result
        except* ValueError:
            x = h(x)
        else:
            # enforce
            _poet_result = i(x)
            if not isinstance(_poet_result, int):
                raise __poet__.enforce("return", _poet_result, "int")
            return _poet_result
        # enforce
        raise __poet__.enforce("return", None, "int")
    except __poet__.Escape as _poet_escape:
        raise _poet_escape.error from None


@poet
def finals(x: int) -> int:
    # perceive
    if not isinstance(x, int):
        raise __poet__.perceive("x", x, "int")
    # operate
    try:
        # enforce
        _poet_result = g(x)
        if not isinstance(_poet_result, int):
            raise __poet__.enforce("return", _poet_result, "int")
        return _poet_result
    finally:
        # enforce
        _poet_result = h(x)
        if not isinstance(_poet_result, int):
            raise __poet__.enforce("return", _poet_result, "int")
        return _poet_result


@poet(on_violation="warn")
def warned(x: int) -> int:
    # perceive
    if not isinstance(x, int):
        __poet__.warn(__poet__.perceive("x", x, "int"))
    # operate
    try:
        # enforce
        _poet_result = g(x)
        if not isinstance(_poet_result, int):
            __poet__.warn(__poet__.enforce("return", _poet_result, "int"))
        return _poet_result
    except ValueError:
        pass
    # enforce
    __poet__.warn(__poet__.enforce("return", None, "int"))


@poet(on_violation="off", retries=1)
def unchecked(x: int) -> int:
    # operate
    _poet_attempt = None
    while True:
        try:
            return g(x)
        except Exception as _poet_error:
            _poet_attempt = __poet__.next_attempt(_poet_error, _poet_attempt, retries=1)
            if _poet_attempt is None:
                raise
            _poet_attempt.wait()
