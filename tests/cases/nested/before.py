from poet_import import poet


@poet(retries=1)
def outer(x: int) -> int:
    @poet(retries=2)
    def inner(y: int) -> int:
        nonlocal x
        x = y
        return y + x

    class Local:
        """Doc."""

        @poet
        def method(self, z: int) -> int:
            return super().method(z) + x

    return inner(x)


@poet(retries=1)
def first_statement_is_decorated(x):
    @g
    @h
    def inner(): return x
    return inner


@poet(retries=1)
def frame(x: int, y):
    global z
    z = locals(), vars(), vars(x), dir()
    del y
    for x in x: pass
    lambda y: y
