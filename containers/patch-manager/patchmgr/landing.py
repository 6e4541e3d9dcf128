"""Writing a plan: all of it or nothing, whatever moment the process dies at.

The order is the proof. (1) New contents and originals are on the disk. (2) record.json, the journal, is on the disk.
(3) Files are renamed into place. (4) txn/<key> is renamed to applied/<key>: that is the commit. A landing found in txn/ is
rolled back by the next command; one found in applied/ is whole.
"""
from __future__ import annotations

import os

from .disk import flush_file_system, made_directory, remove_tree, write_new
from .errors import stale
from .names import ancestors
from .plan import New, Target
from .recovery import recover
from .state import STAGING_IN_TREE, State
from .tree import ABSENT, DIRECTORY, REGULAR, Seen, Tree

RECORD_VERSION = 1
# From here on one flush of the whole file system is cheaper than one for each file.
BULK = 16


def land(state: State, key: str, targets: list[Target], about: dict[str, object], diff: bytes) -> None:
    """`about` goes into the record as it is. Raises PATCH_STALE if a file moved since it was read; then nothing has changed."""
    try:
        _Landing(state, key, targets).run(about, diff)
    except BaseException:
        recover(state)
        raise


class _Landing:
    def __init__(self, state: State, key: str, targets: list[Target]) -> None:
        self.state = state
        self.tree: Tree = state.tree
        self.key = key
        self.targets = targets
        self.is_bulk = len(targets) >= BULK

    def run(self, about: dict[str, object], diff: bytes) -> None:
        home = self.state.made()
        txn = made_directory(home, 'txn')
        applied = made_directory(home, 'applied')
        staging = self.state.staging()
        own = made_directory(txn, self.key)
        try:
            self._keep(own, staging)
            write_new(own, 'patch.diff', diff, 0o644)
            self._journal(own, txn, about)
            try:
                self._check_unmoved()
            except BaseException:
                # Nothing was touched, so there is nothing to roll back: what others wrote stays as it is.
                os.unlink('record.json', dir_fd=own)
                raise
            self._perform(staging)
            self._flush_tree()
            os.rename(self.key, self.key, src_dir_fd=txn, dst_dir_fd=applied)
            os.fsync(applied)
            os.fsync(txn)
        finally:
            for fd in (txn, applied, staging, own):
                os.close(fd)
        if self.state.outside is not None:
            remove_tree(self.tree.fd, STAGING_IN_TREE)

    def _keep(self, own: int, staging: int) -> None:
        """Originals and new contents."""
        backups = made_directory(own, 'old')
        try:
            for index, target in enumerate(self.targets):
                if target.old.kind == REGULAR:
                    write_new(backups, str(index), target.old.data, target.old.permissions & 0o666, not self.is_bulk)
                if target.new is not None:
                    write_new(staging, str(index), target.new.data, target.new.permissions, not self.is_bulk)
                    self._own(staging, str(index), target.old)
            os.fsync(backups)
        finally:
            os.close(backups)
        if self.is_bulk and not (flush_file_system(own) and flush_file_system(staging)):
            os.sync()

    def _own(self, staging: int, name: str, old: Seen) -> None:
        """Root keeps the owner of a file that it replaces."""
        if old.kind == REGULAR and os.geteuid() == 0 and old.owner != (0, 0):
            os.chown(name, old.owner[0], old.owner[1], dir_fd=staging, follow_symlinks=False)

    def _journal(self, own: int, txn: int, about: dict[str, object]) -> None:
        import json

        record = {
            'version': RECORD_VERSION,
            'key': self.key,
            **about,
            'made_directories': self._missing_directories(),
            'entries': [
                {'path': target.path, 'old': old_entry(target.old), 'new': new_entry(target.new), **({'from': target.source} if target.source else {})}
                for target in self.targets
            ],
        }
        write_new(own, 'record.new', json.dumps(record, separators=(',', ':')).encode(), 0o644, True)
        os.rename('record.new', 'record.json', src_dir_fd=own, dst_dir_fd=own)
        os.fsync(own)
        os.fsync(txn)

    def _missing_directories(self) -> list[str]:
        """Those that writing will make, outermost first."""
        above = {name for target in self.targets if target.new for name in ancestors(target.path)}
        return [name for name in sorted(above) if self.tree.kind(name) != DIRECTORY]

    def _check_unmoved(self) -> None:
        for target in self.targets:
            if target.old.kind == REGULAR:
                is_same = self.tree.stamp(target.path) == target.old.stamp
            else:
                is_same = self.tree.kind(target.path) in (ABSENT, DIRECTORY)
            if not is_same:
                raise stale(f'{target.path!r} was changed by somebody else in this moment.', path=target.path)

    def _perform(self, staging: int) -> None:
        """Removals come first: a file may become a directory, and a directory a file."""
        removals = [target for target in self.targets if target.new is None]
        for target in removals:
            fd, name = self.tree.file_name(target.path)
            os.unlink(name, dir_fd=fd)
        for target in removals:
            self.tree.prune(target.path)
        for index, target in enumerate(self.targets):
            if target.new is not None:
                fd, name = self.tree.file_name(target.path)
                try:
                    os.rename(str(index), name, src_dir_fd=staging, dst_dir_fd=fd)
                except IsADirectoryError:
                    raise stale(f'{target.path!r} is a directory with other files in it.', path=target.path) from None

    def _flush_tree(self) -> None:
        """The renames are on the disk before the commit is."""
        if self.is_bulk and flush_file_system(self.tree.fd):
            return
        flushed: set[str] = set()
        for target in self.targets:
            above = target.path.rpartition('/')[0]
            while above not in flushed:
                flushed.add(above)
                found = self.tree.parent(f'{above}/x' if above else 'x')
                if isinstance(found, tuple):
                    os.fsync(found[0])
                above = above.rpartition('/')[0]


def old_entry(old: Seen) -> dict[str, object] | None:
    if old.kind != REGULAR:
        return None
    return {'blob': old.blob, 'mode': old.mode, 'permissions': old.permissions, 'owner': list(old.owner)}


def new_entry(new: New | None) -> dict[str, object] | None:
    return None if new is None else {'blob': new.blob, 'mode': new.mode, 'permissions': new.permissions}
