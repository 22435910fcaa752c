from poet_import import poet


@poet(retries=1, retry_on=OSError)
def f(x: int, OSError=None):
    return x


@poet(retries=1, retry_on=(Flaky, KeyError))
def g(x):
    return x


@poet
def h(x, locals):
    return locals()
