"""Every endpoint, scope, error and header of the published contract, against a running service."""

from __future__ import annotations

import json
import re

import httpx
import pytest
from running import SCOPES, RunningService, request_for

Keyed = tuple[RunningService, dict[str, str]]
CODE = "@poet(domain='ml_monitoring', retries=2, timeout=1.5)\ndef f(a: int) -> int:\n    return a\n"
CANARY = "canary_5b1c"
ENDPOINTS = [
    ("POST", "/api/v1/transpile", "transpile"),
    ("GET", "/api/v1/templates", "templates:read"),
    ("GET", "/api/v1/templates/base", "templates:read"),
    ("GET", "/api/v1/templates/base/versions", "templates:read"),
    ("GET", "/api/v1/templates/base/versions/v1", "templates:read"),
    ("POST", "/api/v1/templates/base/versions", "templates:write"),
    ("PUT", "/api/v1/templates/base/current", "templates:write"),
    ("GET", "/metrics", "metrics"),
]
FREE = ["/healthz", "/readyz", "/docs", "/openapi.json"]


def transpile(client: httpx.Client, code: str, **fields: object) -> httpx.Response:
    return client.post("/api/v1/transpile", json=request_for(code, **fields))


def problem(response: httpx.Response, status: int) -> dict[str, object]:
    """Return the document of an error, once it has what every error has."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == status
    assert document["request_id"] == response.headers["x-request-id"]
    assert document["detail"]
    return document  # type: ignore[no-any-return]  # JSON


def test_answer_has_the_published_form(client: httpx.Client) -> None:
    response = transpile(client, CODE)

    answer = response.json()
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert answer["poet_implementation"].keys() == {"code", "language"}
    assert answer["metadata"] == {
        "decorator_params": {"domain": "ml_monitoring", "retries": 2, "timeout": 1.5},
        "options": {"on_violation": "raise", "semantics": "preserve"},
        "phases_included": ["perceive", "operate", "enforce"],
        "original_function_name": "f",
        "enhancements": answer["metadata"]["enhancements"],
        "source": "none",
    }


def test_code_runs_by_itself(client: httpx.Client) -> None:
    code = (
        "@poet(retries=2)\ndef f(a: int) -> int:\n    return math.floor(_half(a))\n\ndef _half(a):\n    return a / 2\n"
    )
    answer = transpile(client, code, context={"imports": ["import math"]}).json()
    namespace: dict[str, object] = {}
    exec(answer["poet_implementation"]["code"], namespace)

    assert namespace["f"](5) == 2  # type: ignore[operator]  # a function
    with pytest.raises(Exception, match="a: expected int, got str"):
        namespace["f"]("5")  # type: ignore[operator]  # as above
    assert "@poet" not in answer["poet_implementation"]["code"]


ACCEPTED = {
    "indented": "    @poet\n    def f(a: int) -> int:\n        return a\n",
    "indented-with-text": '  @poet\n  def f(a: int) -> str:\n      return """\nleft\n  """\n',
    "method": "@poet\ndef f(self, a: int) -> int:\n    return a\n",
    "byte-order-mark": "\ufeff@poet\ndef f(a: int) -> int:\n    return a\n",
    "carriage-returns": "@poet\r\ndef f(a: int) -> int:\r\n    return a\r\n",
    "async": "@poet\nasync def f(a: int) -> int:\n    return a\n",
    "imported-marker": "from poet_import import poet\n@poet\ndef f(a: int) -> int:\n    return a\n",
    "no-newline": "@poet\ndef f(a: int) -> int: return a",
    "helper-and-docstring": '"""Text."""\nimport os\n@poet\ndef f(a: int):\n    return _g(a)\ndef _g(a): return a\n',
}


@pytest.mark.parametrize("code", ACCEPTED.values(), ids=ACCEPTED)
def test_text_is_accepted_as_it_comes(client: httpx.Client, code: str) -> None:
    response = transpile(client, code)

    assert response.status_code == 200, response.text
    assert response.json()["metadata"]["original_function_name"] == "f"
    compile(response.json()["poet_implementation"]["code"], "code", "exec")


REFUSED = {
    "syntax": (f"@poet\ndef {CANARY}(a:\n", "syntax", 2),
    "syntax-of-names": (f"@poet\ndef f({CANARY}, {CANARY}):\n    pass\n", "syntax", 2),
    "null-byte": ("@poet\ndef f():\n    pass\0", "syntax", None),
    "no-poet": (f"def {CANARY}():\n    pass\n", "no-poet-function", None),
    "another-poet": (f"from {CANARY} import poet\n@poet\ndef f():\n    pass\n", "no-poet-function", None),
    "two": ("@poet\ndef f():\n    pass\n@poet\ndef g():\n    pass\n", "several-poet-functions", 5),
    "statement": (f"@poet\ndef f():\n    pass\n{CANARY} = 1\n", "further-statement", 4),
    "public-helper": (f"@poet\ndef f():\n    pass\ndef {CANARY}():\n    pass\n", "further-statement", 4),
    "class": ("class A:\n    @poet\n    def f(self):\n        pass\n", "nested-function", 3),
    "option-of-the-program": (f"@poet(retries={CANARY})\ndef f():\n    pass\n", "options", 1),
    "option-out-of-range": ("@poet(retries=-1)\ndef f():\n    pass\n", "options", 1),
    "unknown-option": (f"@poet({CANARY}=1)\ndef f():\n    pass\n", "options", 1),
    "unknown-exception": (f"@poet(retry_on={CANARY})\ndef f():\n    pass\n", "options", 1),
    "reserved-name": ("@poet\ndef f():\n    _poet_result = 1\n", "reserved-name", None),
    "too-deep": (f"@poet\ndef f():\n    return {'-' * 90_000}1\n", "too-deep", None),
}


@pytest.mark.parametrize(("code", "rule", "line"), REFUSED.values(), ids=REFUSED)
def test_text_that_is_no_function_is_refused_with_its_place(
    client: httpx.Client, code: str, rule: str, line: int | None
) -> None:
    document = problem(transpile(client, code), 422)

    (error,) = document["errors"]  # type: ignore[misc]  # a list of one
    assert (error["pointer"], error["rule"], error.get("line")) == ("/function_code", rule, line)
    assert CANARY not in json.dumps(document)


def test_lines_are_those_of_the_text_below_the_imports(client: httpx.Client) -> None:
    context = {"imports": ["import os", "from math import floor"]}
    document = problem(transpile(client, "@poet\ndef f():\n    return (\n", context=context), 422)

    assert document["errors"][0]["line"] == 3  # type: ignore[index]  # a list


SHAPES = {
    "no-code": ({"language": "python"}, "/function_code", "missing"),
    "code-no-text": ({"function_code": 1, "language": "python"}, "/function_code", "string_type"),
    "empty-code": ({"function_code": "", "language": "python"}, "/function_code", "string_too_short"),
    "language": ({"function_code": CODE, "language": CANARY}, "/language", "literal_error"),
    "imports": (request_for(CODE, context={"imports": CANARY}), "/context/imports", "list_type"),
    "no-import": (
        request_for(CODE, context={"imports": [f"{CANARY}()"]}),
        "/context/imports/0",
        "import-statements-only",
    ),
    "array": ([CANARY], "", "model_attributes_type"),
}


@pytest.mark.parametrize(("body", "pointer", "rule"), SHAPES.values(), ids=SHAPES)
def test_wrong_shape_is_told_with_a_pointer(client: httpx.Client, body: object, pointer: str, rule: str) -> None:
    document = problem(client.post("/api/v1/transpile", json=body), 422)

    (error,) = document["errors"]  # type: ignore[misc]  # a list of one
    assert (error.get("pointer", ""), error["rule"]) == (pointer, rule)
    assert CANARY not in json.dumps(document)


UNREADABLE = {
    "no-json": b"{",
    "nothing": b"",
    "latin-1": b'{"function_code":"\xe9"}',
    "surrogate": b'{"function_code":"\\ud800","language":"python"}',
    "surrogate-inside": b'{"context":{"sandbox_context":{"\\uDFFF":1}}}',
    "nan": b'{"function_code":NaN}',
    "deep": b"[" * 100_000,
    "rather-deep": b"[" * 80 + b"]" * 80,
    "number": b"[" + b"9" * 10_000 + b"]",
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_json_is_400(client: httpx.Client, body: bytes) -> None:
    headers = {"content-type": "application/json"}

    assert problem(client.post("/api/v1/transpile", content=body, headers=headers), 400)["errors"]


def test_pair_of_surrogates_is_a_character(client: httpx.Client) -> None:
    body = json.dumps(request_for("@poet\ndef f() -> str:\n    return '😀'\n")).encode()

    response = client.post(
        "/api/v1/transpile", content=body, headers={"content-type": "application/json; charset=utf-8"}
    )

    assert "😀" in response.json()["poet_implementation"]["code"]


def test_other_media_types_are_415(client: httpx.Client) -> None:
    assert problem(client.post("/api/v1/transpile", content=b"{}", headers={"content-type": "text/plain"}), 415)


DANA = """import math.py as math
struct Point:
    x: int
