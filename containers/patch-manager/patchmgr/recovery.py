"""Undoing a landing that did not finish. Every step may be repeated, so dying in here is no harm either."""
from __future__ import annotations

import os

from .blobs import blob_id
from .disk import open_directory, read_file, remove_tree, write_new
from .errors import Refusal
from .state import STAGING_IN_TREE, State
from .tree import ABSENT, REGULAR, Seen, Tree

# What recovery reports: the landing, and the files of other people that it had to set aside.
Note = dict[str, object]


def recover(state: State) -> list[Note]:
    """Rolls back what is under way. The caller holds the lock."""
    home = state.open()
    if home is None:
        return []
    notes: list[Note] = []
    txn = open_directory(home, 'txn')
    if txn is not None:
        try:
            for key in sorted(os.listdir(txn)):
                note = _undo(state, txn, key)
                if note is not None:
                    notes.append(note)
        finally:
            os.close(txn)
    if state.outside is not None:
        remove_tree(state.tree.fd, STAGING_IN_TREE)
    else:
        _empty_staging(home)
    return notes


def _empty_staging(home: int) -> None:
    staging = open_directory(home, 'staging')
    if staging is None:
        return
    try:
        for name in os.listdir(staging):
            os.unlink(name, dir_fd=staging)
    finally:
        os.close(staging)


def _undo(state: State, txn: int, key: str) -> Note | None:
    own = open_directory(txn, key)
    if own is None:
        return None
    note: Note | None = None
    try:
        journal = read_file(own, 'record.json')
        if journal is not None:
            import json

            note = _Undo(state, own, json.loads(journal)).run(key)
            # Without its journal the rest is rubbish, so this must reach the disk before any of it goes.
            os.unlink('record.json', dir_fd=own)
            os.fsync(own)
    finally:
        os.close(own)
    remove_tree(txn, key)
    return note


class _Undo:
    def __init__(self, state: State, own: int, record: dict[str, object]) -> None:
        self.tree: Tree = state.tree
        self.state = state
        self.own = own
        self.entries = _list(record['entries'])
        self.made_directories = [str(name) for name in _list(record['made_directories'])]
        self.rescued: list[str] = []

    def run(self, key: str) -> Note:
        for entry in self.entries:
            self._clear(entry)
        for name in reversed(self.made_directories):
            found = self.tree.parent(name)
            if isinstance(found, tuple):
                try:
                    os.rmdir(found[1], dir_fd=found[0])
                except OSError:
                    continue
                self.tree.forget()
        for index, entry in enumerate(self.entries):
            if entry['old'] is not None:
                self._restore(index, entry)
        return {'patch_id': key, 'action': 'rolled-back', 'rescued': self.rescued}

    def _seen(self, path: str) -> Seen | None:
        """None for what the Patch Manager never puts anywhere, such as a symlink."""
        try:
            return self.tree.read(path)
        except Refusal as refusal:
            if refusal.details.get('rule') != 'file-type':
                raise
            return None

    def _clear(self, entry: dict[str, object]) -> None:
        """Takes the new file away where there was none. A file that is neither old nor new is somebody's work: set aside."""
        path = str(entry['path'])
        seen = self._seen(path)
        if seen is not None and (seen.kind != REGULAR or _is(seen, entry['old'])):
            return
        fd, name = self.tree.file_name(path)
        if seen is None or not _is(seen, entry['new']):
            aside = name[:200] + b'.rescued-' + os.urandom(4).hex().encode()
            os.rename(name, aside, src_dir_fd=fd, dst_dir_fd=fd)
            self.rescued.append(path.rpartition('/')[0] + '/' * ('/' in path) + os.fsdecode(aside))
        elif entry['old'] is None:
            os.unlink(name, dir_fd=fd)

    def _restore(self, index: int, entry: dict[str, object]) -> None:
        path = str(entry['path'])
        old = entry['old']
        seen = self._seen(path)
        if not isinstance(old, dict) or (seen is not None and _is(seen, old)):
            return
        backups = open_directory(self.own, 'old')
        data = None if backups is None else read_file(backups, str(index))
        if backups is not None:
            os.close(backups)
        if data is None or blob_id(data) != old['blob']:
            raise Refusal('INTERNAL', f'The original of {path!r} is damaged; the landing cannot be rolled back.', path=path)
        staging = self.state.staging()
        try:
            temporary = f'r{index}'
            remove_tree(staging, temporary)
            write_new(staging, temporary, data, old['permissions'], True)
            if os.geteuid() == 0 and old['owner'] != [0, 0]:
                os.chown(temporary, old['owner'][0], old['owner'][1], dir_fd=staging, follow_symlinks=False)
            fd, name = self.tree.file_name(path)
            os.rename(temporary, name, src_dir_fd=staging, dst_dir_fd=fd)
            os.fsync(fd)
        finally:
            os.close(staging)


def _is(seen: Seen, entry: object) -> bool:
    if entry is None:
        return seen.kind == ABSENT
    return isinstance(entry, dict) and seen.kind == REGULAR and seen.blob == entry['blob'] and seen.permissions == entry['permissions']


def _list(value: object) -> list[dict[str, object]]:
    return value if isinstance(value, list) else []
