import poet_import.runtime as __poet__
from poet_import import poet

@poet
def f(x: int) -> int:
    # perceive
    if not isinstance(x, int):
        raise __poet__.perceive("x", x, "int")
    # operate
    # enforce
    _poet_result = g(x)
    if not isinstance(_poet_result, int):
        raise __poet__.enforce("return", _poet_result, "int")
    return _poet_result

@poet(retries=1)
def docstring(x: int) -> int:
    "Doc."
    # perceive
    if not isinstance(x, int):
        raise __poet__.perceive("x", x, "int")
    # operate
    _poet_attempt = None
    while True:
        try:
            # enforce
            _poet_result = g(x)
            if not isinstance(_poet_result, int):
                raise __poet__.enforce("return", _poet_result, "int")
            return _poet_result
        except Exception as _poet_error:
            _poet_attempt = __poet__.next_attempt(_poet_error, _poet_attempt, retries=1)
            if _poet_attempt is None:
                raise
            _poet_attempt.wait()

@poet
def semicolons(x: int) -> int:
    # perceive
    if not isinstance(x, int):
        raise __poet__.perceive("x", x, "int")
    # operate
    y = x
    # enforce
    _poet_result = g(y)
    if not isinstance(_poet_result, int):
        raise __poet__.enforce("return", _poet_result, "int")
    return _poet_result
    pass

class A:
    @poet
    def m(self, x: int) -> int:
        # perceive
        if not isinstance(x, int):
            raise __poet__.perceive("x", x, "int")
        # operate
        # enforce
        _poet_result = g(x)
        if not isinstance(_poet_result, int):
            raise __poet__.enforce("return", _poet_result, "int")
        return _poet_result

@poet
def suites(x: int) -> int:
    # perceive
    if not isinstance(x, int):
        raise __poet__.perceive("x", x, "int")
    # operate
    try:
        if x:
            # enforce
            _poet_result = g(x)
            if not isinstance(_poet_result, int):
                raise __poet__.enforce("return", _poet_result, "int")
            return _poet_result
        elif y: return 2
        else:
            # enforce
            _poet_result = h(x)
            if not isinstance(_poet_result, int):
                raise __poet__.enforce("return", _poet_result, "int")
            return _poet_result
            pass
        for a in b:
            z = a
            # enforce
            _poet_result = z
            if not isinstance(_poet_result, int):
                raise __poet__.enforce("return", _poet_result, "int")
            return _poet_result
        while x:
            # enforce
            _poet_result = (x)
            if not isinstance(_poet_result, int):
                raise __poet__.enforce("return", _poet_result, "int")
            return _poet_result
        with x:
            # enforce
            _poet_result = -x
            if not isinstance(_poet_result, int):
                raise __poet__.Escape(__poet__.enforce("return", _poet_result, "int"))
            return _poet_result
        match x:
            case 1:
                # enforce
                _poet_result = g(1)
                if not isinstance(_poet_result, int):
                    raise __poet__.enforce("return", _poet_result, "int")
                return _poet_result
            case [a, *_] if a:
                # enforce
                _poet_result = a
                if not isinstance(_poet_result, int):
                    raise __poet__.enforce("return", _poet_result, "int")
                return _poet_result
                pass
            case (
                _
            ):
                # enforce
                _poet_result = g(x)
                if not isinstance(_poet_result, int):
                    raise __poet__.enforce("return", _poet_result, "int")
                return _poet_result
    except __poet__.Escape as _poet_escape:
        raise _poet_escape.error from None

@poet(retries=1)
def joined(x: int) -> int:
    # perceive
    if not isinstance(x, int):
        raise __poet__.perceive("x", x, "int")
    # operate
    _poet_attempt = None
    while True:
        try:
            # enforce
            _poet_result = g(x)
            if not isinstance(_poet_result, int):
                raise __poet__.enforce("return", _poet_result, "int")
            return _poet_result
        except Exception as _poet_error:
            _poet_attempt = __poet__.next_attempt(_poet_error, _poet_attempt, retries=1)
            if _poet_attempt is None:
                raise
            _poet_attempt.wait()

@poet(retries=1)
def joined_inside(x: int) -> int:
    # perceive
    if not isinstance(x, int):
        raise __poet__.perceive("x", x, "int")
    # operate
    _poet_attempt = None
    while True:
        try:
            a = 1; b = 2 ; \
            c = 3
            if x:
                # enforce
                _poet_result = g(x)
                if not isinstance(_poet_result, int):
                    raise __poet__.enforce("return", _poet_result, "int")
                return _poet_result
            # not joined \
            # enforce
            _poet_result = g(a)
            if not isinstance(_poet_result, int):
                raise __poet__.enforce("return", _poet_result, "int")
            return _poet_result
        except Exception as _poet_error:
            _poet_attempt = __poet__.next_attempt(_poet_error, _poet_attempt, retries=1)
            if _poet_attempt is None:
                raise
            _poet_attempt.wait()
