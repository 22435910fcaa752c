from poet_import import poet


@poet
def falls(x) -> int:
    if x:
        raise ValueError


@poet
def falls_deep(x) -> "Later":
    x()


@poet(on_violation="warn", retries=1)
def falls_warned(x) -> int:
    x()


@poet
def never(x) -> int:
    while True:
        for y in x:
            break
        else:
            x()


@poet
def breaks(x) -> int:
    while True:
        if x:
            break


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
    try:
        return 3
    except ValueError:
        pass


@poet
def finally_raises(x) -> int:
    try:
        x()
    finally:
        raise x
