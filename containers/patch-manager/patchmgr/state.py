"""The state directory: what is under way, what has been applied, and the lock.

    txn/<key>/      a landing that has begun; with record.json it may have touched the tree
    applied/<key>/  a landing that is finished: record.json, old/<n> (the originals), patch.diff
    staging/        new contents on their way into the tree
"""
from __future__ import annotations

import fcntl
import os
import time

from .blobs import sha1_hex
from .disk import made_directory, open_directory, read_file, write_new
from .errors import Refusal, policy
from .tree import Tree

MISSION_CONTROL = '.mission_control'
IN_TREE = MISSION_CONTROL + '/patch-manager'
STAGING_IN_TREE = '.patchmgr-staging'
LOCK_WAIT_S = 30
_SAFE = frozenset('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-')


class State:
    def __init__(self, tree: Tree, state_dir: str | None) -> None:
        self.tree = tree
        self.outside = None if state_dir is None else os.path.realpath(state_dir)
        self.fd: int | None = None

    def shown(self, *parts: str) -> str:
        """How a place in the state directory is named in results: relative to the root if it is inside by default."""
        return '/'.join((self.outside or IN_TREE, *parts))

    def shown_outer(self, *parts: str) -> str:
        return '/'.join((self.outside or MISSION_CONTROL, *parts))

    def outer(self) -> int:
        """The directory of what older tools read. To be closed by the caller."""
        if self.outside is not None:
            return os.dup(self.made())
        return made_directory(self.tree.fd, MISSION_CONTROL)

    def close(self) -> None:
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None

    def open(self, make: bool = False) -> int | None:
        if self.fd is not None:
            return self.fd
        if self.outside is not None:
            if make:
                os.makedirs(self.outside, exist_ok=True)
            try:
                self.fd = os.open(self.outside, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except FileNotFoundError:
                return None
        else:
            outer_name, inner_name = IN_TREE.split('/')
            outer = open_directory(self.tree.fd, outer_name, make)
            if outer is None:
                return None
            try:
                self.fd = open_directory(outer, inner_name, make)
            finally:
                os.close(outer)
        if make and self.fd is not None and read_file(self.fd, '.gitignore') is None:
            write_new(self.fd, '.gitignore', b'*\n', 0o644)
        return self.fd

    def made(self) -> int:
        fd = self.open(make=True)
        if fd is None:
            raise Refusal('INTERNAL', 'The state directory cannot be made.')
        return fd

    def staging(self) -> int:
        """Beside the tree and on its file system, so that the last step is a rename."""
        if self.outside is None:
            return made_directory(self.made(), 'staging')
        fd = made_directory(self.tree.fd, STAGING_IN_TREE)
        if read_file(fd, '.gitignore') is None:
            write_new(fd, '.gitignore', b'*\n', 0o644)
        return fd

    def applied(self, key: str) -> int | None:
        fd = self.open()
        outer = None if fd is None else open_directory(fd, 'applied')
        if outer is None:
            return None
        try:
            return open_directory(outer, key)
        finally:
            os.close(outer)

    def is_key(self, key: str) -> bool:
        """Whether a landing may be kept under that name, and is."""
        return all(safe_name(part) == part for part in key.split('~')) and self.has(key)

    def has(self, key: str) -> bool:
        fd = self.applied(key)
        if fd is not None:
            os.close(fd)
        return fd is not None

    def check_not_own(self, path: str) -> None:
        """Raises PATCH_POLICY for paths in which the Patch Manager keeps its own things."""
        own = [STAGING_IN_TREE, MISSION_CONTROL]
        if self.outside is not None and self.outside.startswith(self.tree.root + '/'):
            own.append(self.outside[len(self.tree.root) + 1:])
        for name in own:
            if f'{path}/'.lower().startswith(f'{name}/'.lower()):
                raise policy('path-state', f'{path!r} belongs to the Patch Manager.', path=path)


def unlock(tree: Tree) -> None:
    fcntl.flock(tree.fd, fcntl.LOCK_UN)


def lock(tree: Tree, wait_s: float = LOCK_WAIT_S) -> None:
    """One writer at a time. The root directory itself is locked, so no file is needed; a process that dies lets go."""
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(tree.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Refusal('UNAVAILABLE', f'Another Patch Manager has held {tree.root!r} for {wait_s:.0f} s. Try again.') from None
            time.sleep(0.01)


def safe_name(patch_id: str) -> str:
    """A file name for any id. `~` never occurs in it and so can join suffixes."""
    if 0 < len(patch_id) <= 120 and not patch_id.startswith('.') and _SAFE.issuperset(patch_id):
        return patch_id
    return 'id-' + sha1_hex(patch_id.encode('utf-8', 'surrogatepass'))


def free_key(state: State, patch_id: str) -> str:
    name = key = safe_name(patch_id)
    count = 1
    while state.has(key):
        count += 1
        key = f'{name}~{count}'
    return key


def new_patch_id() -> str:
    """A random UUID, without the import of `uuid`."""
    raw = bytearray(os.urandom(16))
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return '-'.join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
