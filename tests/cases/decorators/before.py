from poet_import import poet


@first
@poet(  # why
    retries=1,
    retry_on=(ConnectionError, TimeoutError),
)
# between
@last(
    1,
)
def f(a: "Later", b: int = DEFAULT) -> int:  # tail

    # first

    return g(a)  # last
    # after


# module
