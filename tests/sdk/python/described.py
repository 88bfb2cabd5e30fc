"""What `/openapi.json` says of answers, held against every answer that a test sees: its status, its type and its body."""

import json
import re
import urllib.request
from functools import cache

from jsonschema import Draft202012Validator


class Described:
    """The document of one gateway."""

    def __init__(self, document: dict):
        self._components = document["components"]
        self._paths = [(_pattern(path), path, operations) for path, operations in document["paths"].items()]
        self._validators: dict[tuple, Draft202012Validator] = {}

    def faults(self, method: str, path: str, status: int, kind: str, body: bytes) -> list[str]:
        """What an answer is, and should not be."""
        where = f"{method} {path}: {status}"
        found = next(((name, operations) for pattern, name, operations in self._paths if pattern.fullmatch(path)), None)
        if found is None or method.lower() not in found[1]:
            # What there is no operation for is refused, and nothing more is said of it.
            return []
        name, operations = found
        answers = operations[method.lower()]["responses"]
        if str(status) not in answers:
            return [f"{where} is not described"]
        content = answers[str(status)].get("content", {})
        if not body:
            return []
        if kind not in content and not any(name.endswith("/*") for name in content):
            return [f"{where}: {kind} is not described"]
        if kind != "application/json":
            return []
        validator = self._validator((name, method, status), content[kind]["schema"])
        errors = list(validator.iter_errors(json.loads(body)))
        return [f"{where}: {list(error.absolute_path)}: {error.message[:300]}" for error in errors]

    def _validator(self, key: tuple, schema: dict) -> Draft202012Validator:
        if key not in self._validators:
            self._validators[key] = Draft202012Validator(schema | {"components": self._components})
        return self._validators[key]


def _pattern(path: str) -> re.Pattern:
    # A model's id may hold slashes.
    variable = ".+" if path.endswith("/models/{id}") else "[^/]+"
    return re.compile("".join(variable if part.startswith("{") else re.escape(part) for part in _parts(path)))


def _parts(path: str) -> list[str]:
    return [part for part in re.split(r"(\{[^}]*\})", path) if part]


@cache
def of(origin: str) -> Described | None:
    """The document of the gateway at an address; none of what is no gateway."""
    try:
        with urllib.request.urlopen(f"{origin}/openapi.json", timeout=60) as answer:
            return Described(json.load(answer))
    except urllib.error.HTTPError:
        return None
