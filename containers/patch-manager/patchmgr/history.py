"""What has been applied, and taking it back."""
from __future__ import annotations

import os
from collections.abc import Callable

from .blobs import blob_id
from .diff import replaced
from .disk import open_directory, read_file
from .errors import Refusal, stale
from .model import FileChange
from .plan import ALREADY, New, Outcome, Plan, Target
from .state import State, safe_name
from .tree import REGULAR, Seen

Record = dict[str, object]
UNDONE = '~revert'


def read_record(state: State, key: str) -> Record | None:
    fd = state.applied(key)
    if fd is None:
        return None
    try:
        data = read_file(fd, 'record.json')
    finally:
        os.close(fd)
    if data is None:
        return None
    import json

    record = json.loads(data)
    return record if isinstance(record, dict) else None


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
    records = [record for key in keys if (record := read_record(state, key))]
    records.sort(key=lambda record: (_number(record.get('at')), str(record['key'])))
    return [_summary(record, set(keys)) for record in records]


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _summary(record: Record, keys: set[str]) -> Record:
    key = str(record['key'])
    entries = record['entries']
    shown: Record = {name: value for name, value in record.items() if name not in ('version', 'key', 'entries', 'made_directories')}
    shown['patch_id'] = key
    shown['files'] = [entry['path'] for entry in entries] if isinstance(entries, list) else []
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
    """`key` is the new landing's, `undoes` the record that it takes back."""

    def __init__(self, undoes: str, plan: Plan) -> None:
        self.undoes = undoes
        self.key = undoes + UNDONE
        self.plan = plan


def plan_revert(state: State, patch_id: str) -> Reversal:
    """Raises PATCH_NOT_FOUND, PATCH_STALE when a file is no longer as the patch left it."""
    key = _find(state, patch_id)
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
        plan = _Planner(state, own, undoes).plan(record)
    finally:
        os.close(own)
    if is_undone and plan.targets:
        raise stale(f'{patch_id!r} was reverted before, and its files have changed since.', patch_id=patch_id)
    return Reversal(undoes, plan)


def _find(state: State, patch_id: str) -> str:
    """A patch set that was landed again has several records: the newest that stands is meant."""
    key = safe_name(patch_id)
    if '~' in patch_id and all(safe_name(part) == part for part in patch_id.split('~')):
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


class _Planner:
    def __init__(self, state: State, own: int, key: str) -> None:
        self.state = state
        self.own = own
        self.key = key

    def plan(self, record: Record) -> Plan:
        plan = Plan()
        entries = record['entries']
        for index, entry in enumerate(entries if isinstance(entries, list) else []):
            self._entry(plan, index, entry)
        return plan

    def _entry(self, plan: Plan, index: int, entry: Record) -> None:
        path, old, new = str(entry['path']), entry['old'], entry['new']
        seen = self.state.tree.read(path)
        change = FileChange(path, 'create' if new is None else 'delete' if old is None else 'modify', '100644')
        outcome = Outcome(change)
        outcome.base = seen.data
        outcome.old_mode = seen.mode or '100644'
        shown = old if isinstance(old, dict) else new if isinstance(new, dict) else {}
        change.mode = str(shown.get('mode'))
        change.result_blob = str(old['blob']) if isinstance(old, dict) else None
        plan.outcomes.append(outcome)
        if _is_at(seen, old):
            outcome.status = ALREADY
            outcome.result = seen.data
            return
        if not _is_at(seen, new):
            raise stale(f'{path!r} has changed since {self.key!r} was applied, so it cannot be taken back exactly.', path=path)
        if not isinstance(old, dict):
            outcome.edits = replaced(seen.data, b'')
            plan.targets.append(Target(path, seen, None))
            return
        outcome.result = self._original(index, path, old)
        outcome.edits = replaced(seen.data, outcome.result)
        restored = New(outcome.result, str(old['blob']), change.mode, seen)
        restored.permissions = _number(old['permissions'])
        plan.targets.append(Target(path, seen, restored))

    def _original(self, index: int, path: str, old: Record) -> bytes:
        backups = open_directory(self.own, 'old')
        data = None
        if backups is not None:
            try:
                data = read_file(backups, str(index))
            finally:
                os.close(backups)
        if data is None or blob_id(data) != old['blob']:
            raise Refusal('PATCH_CORRUPT', f'The kept original of {path!r} is damaged or missing.', path=path)
        return data


def _is_at(seen: Seen, entry: object) -> bool:
    if not isinstance(entry, dict):
        # A directory stands where the file of this entry gave way to files below its name, or the reverse.
        return seen.kind != REGULAR
    return seen.is_at(entry['blob']) and seen.mode == entry['mode']
