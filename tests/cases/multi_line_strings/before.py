from poet_import import poet


@poet(retries=1)
def f(x: int) -> str:
    """Doc
  out of line
    """
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
    return f"""{
x
} {a!r:>10}
    """.format(
        b,
        c,
    )
