"""Landing a patch of the log again on the tree as it is now: a patch set whose bases are the originals that were kept."""
from __future__ import annotations

import os

from .errors import Refusal, invalid
from .from_diff import operations_of
from .history import UNDONE, find_key, read_record
from .merge import changes
from .model import FileChange, Request
from .records import Entry, damaged, entries_of
from .reversal import Reverser
from .state import State

_META = ('requester', 'reason', 'branch', 'order_id', 'task_id', 'execution_id')


def request_of_record(state: State, patch_id: str) -> Request:
    """Raises PATCH_NOT_FOUND, PATCH_CORRUPT for a record that is damaged, PATCH_INVALID for a reversal."""
    key = find_key(state, patch_id)
    if UNDONE in key:
        raise invalid('replay', f'{key!a} is a reversal. Revert it to have back what it took away.', patch_id=patch_id)
    record, own = read_record(state, key), state.applied(key)
    if record is None or own is None:
        raise Refusal('PATCH_NOT_FOUND', f'The record of {key!r} is missing.', patch_id=patch_id)
    request = Request([], [])
    try:
        entries = entries_of(record, key)
        _Reading(request, Reverser(state.tree, own, key, entries), key).run(entries)
    finally:
        os.close(own)
    name = record.get('patch_id')
    request.patch_id = name if isinstance(name, str) else key.partition('~')[0]
    request.meta = {word: value for word in _META if isinstance(value := record.get(word), str)}
    request.replays = key
    return request


class _Reading:
    def __init__(self, request: Request, landing: Reverser, key: str) -> None:
        self.request = request
        self.landing = landing
        self.key = key

    def run(self, entries: list[Entry]) -> None:
        sources = {entry.source for entry in entries if entry.source}
        for entry in entries:
            # What a rename took away belongs to the rename.
            if entry.path not in sources or entry.new is not None:
                self._add(entry)

    def _add(self, entry: Entry) -> None:
        before = self.landing.entries.get(entry.source) if entry.source else entry
        shown = entry.new or entry.old
        if before is None or shown is None or (entry.source and before.old is None):
            raise damaged(self.key)
        old, new = before.old, entry.new
        kind = 'rename' if entry.source else 'create' if old is None else 'delete' if new is None else 'mode' if old.blob == new.blob else 'modify'
        change = FileChange(entry.path, kind, shown.mode)
        change.source = entry.source
        change.base_blob = old.blob if old else None
        change.result_blob = new.blob if new else None
        if self.request.files is not None:
            self.request.files.append(change)
        base = self.landing.original_of(before)
        if old is not None:
            self.request.bases.append(base)
            self.request.base_modes[before.path] = old.mode
        result = base if new is None or (old and old.blob == new.blob) else self.landing.result_of(entry)
        if new is not None and result != base:
            self.request.operations += operations_of(entry.path, base, changes(base, result))
