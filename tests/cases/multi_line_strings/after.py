import poet_import.runtime as __poet__
from poet_import import poet


@poet(retries=1)
def f(x: int) -> str:
    """Doc
  out of line
    """
    # perceive
    if not isinstance(x, int):
        raise __poet__.perceive("x", x, "int")
    # operate
    _poet_attempt = None
    while True:
        try:
            a = """one
  two
"""
            b = 'one\
two'
            c = (
                "adjacent"
                "strings"
            )
            def g():
                """Inner
doc."""
            # enforce
            _poet_result = f"""{
x
} {a!r:>10}
    """.format(
                b,
                c,
            )
            if not isinstance(_poet_result, str):
                raise __poet__.enforce("return", _poet_result, "str")
            return _poet_result
        except Exception as _poet_error:
            _poet_attempt = __poet__.next_attempt(_poet_error, _poet_attempt, retries=1)
            if _poet_attempt is None:
                raise
            _poet_attempt.wait()
