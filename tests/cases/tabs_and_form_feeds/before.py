from poet_import import poet

@poet(retries=1)
def tabs(x: int) -> int:
	if x:
		return g(x)
	elif y: return g(y)
	return h(x)


@poet(retries=1)
def form_feed(x: int) -> int:
    y = x
    
    return g(y)
