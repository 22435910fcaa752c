from poet_import import poet


@poet(domain="api_operations", retry_on=(ConnectionError, TimeoutError, ConnectionResetError, BrokenPipeError))
def f(x: "int | str | bytes | bytearray | memoryview | complex | range | slice | list | dict"):
    return x
