from poet_import import poet


@poet
def forms(x: int) -> int:
    if x: return
    return \
        g(x)
    return (
        g(x)
    )
    return x, 1
    return *x, 1
    return lambda: x
    return (y := x)
    return x if x else g(x)
    return 3
    return True
    return None


@poet
def guarded(x: int) -> int:
    with x:
        return g(x)
    try:
        return g(x)
    except* ValueError:
        x = h(x)
    else:
        return i(x)


@poet
def finals(x: int) -> int:
    try:
        return g(x)
    finally:
        return h(x)


@poet(on_violation="warn")
def warned(x: int) -> int:
    try:
        return g(x)
    except ValueError:
        pass


@poet(on_violation="off", retries=1)
def unchecked(x: int) -> int:
    return g(x)
