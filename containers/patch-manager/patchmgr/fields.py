"""Typed reading of JSON objects. Every message names the place."""
from __future__ import annotations

from .errors import Refusal, invalid

MAX_LINE = 2**53 - 1


def json_value(data: bytes) -> object:
    """Raises INVALID_JSON."""
    import json

    try:
        return json.loads(data.decode('utf-8-sig'))
    except UnicodeDecodeError:
        raise Refusal('INVALID_JSON', 'The input is not UTF-8.') from None
    except RecursionError:
        raise Refusal('INVALID_JSON', 'The input is nested too deeply.') from None
    except ValueError as error:
        raise Refusal('INVALID_JSON', f'The input is not JSON: {error}.') from None


class Fields:
    """One JSON object and its place in the input."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise invalid('type', f'{where} must be an object.')
        self.values: dict[str, object] = value
        self.where = where

    def only(self, allowed: frozenset[str]) -> None:
        if not self.values.keys() <= allowed:
            extra = sorted(self.values.keys() - allowed)[0]
            raise invalid('unknown-field', f'{self.where} has the unknown field {extra[:80]!a}.')

    def wrong(self, key: str, expected: str, rule: str = 'type') -> Refusal:
        return invalid(rule, f'{self.where}.{key} must be {expected}.')

    def text(self, key: str, most: int, least: int = 0) -> str:
        value = self.values.get(key)
        if not isinstance(value, str) or not least <= len(value) <= most:
            raise self.wrong(key, f'a text of {least} to {most} characters')
        return value

    def optional_text(self, key: str, most: int) -> str | None:
        return self.text(key, most) if self.values.get(key) is not None else None

    def items(self, key: str, most: int) -> list[object]:
        value = self.values.get(key)
        if not isinstance(value, list):
            raise self.wrong(key, 'a list')
        if len(value) > most:
            raise Refusal('PATCH_TOO_LARGE', f'{self.where}.{key} has {len(value)} entries; {most} are allowed.')
        return value

    def line(self, key: str) -> int:
        value = self.values.get(key)
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int or not 1 <= value <= MAX_LINE:
            raise self.wrong(key, 'a whole number from 1', 'line-number')
        return value

    def flag(self, key: str) -> bool:
        value = self.values.get(key)
        if value is not None and not isinstance(value, bool):
            raise self.wrong(key, 'true or false')
        return bool(value)

    def object_id(self, key: str, rule: str) -> str | None:
        """A git object id, or None for null. The field must be there."""
        value = self.values.get(key, False)
        if value is None:
            return None
        if not isinstance(value, str) or len(value) != 40 or value.strip('0123456789abcdef'):
            raise self.wrong(key, 'a git object id (40 hex digits)', rule)
        return value

    def block(self, key: str) -> bytes:
        value = self.values.get(key)
        if not isinstance(value, str):
            raise self.wrong(key, 'a text')
        return self.encoded(key, value)

    def encoded(self, key: str, value: str) -> bytes:
        try:
            return value.encode()
        except UnicodeEncodeError:
            raise self.wrong(key, 'valid Unicode; half a surrogate pair cannot be written to a file', 'lone-surrogate') from None
