import poet_import.runtime as __poet__
from poet_import import poet


@poet
def falls(x) -> int:
    # operate
    if x:
        raise ValueError
    # enforce
    raise __poet__.enforce("return", None, "int")


@poet
@__poet__.hints
def falls_deep(x) -> "Later":
    # operate
    x()
    # enforce
    _poet_result = None
    if not __poet__.fits("return", _poet_result):
        raise __poet__.enforce("return", _poet_result)


@poet(on_violation="warn", retries=1)
def falls_warned(x) -> int:
    # operate
    _poet_attempt = None
    while True:
        try:
            x()
            # enforce
            __poet__.warn(__poet__.enforce("return", None, "int"))
            return
        except Exception as _poet_error:
            _poet_attempt = __poet__.next_attempt(_poet_error, _poet_attempt, retries=1)
            if _poet_attempt is None:
                raise
            _poet_attempt.wait()


@poet
def never(x) -> int:
    while True:
        for y in x:
            break
        else:
            x()


@poet
def breaks(x) -> int:
    # operate
    while True:
        if x:
            break
    # enforce
    raise __poet__.enforce("return", None, "int")


@poet
def both(x) -> int:
    if x:
        raise ValueError
    else:
        return 3


@poet
def tried(x) -> int:
    try:
        raise x
    except ValueError:
        return 3
    except KeyError:
        raise


@poet
def tried_in_vain(x) -> int:
    # operate
    try:
        return 3
    except ValueError:
        pass
    # enforce
    raise __poet__.enforce("return", None, "int")


@poet
def finally_raises(x) -> int:
    try:
        x()
    finally:
        raise x
