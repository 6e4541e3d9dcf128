"""Undoing a landing that did not finish. Every step may be repeated, so dying in here is no harm either."""
from __future__ import annotations

import os

from .disk import open_directory, remove_tree, write_new
from .errors import Refusal
from .records import Entry, Side, directories_of, entries_of, load_record, original
from .state import STAGING_IN_TREE, State
from .tree import ABSENT, DIRECTORY, REGULAR, Seen, Tree

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
    from .settling import finish
    from .untold import spool

    finish(state)
    spool(state)
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
        journal = load_record(own, key)
        if journal is not None:
            note = _Undo(state, own, entries_of(journal, key), directories_of(journal, key)).run(key)
            # Without its journal the rest is rubbish, so this must reach the disk before any of it goes.
            os.unlink('record.json', dir_fd=own)
            os.fsync(own)
    finally:
        os.close(own)
    remove_tree(txn, key)
    return note


class _Undo:
    def __init__(self, state: State, own: int, entries: list[Entry], made_directories: list[str]) -> None:
        self.tree: Tree = state.tree
        self.state = state
        self.own = own
        self.entries = entries
        self.made_directories = made_directories
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
        for entry in self.entries:
            if entry.old is not None:
                self._restore(entry, entry.old)
        return {'patch_id': key, 'action': 'rolled-back', 'rescued': self.rescued}

    def _seen(self, path: str) -> Seen | None:
        """None for what the Patch Manager never puts anywhere, such as a symlink."""
        try:
            return self.tree.read(path)
        except Refusal as refusal:
            if refusal.details.get('rule') != 'file-type':
                raise
            return None

    def _clear(self, entry: Entry) -> None:
        """Takes the new file away where there was none. A file that is neither old nor new is somebody's work: set aside."""
        path = entry.path
        seen = self._seen(path)
        if seen is not None and (seen.kind != REGULAR or _is(seen, entry.old)):
            return
        fd, name = self.tree.file_name(path)
        if seen is None or not _is(seen, entry.new):
            self._set_aside(path)
        elif entry.old is None:
            os.unlink(name, dir_fd=fd)

    def _set_aside(self, path: str) -> None:
        fd, name = self.tree.file_name(path)
        aside = name[:200] + b'.rescued-' + os.urandom(4).hex().encode()
        os.rename(name, aside, src_dir_fd=fd, dst_dir_fd=fd)
        self.tree.forget()
        self.rescued.append(path.rpartition('/')[0] + '/' * ('/' in path) + os.fsdecode(aside))

    def _restore(self, entry: Entry, old: Side) -> None:
        path = entry.path
        seen = self._seen(path)
        if seen is not None and _is(seen, old):
            return
        data = original(self.own, entry)
        if data is None:
            raise Refusal('INTERNAL', f'The original of {path!r} is damaged; the landing cannot be rolled back.', path=path)
        if seen is not None and seen.kind == DIRECTORY:
            self._set_aside(path)
        staging = self.state.staging()
        try:
            temporary = f'r{entry.index}'
            remove_tree(staging, temporary)
            write_new(staging, temporary, data, old.permissions, True)
            if os.geteuid() == 0 and old.owner not in ((0, 0), (-1, -1)):
                os.chown(temporary, old.owner[0], old.owner[1], dir_fd=staging, follow_symlinks=False)
            fd, name = self.tree.file_name(path)
            os.rename(temporary, name, src_dir_fd=staging, dst_dir_fd=fd)
            os.fsync(fd)
        finally:
            os.close(staging)


def _is(seen: Seen, side: Side | None) -> bool:
    if side is None:
        return seen.kind == ABSENT
    return seen.kind == REGULAR and seen.blob == side.blob and seen.permissions & 0o777 == side.permissions
