import poet_import.runtime as __poet__
import poet_import as p


class Shop:
    @p.poet
    def method(self, a: int) -> str:
        # perceive
        if not isinstance(a, int):
            raise __poet__.perceive("a", a, "int")
        # operate
        # enforce
        _poet_result = self.text(a)
        if not isinstance(_poet_result, str):
            raise __poet__.enforce("return", _poet_result, "str")
        return _poet_result

    @classmethod
    @p.poet
    def above(cls, a: int) -> str:
        # perceive
        if not isinstance(a, int):
            raise __poet__.perceive("a", a, "int")
        # operate
        # enforce
        _poet_result = cls.text(a)
        if not isinstance(_poet_result, str):
            raise __poet__.enforce("return", _poet_result, "str")
        return _poet_result

    @p.poet
    @staticmethod
    def below(a: int) -> str:
        # perceive
        if not isinstance(a, int):
            raise __poet__.perceive("a", a, "int")
        # operate
        # enforce
        _poet_result = text(a)
        if not isinstance(_poet_result, str):
            raise __poet__.enforce("return", _poet_result, "str")
        return _poet_result

    @property
    @p.poet
    def name(self) -> str:
        # operate
        # enforce
        _poet_result = self.text()
        if not isinstance(_poet_result, str):
            raise __poet__.enforce("return", _poet_result, "str")
        return _poet_result

    @name.setter
    @p.poet
    def name(self, value: str) -> None:
        # perceive
        if not isinstance(value, str):
            raise __poet__.perceive("value", value, "str")
        # operate
        self.value = value

    @p.poet
    def __eq__(self, other: object) -> bool:
        # operate
        if not isinstance(other, Shop):
            return NotImplemented
        # enforce
        _poet_result = self.key(other)
        if not isinstance(_poet_result, bool) and _poet_result is not NotImplemented:
            raise __poet__.enforce("return", _poet_result, "bool")
        return _poet_result


@p.poet
async def fetch(a: int) -> bytes:
    # perceive
    if not isinstance(a, int):
        raise __poet__.perceive("a", a, "int")
    # operate
    try:
        async with opened(a) as file:
            # enforce
            _poet_result = await file.read()
            if not isinstance(_poet_result, bytes):
                raise __poet__.Escape(__poet__.enforce("return", _poet_result, "bytes"))
            return _poet_result
        # enforce
        raise __poet__.enforce("return", None, "bytes")
    except __poet__.Escape as _poet_escape:
        raise _poet_escape.error from None


@p.poet(timeout=5, retries=1)
async def fetch_in_time(a: int) -> list[int]:
    # perceive
    if not isinstance(a, int):
        raise __poet__.perceive("a", a, "int")
    # operate
    _poet_timer = __poet__.Timer()
    try:
        __poet__.start_in_task(_poet_timer, 5)
        try:
            _poet_attempt = None
            while True:
                try:
                    # enforce
                    _poet_result = [b async for b in numbers(a)]
                    if not (isinstance(_poet_result, list) and __poet__.all_are(_poet_result, int)):
                        raise __poet__.enforce("return", _poet_result, "list[int]")
                    return _poet_result
                except Exception as _poet_error:
                    _poet_attempt = __poet__.next_attempt(
                        _poet_error, _poet_attempt, retries=1, timer=_poet_timer
                    )
                    if _poet_attempt is None:
                        raise
                    await _poet_attempt.pause()
        finally:
            __poet__.stop_in_task(_poet_timer)
    except __poet__.interruptions() as _poet_expired:
        raise __poet__.timed_out_in_task(_poet_expired, _poet_timer)
