"""What has been applied, and taking it back."""
from __future__ import annotations

import os
from collections.abc import Callable

from .disk import open_directory
from .errors import Refusal, stale
from .plan import Plan
from .records import Record, entries_of, load_record
from .state import State, safe_name

UNDONE = '~revert'


def read_record(state: State, key: str) -> Record | None:
    fd = state.applied(key)
    if fd is None:
        return None
    try:
        return load_record(fd, key)
    finally:
        os.close(fd)


def list_applied(state: State) -> list[Record]:
    """Newest last."""
    home = state.open()
    applied = None if home is None else open_directory(home, 'applied')
    if applied is None:
        return []
    try:
        keys = os.listdir(applied)
    finally:
        os.close(applied)
    records = [(key, record) for key in keys if (record := _readable(state, key))]
    records.sort(key=lambda item: (_number(item[1].get('at')), item[0]))
    return [_summary(key, record, set(keys)) for key, record in records]


def _readable(state: State, key: str) -> Record | None:
    try:
        return read_record(state, key)
    except Refusal:
        return None


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _summary(key: str, record: Record, keys: set[str]) -> Record:
    entries = record.get('entries')
    shown: Record = {name: value for name, value in record.items() if name not in ('version', 'key', 'entries', 'made_directories')}
    shown['patch_id'] = key
    shown['files'] = [entry.get('path') for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    shown['reverted'] = _last(key, keys.__contains__) != key and _is_undone(_last(key, keys.__contains__), key)
    return shown


def _last(key: str, exists: Callable[[str], bool]) -> str:
    """The end of the chain key, key~revert, key~revert~revert, ..."""
    while exists(key + UNDONE):
        key += UNDONE
    return key


def _is_undone(last: str, key: str) -> bool:
    return last[len(key):].count(UNDONE) % 2 == 1


class Reversal:
    """`key` is the new landing's, `undoes` the record that it takes back, `record` what that says."""

    def __init__(self, undoes: str, plan: Plan, record: Record) -> None:
        self.undoes = undoes
        self.record = record
        self.key = undoes + UNDONE
        self.plan = plan


def plan_revert(state: State, patch_id: str) -> Reversal:
    """Raises PATCH_NOT_FOUND, PATCH_CONFLICT when later work stands where the patch wrote."""
    from .reversal import Reverser

    key = find_key(state, patch_id)
    last = _last(key, state.has)
    is_undone = _is_undone(last, key)
    undoes = last.removesuffix(UNDONE) if is_undone else last
    if len(undoes) + len(UNDONE) > 200:
        raise Refusal('PATCH_INVALID', f'{patch_id!r} has been reverted and restored too often.', rule='revert-chain')
    record = read_record(state, undoes)
    own = state.applied(undoes)
    if record is None or own is None:
        raise Refusal('PATCH_NOT_FOUND', f'The record of {undoes!r} is missing.', patch_id=undoes)
    try:
        plan = Reverser(state.tree, own, undoes).plan(entries_of(record, undoes), is_undone)
    finally:
        os.close(own)
    if is_undone and plan.targets:
        raise stale(f'{patch_id!r} was reverted before, and its files have changed since.', patch_id=patch_id)
    return Reversal(undoes, plan, record)


def find_key(state: State, patch_id: str) -> str:
    """A patch set that was landed again has several records: the newest that stands is meant."""
    key = safe_name(patch_id)
    if '~' in patch_id and state.is_key(patch_id):
        key = patch_id
    if not state.has(key):
        raise Refusal('PATCH_NOT_FOUND', f'No patch {patch_id!r} has been applied here. `list` shows those that were.', patch_id=patch_id)
    if '~' in key:
        return key
    keys = [key]
    while state.has(f'{key}~{len(keys) + 1}'):
        keys.append(f'{key}~{len(keys) + 1}')
    standing = [name for name in keys if not _is_undone(_last(name, state.has), name)]
    return (standing or keys)[-1]
