from poet_import import poet

@poet
def f(x: int) -> int: return g(x)

@poet(retries=1)
def docstring(x: int) -> int: "Doc."; return g(x)

@poet
def semicolons(x: int) -> int: y = x; return g(y); pass

class A:
    @poet
    def m(self, x: int) -> int: return g(x)

@poet
def suites(x: int) -> int:
    if x: return g(x)
    elif y: return 2
    else: return h(x); pass
    for a in b: z = a; return z
    while x: return(x)
    with x: return -x
    match x:
        case 1: return g(1)
        case [a, *_] if a: return a; pass
        case (
            _
        ): return g(x)

@poet(retries=1)
def joined(x: int) -> int: \
    return g(x)

@poet(retries=1)
def joined_inside(x: int) -> int:
    a = 1; b = 2 ; \
    c = 3
    if x: \
        return g(x)
    # not joined \
    return g(a)
