from poet_import import poet


@poet(domain="ml_monitoring", optimize_for="accuracy")
def detect_drift(current_data, reference_data=None):
    return {"drift_detected": False, "score": 0.0}


@poet(domain="api_operations")
def fetch_user(url: str, user_id: int) -> dict[str, str]:
    return get(url, user_id)
