from poet_import import poet


@poet(optimize_for="accuracy", retries=2)
def detect(sku: str, ctx: object, *more: int, **named: int) -> float:
    """Return how likely it is."""
    if not more:
        return 2.0
    try:
        # may fail
        return lookup(sku)
    except KeyError:
        return


class Shop:
    @poet(optimize_for="speed")
    def sell(this, count):
        this.count -= count

    @staticmethod
    @poet(optimize_for="speed")
    async def ask(a): return await a


@poet(optimize_for="speed", retries=1)
def numbers(n):
    yield from range(n)


@poet(optimize_for="speed")
def documented():
    """Only this."""


@poet(optimize_for="speed")
def letters(word):
    for letter in word: yield letter
