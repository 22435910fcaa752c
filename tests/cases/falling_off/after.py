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
    if not __poet__.fits("return", None):
        raise __poet__.enforce("return", None)


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
    # operate
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
    # operate
    if x:
        raise ValueError
    else:
        return 3


@poet
def tried(x) -> int:
    # operate
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
        try:
            return 3
        except ValueError:
            pass
        # enforce
        raise __poet__.enforce("return", None, "int")
    except __poet__.Escape as _poet_escape:
        raise _poet_escape.error from None


@poet
def finally_raises(x) -> int:
    # operate
    try:
        x()
    finally:
        raise x
