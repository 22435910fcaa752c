"""Functions with effects are tried with recording doubles: each row is a rewrite of one, and whether it means the same."""

from dataclasses import replace
from textwrap import dedent

import pytest

from poet_import.model import Original
from poet_import.validation import jail, validate

pytestmark = pytest.mark.skipif(not jail.is_available(), reason="no jail on this system")

FETCH = '''
    import logging
    import time

    log = logging.getLogger(__name__)


    def fetch(client, url: str, *, limit: int = 10) -> list:
        """Fetch items page by page."""
        items = []
        cursor = None
        while True:
            response = client.get(url, params={"cursor": cursor})
            if response.status_code == 404:
                return items
            if response.status_code != 200:
                raise RuntimeError(f"status {response.status_code}")
            data = response.json()
            items.extend(data["items"])
            cursor = data.get("next")
            if not cursor or len(items) >= limit:
                return items
'''
SAVE = '''
    import os
    import time


    def save(path: str, rows: list[str]) -> int:
        """Write rows, then put the file in its place."""
        started = time.time()
        with open(path + ".part", "w") as file:
            for row in rows:
                file.write(row.strip() + "\\n")
        os.replace(path + ".part", path)
        print("took", time.time() - started)
        return len(rows)
'''
ORDER = '''
    import requests


    def order(session, key: str, amount: int) -> dict:
        """Place an order once."""
        if amount <= 0:
            raise ValueError("amount")
        try:
            answer = session.post("/orders", json={"amount": amount}, headers={"Idempotency-Key": key})
        except requests.Timeout:
            return {"state": "unknown", "id": None}
        if answer.status_code == 409:
            return {"state": "exists", "id": answer.json()["id"]}
        answer.raise_for_status()
        return {"state": "placed", "id": answer.json()["id"]}
'''
NOTIFY = '''
    async def notify(bus, users: list[str], text: str) -> int:
        """Tell users, and count those who were told."""
        told = 0
        for user in users:
            if await bus.send(user, text):
                told += 1
        await bus.flush()
        return told
'''
AGE = '''
    from datetime import datetime


    def age(store, key: str) -> float:
        """Return how old an entry is, in days."""
        entry = store.find(key)
        if entry is None:
            return -1.0
        return (datetime.now() - datetime(2024, 1, 1)).days + entry["extra"]
'''
CONFIG = '''
    import json


    def load(path: str) -> float:
        """Read a limit."""
        try:
            with open(path) as file:
                data = json.load(file)
        except FileNotFoundError:
            return 0.0
        if not isinstance(data, dict):
            raise ValueError("not an object")
        return round(float(data["limit"]), 1)
'''
DISPATCH = '''
    def dispatch(handlers, event: dict) -> int:
        """Hand an event to all who take it."""
        done = 0
        for handler in handlers:
            try:
                handler.handle(event["kind"], event.get("body"))
            except ValueError:
                continue
            done += 1
        return done
'''
PLACE = '''
    async def place(service, user_id: int, items: list[str]) -> int:
        """Charge a user for some items."""
        user = await service.users.find(user_id)
        if user is None:
            raise LookupError(user_id)
        total = 0
        for item in items:
            price = await service.prices.of(item)
            if price > 100:
                price = 100
            total += price
        await service.bank.charge(user.account, total)
        return total
'''
ROWS = {
    # id: original, what is replaced by what, whether it means the same
    "fetch-same": (FETCH, [("cursor = None\n", "cursor = None  # first page\n")], True),
    "fetch-logs": (FETCH, [('raise Run', 'log.warning("bad")\n                raise Run')], True),
    "fetch-message": (FETCH, [('f"status {response.status_code}"', 'f"{url}: status {response.status_code}"')], True),
    "fetch-named": (FETCH, [("response.status_code == 404:", "(code := response.status_code) == 404:"), ("if response.status_code != 200", "if code != 200")], True),
    "fetch-early-return": (FETCH, [('cursor = data.get("next")\n', 'cursor = data.get("next")\n            if not cursor:\n                return items\n')], True),
    "fetch-loop-of-appends": (FETCH, [('items.extend(data["items"])', 'for item in data["items"]:\n                items.append(item)')], True),
    "fetch-twice": (FETCH, [("data = response.json()", "client.get(url)\n            data = response.json()")], False),
    "fetch-other-argument": (FETCH, [('{"cursor": cursor}', '{"cursor": cursor or ""}')], False),
    "fetch-other-parameter": (FETCH, [('{"cursor": cursor}', '{"page": cursor}')], False),
    "fetch-without-parameters": (FETCH, [(', params={"cursor": cursor}', "")], False),
    "fetch-other-method": (FETCH, [("client.get(url", "client.get(url.strip()")], False),
    "fetch-other-status": (FETCH, [("== 404", "== 410")], False),
    "fetch-status-swallowed": (FETCH, [('raise RuntimeError(f"status {response.status_code}")', "return items")], False),
    "fetch-other-exception": (FETCH, [("RuntimeError", "ValueError")], False),
    "fetch-limit": (FETCH, [(">= limit", "> limit")], False),
    "fetch-one-page": (FETCH, [("if not cursor or len(items) >= limit:\n                return items", "return items")], False),
    "fetch-missing-key": (FETCH, [('data["items"]', 'data.get("items", [])')], False),
    "fetch-copies": (FETCH, [("cursor = None\n", "cursor = None\n        seen = set()\n")], True),
    "save-same": (SAVE, [("started = time.time()\n", "started = time.time()  # seconds\n")], True),
    "save-named": (SAVE, [("file.write(row.strip() + ", "line = row.strip()\n                file.write(line + ")], True),
    "save-clock-twice": (SAVE, [("started = time.time()", "time.time()\n        started = time.time()")], True),
    "save-count-first": (SAVE, [("started = time.time()\n", "count = len(rows)\n        started = time.time()\n"), ("return len(rows)", "return count")], True),
    "save-formatted": (SAVE, [('row.strip() + "\\n"', 'f"{row.strip()}\\n"')], True),
    "save-not-stripped": (SAVE, [(".strip()", "")], False),
    "save-right-stripped": (SAVE, [(".strip()", ".rstrip()")], False),
    "save-other-mode": (SAVE, [('"w"', '"a"')], False),
    "save-other-order": (SAVE, [('        os.replace(path + ".part", path)\n', ""), ("started = ", 'os.replace(path + ".part", path)\n        started = ')], False),
    "save-inside": (SAVE, [("        os.replace", "            os.replace")], False),
    "save-no-replace": (SAVE, [('        os.replace(path + ".part", path)\n', "")], False),
    "save-no-print": (SAVE, [('        print("took", time.time() - started)\n', "")], False),
    "save-at-once": (SAVE, [('for row in rows:\n                file.write(row.strip() + "\\n")', 'file.write("".join(row.strip() + "\\n" for row in rows))')], False),
    "order-same": (ORDER, [('return {"state": "placed", "id": answer.json()["id"]}', 'body = answer.json()\n        return {"state": "placed", "id": body["id"]}')], True),
    "order-message": (ORDER, [('ValueError("amount")', 'ValueError(f"amount is {amount}")')], True),
    "order-keys-in-another-order": (ORDER, [('{"state": "unknown", "id": None}', '{"id": None, "state": "unknown"}')], True),
    "order-twice": (ORDER, [("answer.raise_for_status()", 'session.post("/orders", json={"amount": amount})\n        answer.raise_for_status()')], False),
    "order-without-key": (ORDER, [(', headers={"Idempotency-Key": key}', "")], False),
    "order-other-key": (ORDER, [('"Idempotency-Key": key', '"Idempotency-Key": key.lower()')], False),
    "order-not-raised": (ORDER, [("        answer.raise_for_status()\n", "")], False),
    "order-raised-early": (ORDER, [("if answer.status_code == 409", "answer.raise_for_status()\n        if answer.status_code == 409")], False),
    "order-timeout-not-caught": (ORDER, [("except requests.Timeout:\n            return {\"state\": \"unknown\", \"id\": None}", "except requests.Timeout:\n            raise")], False),
    "order-catches-more": (ORDER, [("except requests.Timeout", "except Exception")], False),
    "order-boundary": (ORDER, [("amount <= 0", "amount < 0")], False),
    "order-checked-late": (ORDER, [('        if amount <= 0:\n            raise ValueError("amount")\n', ""), ("        if answer.status_code == 409", '        if amount <= 0:\n            raise ValueError("amount")\n        if answer.status_code == 409')], False),
    "notify-same": (NOTIFY, [("if await bus.send(user, text):\n                told += 1", "sent = await bus.send(user, text)\n            if sent:\n                told = told + 1")], True),
    "notify-no-flush": (NOTIFY, [("        await bus.flush()\n", "")], False),
    "notify-flushes-each": (NOTIFY, [("        await bus.flush()", "            await bus.flush()")], False),
    "notify-swapped": (NOTIFY, [("send(user, text)", "send(text, user)")], False),
    "notify-counts-all": (NOTIFY, [("if await bus.send(user, text):\n                told += 1", "await bus.send(user, text)\n            told += 1")], False),
    "notify-once-each": (NOTIFY, [("in users", "in sorted(set(users))")], False),
    "age-same": (AGE, [("if entry is None:\n            return -1.0\n        return (", "if entry is not None:\n            return (") , ('entry["extra"]\n', 'entry["extra"]\n        return -1.0\n')], True),
    "age-clock-first": (AGE, [("entry = store", "now = datetime.now()\n        entry = store"), ("(datetime.now() -", "(now -")], True),
    "age-seconds": (AGE, [(").days", ").seconds")], False),
    "age-sign": (AGE, [("return -1.0", "return 1.0")], False),
    "config-message": (CONFIG, [('"not an object"', 'f"{path} holds no object"')], True),
    "config-not-checked": (CONFIG, [('        if not isinstance(data, dict):\n            raise ValueError("not an object")\n', "")], False),
    "config-other-exception": (CONFIG, [("ValueError", "TypeError")], False),
    "config-digits": (CONFIG, [(", 1)", ", 2)")], False),
    "config-key": (CONFIG, [('data["limit"]', 'data.get("limit", 0)')], False),
    "dispatch-else": (DISPATCH, [("                continue\n            done += 1", "                pass\n            else:\n                done += 1")], True),
    "dispatch-break": (DISPATCH, [("continue", "break")], False),
    "dispatch-counts-all": (DISPATCH, [("continue", "pass")], False),
    "dispatch-body": (DISPATCH, [('event.get("body")', 'event.get("body", "")')], False),
    "place-message": (PLACE, [("LookupError(user_id)", 'LookupError(f"no user {user_id}")')], True),
    "place-other-exception": (PLACE, [("LookupError", "KeyError")], False),
    "place-not-awaited": (PLACE, [("await service.bank", "service.bank")], False),
    "place-limit": (PLACE, [("price > 100", "price > 120")], False),
    "place-charged-first": (PLACE, [("            if price > 100:\n                price = 100\n", "")], False),
    "place-failure-swallowed": (PLACE, [("        await service.bank.charge(user.account, total)\n", "        try:\n            await service.bank.charge(user.account, total)\n        except ConnectionError:\n            return 0\n")], False),
    "age-extra": (AGE, [('entry["extra"]', 'entry.get("extra", 0)')], False),
}  # fmt: skip


