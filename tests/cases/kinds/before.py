import poet_import as p


class Shop:
    @p.poet
    def method(self, a: int) -> str:
        return self.text(a)

    @classmethod
    @p.poet
    def above(cls, a: int) -> str:
        return cls.text(a)

    @p.poet
    @staticmethod
    def below(a: int) -> str:
        return text(a)

    @property
    @p.poet
    def name(self) -> str:
        return self.text()

    @name.setter
    @p.poet
    def name(self, value: str) -> None:
        self.value = value

    @p.poet
    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Shop):
            return NotImplemented
        return self.key(other)


@p.poet
async def fetch(a: int) -> bytes:
    async with opened(a) as file:
        return await file.read()


@p.poet(timeout=5, retries=1)
async def fetch_in_time(a: int) -> list[int]:
    return [b async for b in numbers(a)]
