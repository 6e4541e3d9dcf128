"""Which landing wrote which line of a file, from the records alone."""
from __future__ import annotations

import os

from .edits import count_lines
from .errors import Refusal
from .history import list_applied, read_record
from .merge import changes
from .records import Entry, entries_of
from .reversal import Reverser
from .state import State
from .tree import REGULAR

Line = dict[str, object]


def blame_file(state: State, path: str) -> list[Line]:
    """`patch_id` is None for what was there before, or was written by somebody else. Raises PATCH_NOT_FOUND."""
    seen = state.tree.read(path)
    if seen.kind != REGULAR:
        raise Refusal('PATCH_NOT_FOUND', f'There is no file {path!a}.', path=path)
    follower = _Follower(state)
    for record in list_applied(state):
        follower.follow(str(record['patch_id']))
    data, owners = follower.files.get(path, (b'', []))
    owners = _carried(data, seen.data, owners, None)
    return [{'line': number + 1, 'patch_id': owner} for number, owner in enumerate(owners)]


class _Follower:
    """Walks through the landings, oldest first. `files`: the content that is known last, and who wrote each of its lines."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.files: dict[str, tuple[bytes, list[str | None]]] = {}

    def follow(self, key: str) -> None:
        own = self.state.applied(key)
        record = None if own is None else read_record(self.state, key)
        if own is None:
            return
        try:
            if record is not None:
                self._record(own, key, entries_of(record, key))
        finally:
            os.close(own)

    def _record(self, own: int, key: str, entries: list[Entry]) -> None:
        reverser = Reverser(self.state.tree, own, key)
        reverser.entries = {entry.path: entry for entry in entries}
        before = dict(self.files)
        for entry in entries:
            new = reverser.result(entry) if entry.new is not None else None
            source = reverser.entries.get(entry.source or entry.path, entry)
            old = reverser.original_of(source)
            known, owners = before.get(source.path, (old, [None] * count_lines(old)))
            if new is None:
                if entry.new is None:
                    self.files.pop(entry.path, None)
                continue
            self.files[entry.path] = new, _carried(old, new, _carried(known, old, owners, None), key)


def _carried(old: bytes, new: bytes, owners: list[str | None], owner: str | None) -> list[str | None]:
    """The owners of the lines of `new`, whose changed lines are `owner`'s."""
    if old == new:
        return owners
    made: list[str | None] = []
    at = 0
    for edit in changes(old, new):
        made += owners[at:edit.lo]
        made += [owner] * count_lines(edit.block)
        at = edit.hi
    return made + owners[at:]