def _marks(number: int) -> list[pytest.MarkDecorator]:
    """Leave every third row to the default run: each takes half a second in the jail."""
    return [pytest.mark.slow] if number % 3 else []


@pytest.mark.parametrize(
    ("original", "edits", "same"),
    [pytest.param(*row, id=name, marks=_marks(number)) for number, (name, row) in enumerate(ROWS.items())],
)
def test_rewrite_with_effects(original: str, edits: list[tuple[str, str]], same: bool) -> None:
    module = dedent(original)
    function = original[original.index("    async def " if "async def" in original else "    def ") :]
    source, text = dedent(function), function
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    name = source.partition("(")[0].rpartition(" ")[2]

    verdict = validate(dedent(text), Original(source, name, name, module=module))

    assert verdict.accepted is same, verdict.violations
    assert {one.gate for one in verdict.violations} <= {"semantics", "security"}


def test_the_table_has_forty_rewrites_that_were_tried_with_doubles() -> None:
    assert len(ROWS) >= 40


def test_evidence_says_that_doubles_were_used_and_with_how_many_inputs() -> None:
    source = "def ask(client, key: str) -> int:\n    return client.find(key)\n"

    verdict = validate("def ask(client, key: str) -> int:\n    found = client.find(key)\n    return found\n", source)

    last = verdict.evidence[-1]
    assert (last.gate, last.method, last.inputs >= 300) == ("semantics", "doubles", True)


def test_method_is_tried_with_a_double_for_its_object() -> None:
    module = "class Cart:\n    def total(self, off: float) -> float:\n        return sum(i.price for i in self.items) * (1 - off)\n"
    source = dedent(module.partition("\n")[2])
    original = Original(source, "total", "Cart.total", module=module)
    named = source.replace("return sum", "value = sum").replace("(1 - off)", "(1 - off)\n    return value")

    assert validate(named, original).accepted
    assert not validate(named.replace("1 - off", "1 + off"), original).accepted
    assert not validate(named.replace("self.items", "self.items.all()"), replace(original)).accepted
