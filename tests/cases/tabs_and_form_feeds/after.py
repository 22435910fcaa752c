import poet_import.runtime as __poet__
from poet_import import poet

@poet(retries=1)
def tabs(x: int) -> int:
	# perceive
	if not isinstance(x, int):
		raise __poet__.perceive("x", x, "int")
	# operate
	_poet_attempt = None
	while True:
		try:
			if x:
				# enforce
				_poet_result = g(x)
				if not isinstance(_poet_result, int):
					raise __poet__.enforce("return", _poet_result, "int")
				return _poet_result
			elif y:
				# enforce
				_poet_result = g(y)
				if not isinstance(_poet_result, int):
					raise __poet__.enforce("return", _poet_result, "int")
				return _poet_result
			# enforce
			_poet_result = h(x)
			if not isinstance(_poet_result, int):
				raise __poet__.enforce("return", _poet_result, "int")
			return _poet_result
		except Exception as _poet_error:
			_poet_attempt = __poet__.next_attempt(_poet_error, _poet_attempt, retries=1)
			if _poet_attempt is None:
				raise
			_poet_attempt.wait()


@poet(retries=1)
def form_feed(x: int) -> int:
    # perceive
    if not isinstance(x, int):
        raise __poet__.perceive("x", x, "int")
    # operate
    _poet_attempt = None
    while True:
        try:
            y = x
    
            # enforce
            _poet_result = g(y)
            if not isinstance(_poet_result, int):
                raise __poet__.enforce("return", _poet_result, "int")
            return _poet_result
        except Exception as _poet_error:
            _poet_attempt = __poet__.next_attempt(_poet_error, _poet_attempt, retries=1)
            if _poet_attempt is None:
                raise
            _poet_attempt.wait()
