"""What can go wrong. Codes are those of the ERRORS table that every part of the system shares."""
from __future__ import annotations


class Refusal(Exception):
    """A request that is not carried out (exit 1). `details['rule']` names the rule that was hit, where there is one."""

    def __init__(self, code: str, message: str, **details: object) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details


class Usage(Exception):
    """A command line that cannot be understood (exit 2)."""


def invalid(rule: str, message: str, **details: object) -> Refusal:
    return Refusal('PATCH_INVALID', message, rule=rule, **details)


def policy(rule: str, message: str, **details: object) -> Refusal:
    return Refusal('PATCH_POLICY', message, rule=rule, **details)


def stale(message: str, **details: object) -> Refusal:
    return Refusal('PATCH_STALE', message, **details)
