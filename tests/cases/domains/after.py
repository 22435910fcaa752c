import poet_import.runtime as __poet__
from poet_import import poet


@poet(domain="ml_monitoring", optimize_for="accuracy")
def detect_drift(current_data, reference_data=None):
    _poet_begun = __poet__.clock()
    _poet_values = __poet__.records and __poet__.given(
        current_data=current_data, reference_data=reference_data
    )
    _poet_result = None
    try:
        # perceive
        if not __poet__.rules.non_empty(current_data):
            raise __poet__.perceive("current_data", current_data, "a non-empty value")
        if not __poet__.rules.non_empty(reference_data):
            raise __poet__.perceive("reference_data", reference_data, "a non-empty value")
        # operate
        # enforce
        _poet_result = {"drift_detected": False, "score": 0.0}
        if not __poet__.item_keeps(_poet_result, "p_value", "probability"):
            raise __poet__.enforce("return.p_value", _poet_result, "a probability between 0 and 1")
        if not __poet__.item_keeps(_poet_result, "roc_auc", "probability"):
            raise __poet__.enforce("return.roc_auc", _poet_result, "a probability between 0 and 1")
        if not __poet__.item_keeps(_poet_result, "score", "not_nan"):
            raise __poet__.enforce("return.score", _poet_result, "a number other than nan")
        if not __poet__.item_keeps(_poet_result, "drift_score", "not_nan"):
            raise __poet__.enforce("return.drift_score", _poet_result, "a number other than nan")
        if not __poet__.item_keeps(_poet_result, "statistic", "not_nan"):
            raise __poet__.enforce("return.statistic", _poet_result, "a number other than nan")
        if not __poet__.item_keeps(_poet_result, "accuracy", "finite"):
            raise __poet__.enforce("return.accuracy", _poet_result, "a finite number")
        if not __poet__.item_keeps(_poet_result, "precision", "finite"):
            raise __poet__.enforce("return.precision", _poet_result, "a finite number")
        if not __poet__.item_keeps(_poet_result, "recall", "finite"):
            raise __poet__.enforce("return.recall", _poet_result, "a finite number")
        if not __poet__.item_keeps(_poet_result, "psi", "non_negative"):
            raise __poet__.enforce("return.psi", _poet_result, "a number of at least 0")
        return _poet_result
    # train
    except BaseException as _poet_failure:
        _poet_failed, _poet_begun = _poet_begun, None
        __poet__.failed(
            _poet_failed, __name__, "detect_drift@own-c20c3b996e87", 0, _poet_values, _poet_failure
        )
        raise
    finally:
        __poet__.succeeded(
            _poet_begun, __name__, "detect_drift@own-c20c3b996e87", 0, _poet_values, _poet_result
        )


@poet(domain="api_operations")
def fetch_user(url: str, user_id: int) -> dict[str, str]:
    # perceive
    if not isinstance(url, str):
        raise __poet__.perceive("url", url, "str")
    if not isinstance(user_id, int):
        raise __poet__.perceive("user_id", user_id, "int")
    # operate
    _poet_timer = __poet__.Timer()
    try:
        __poet__.start(_poet_timer, 30)
        try:
            _poet_attempt = None
            while True:
                try:
                    # enforce
                    _poet_result = get(url, user_id)
                    if not (isinstance(_poet_result, dict) and __poet__.pairs_are(_poet_result, str, str)):
                        raise __poet__.enforce("return", _poet_result, "dict[str, str]")
                    return _poet_result
                except Exception as _poet_error:
                    _poet_attempt = __poet__.next_attempt(
                        _poet_error, _poet_attempt, retries=2, retry_on=(ConnectionError, TimeoutError), timer=_poet_timer
                    )
                    if _poet_attempt is None:
                        raise
                    _poet_attempt.wait()
        finally:
            __poet__.stop(_poet_timer)
    except __poet__.Expired as _poet_expired:
        raise __poet__.timed_out(_poet_expired, _poet_timer)
