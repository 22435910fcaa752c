from poet_import import poet


@poet(retries=2)
def items(n: int):
    received = yield
    other = (yield n, n + 1)
    yield (n, 1), 2
    yield (n)
    yield from range(n)
    final = yield from (
        x for x in range(n)
    )
    n = yield lambda: n
    return final


@poet(retries=2)
async def rows(n: int):
    async for row in read(n):
        yield row


@poet
def unretried(n: int):
    yield n