def _far(p: Point) -> int:
    return p.x * 100
@poet(timeout=2, retries=1)
def far(p: Point) -> int:
    return _far(p)
"""


def test_dana_is_woven_as_dana(client: httpx.Client) -> None:
    body = client.post("/api/v1/transpile", json={"function_code": DANA, "language": "dana"}).json()

    implementation, metadata = body["poet_implementation"], body["metadata"]
    assert implementation["language"] == "dana"
    assert "# @poet(timeout=2, retries=1)\ndef far(p: Point) -> int:\n    # perceive\n" in implementation["code"]
    assert metadata["decorator_params"] == {"retries": 1, "timeout": 2}
    assert metadata["original_function_name"] == "far"
    assert ["nothing in Dana stops a running function" in warning for warning in metadata["warnings"]] == [True]


@pytest.mark.parametrize(
    ("code", "rule", "line", "column"),
    [
        pytest.param("@poet\ndef f(x)\n    return x\n", "syntax", 2, 9, id="syntax"),
        pytest.param("def f(x):\n    return x\n", "no-poet-function", None, None, id="no mark"),
        pytest.param("@poet\ndef f():\n    1\n@poet\ndef g():\n    2\n", "several-poet-functions", 5, None, id="two"),
        pytest.param("@poet\ndef f(x):\n    return x\nprint(f(1))\n", "further-statement", 4, None, id="statement"),
        pytest.param("@poet(retris=1)\ndef f(x):\n    return x\n", "options", 1, 1, id="options"),
        pytest.param("@poet\ndef f(x):\n    __poet_x = 1\n    return x\n", "reserved-name", 3, 5, id="reserved name"),
        pytest.param("def g():\n    @poet\n    def f():\n        pass\n", "misplaced-function", 2, 5, id="inside"),
        pytest.param("x = 1\n" * 5_001, "too-long", None, None, id="too long"),
    ],
)  # fmt: skip
def test_dana_that_cannot_be_woven_is_refused(
    client: httpx.Client, code: str, rule: str, line: int | None, column: int | None
) -> None:
    answer = problem(client.post("/api/v1/transpile", json={"function_code": code, "language": "dana"}), 422)

    (error,) = answer["errors"]
    assert (error["rule"], error.get("line"), error.get("column")) == (rule, line, column)


def test_danas_imports_stand_above_it_and_are_imports_only(client: httpx.Client) -> None:
    sent = {"function_code": "    @poet\n    def f(x):\n        return math.pi\n", "language": "dana"}

    woven = client.post("/api/v1/transpile", json={**sent, "context": {"imports": ["import math.py as math"]}}).json()
    refused = client.post("/api/v1/transpile", json={**sent, "context": {"imports": ["import a", "print(1)"]}})

    assert woven["poet_implementation"]["code"].startswith("import math.py as math\n# @poet\ndef f(x):\n    return")
    (error,) = problem(refused, 422)["errors"]
    assert (error["pointer"], error["rule"]) == ("/context/imports/1", "import-statements-only")


def test_unknown_domain_of_dana_is_answered_with_a_warning(client: httpx.Client) -> None:
    sent = {"function_code": "@poet(domain='nowhere')\ndef f(x):\n    return x\n", "language": "dana"}

    (warning,) = client.post("/api/v1/transpile", json=sent).json()["metadata"]["warnings"]

    assert warning == "the domain 'nowhere' is unknown here, broken, or written for another language: base was used"


def test_unknown_domain_is_answered_with_a_warning(client: httpx.Client) -> None:
    (warning,) = transpile(client, "@poet(domain='nowhere')\ndef f():\n    pass\n").json()["metadata"]["warnings"]

    assert warning == "the domain 'nowhere' is unknown here, broken, or written for another language: base was used"


def test_unknown_paths_and_methods_are_told(client: httpx.Client) -> None:
    problem(client.get("/api/v2/transpile"), 404)
    problem(client.get("/api/v1/templates/base/"), 404)
    response = client.delete("/api/v1/templates/base/versions")
    problem(response, 405)
    assert response.headers["allow"] == "GET, POST"


@pytest.mark.parametrize("path", FREE)
def test_free_paths_need_no_key(keyed: Keyed, path: str) -> None:
    with keyed[0].client() as client:
        assert client.get(path).status_code == 200


@pytest.mark.parametrize(("method", "path", "scope"), ENDPOINTS, ids=lambda value: str(value).strip("/"))
def test_each_endpoint_takes_its_scope_and_no_other(keyed: Keyed, method: str, path: str, scope: str) -> None:
    service, keys = keyed
    for name in SCOPES:
        with service.client(keys[name]) as client:
            response = client.request(method, path, json={} if method != "GET" else None)
        if name == scope:
            assert response.status_code in (200, 422)
            continue
        problem(response, 403)
        assert f'scope="{scope}"' in response.headers["www-authenticate"]


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Basic eDp5", "Bearer poet_00000000_x", "Bearer " + "x" * 5000, "bearer \xff"],
)
def test_wrong_and_missing_keys_are_401(keyed: Keyed, authorization: str) -> None:
    service, keys = keyed
    wrong = keys["transpile"][:-1] + ("A" if keys["transpile"][-1] != "A" else "B")
    for text in (authorization.encode("latin-1"), f"Bearer {wrong}".encode(), f"Bearer {keys['past']}".encode()):
        with service.client() as client:
            response = client.post("/api/v1/transpile", json=request_for(CODE), headers={b"authorization": text})
        problem(response, 401)
        assert response.headers["www-authenticate"].startswith("Bearer")


def test_rate_of_a_key_is_told_and_kept(keyed: Keyed) -> None:
    service, keys = keyed
    with service.client(keys["slow"]) as client:
        answers = [transpile(client, CODE) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert {answer.headers["ratelimit-limit"] for answer in answers} == {"3"}
    problem(answers[-1], 429)
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60


def test_request_id_is_kept_where_it_is_one(client: httpx.Client) -> None:
    assert client.get("/healthz", headers={"x-request-id": "a.b-1"}).headers["x-request-id"] == "a.b-1"
    for odd in (b"a b", b"x" * 65, b"\xe9", b""):
        found = client.get("/healthz", headers={b"x-request-id": odd}).headers["x-request-id"]
        assert re.fullmatch("[0-9a-f]{32}", found)


def test_metrics_are_counted_by_route_and_never_by_name(open_service: RunningService, client: httpx.Client) -> None:
    client.get(f"/api/v1/templates/{CANARY}")
    client.get(f"/{CANARY}")
    text = client.get("/metrics").text

    assert 'poet_requests_total{method="GET",route="/api/v1/templates/{domain}",status="404"}' in text
    assert "poet_request_seconds_bucket" in text
    assert CANARY not in text
    assert CANARY not in open_service.log()


def test_log_has_a_line_for_each_request_and_no_source(open_service: RunningService, client: httpx.Client) -> None:
    transpile(client, f"@poet\ndef {CANARY}():\n    pass\n").raise_for_status()
    client.get("/healthz", headers={"x-request-id": "the-last-one"})

    row = open_service.event(request_id="the-last-one")
    assert (row["route"], row["status"], row["method"], row["event"]) == ("/healthz", 200, "GET", "request")
    assert CANARY not in open_service.log()


def test_identical_request_is_answered_with_the_same_bytes(client: httpx.Client) -> None:
    assert len({transpile(client, CODE).content for _ in range(3)}) == 1
