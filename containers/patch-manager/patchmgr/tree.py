"""The work tree, reached only through directory descriptors: below the root no symlink is ever followed."""
from __future__ import annotations

import os
import stat

from .blobs import blob_id, git_mode
from .errors import Refusal, policy, stale

DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
MAX_FILE_BYTES = 256 * 1024 * 1024

ABSENT = 'absent'
REGULAR = 'file'
DIRECTORY = 'directory'

# Inode, size and times: changed by every write that the kernel knows of.
Stamp = tuple[int, int, int, int]


class Seen:
    """What was at a path when it was read. `blocked_by` is the ancestor that is a file, where there is one."""

    __slots__ = ('kind', 'data', 'blob', 'mode', 'permissions', 'owner', 'stamp', 'blocked_by')

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.data = b''
        self.blob = ''
        self.mode = ''
        self.permissions = 0
        self.owner = (-1, -1)
        self.stamp: Stamp | None = None
        self.blocked_by: str | None = None

    def is_at(self, blob: str | None) -> bool:
        """True if this is the file with that blob; for None, if there is no file."""
        return self.kind == ABSENT if blob is None else self.kind == REGULAR and self.blob == blob


class Tree:
    def __init__(self, root: str) -> None:
        try:
            self.fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise Refusal('INVALID_INPUT', f'The root {root!r} cannot be opened: {error.strerror}.') from None
        self.root = os.path.realpath(root)
        self._device = os.fstat(self.fd).st_dev
        # The directories of the path used last, so that neighbours are reached without opening them again.
        self._chain: list[tuple[str, int]] = []

    def close(self) -> None:
        self.forget()
        os.close(self.fd)

    def forget(self) -> None:
        """To be called when a directory goes away."""
        for _, fd in self._chain:
            os.close(fd)
        self._chain = []

    def parent(self, path: str, make: bool = False) -> tuple[int, bytes] | str | None:
        """Descriptor of the parent and the last name; None if a directory is missing; the path of a file in the way."""
        *above, name = path.split('/')
        if '..' in above or name in ('', '.', '..'):
            # Whoever asks has checked the path; this holds when one forgets.
            raise policy('path-escape', f'The path {path!a} leaves the root.', path=path)
        keep = 0
        while keep < len(above) and keep < len(self._chain) and self._chain[keep][0] == above[keep]:
            keep += 1
        for _, fd in self._chain[keep:]:
            os.close(fd)
        del self._chain[keep:]
        fd = self._chain[-1][1] if self._chain else self.fd
        for depth in range(keep, len(above)):
            below = self._below(fd, '/'.join(above[: depth + 1]), make)
            if not isinstance(below, int):
                return below
            self._chain.append((above[depth], below))
            fd = below
        return fd, name.encode()

    def _below(self, fd: int, path: str, make: bool) -> int | str | None:
        name = path.rsplit('/', 1)[-1].encode()
        try:
            below = os.open(name, DIRECTORY_FLAGS, dir_fd=fd)
        except FileNotFoundError:
            if not make:
                return None
            os.mkdir(name, dir_fd=fd)
            below = os.open(name, DIRECTORY_FLAGS, dir_fd=fd)
        except OSError:
            mode = os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode
            if stat.S_ISLNK(mode):
                raise policy('path-symlink', f'{path!r} is a symlink. Patches do not go through symlinks.', path=path) from None
            if not stat.S_ISDIR(mode):
                return path
            raise
        try:
            self._check_directory(below, path)
        except Refusal:
            os.close(below)
            raise
        return below

    def _check_directory(self, fd: int, path: str) -> None:
        if os.fstat(fd).st_dev != self._device:
            raise Refusal('PATCH_FILE_UNSUPPORTED', f'{path!r} is on another file system than the root.', path=path, rule='mount')
        try:
            os.stat(b'.git', dir_fd=fd, follow_symlinks=False)
        except FileNotFoundError:
            return
        raise Refusal('PATCH_FILE_UNSUPPORTED', f'{path!r} is another repository or a submodule.', path=path, rule='submodule')

    def look(self, path: str) -> os.stat_result | None:
        """lstat, or None if nothing is there."""
        found = self.parent(path)
        if not isinstance(found, tuple):
            return None
        try:
            return os.stat(found[1], dir_fd=found[0], follow_symlinks=False)
        except FileNotFoundError:
            return None

    def stamp(self, path: str) -> Stamp | None:
        info = self.look(path)
        return None if info is None else _stamp(info)

    def kind(self, path: str) -> str:
        """Like `read`, without the content: anything that is not a directory counts as a file."""
        info = self.look(path)
        if info is None:
            return ABSENT
        return DIRECTORY if stat.S_ISDIR(info.st_mode) else REGULAR

    def read(self, path: str) -> Seen:
        """Raises PATCH_FILE_UNSUPPORTED for what is neither file nor directory, PATCH_POLICY below a symlink."""
        found = self.parent(path)
        if not isinstance(found, tuple):
            seen = Seen(ABSENT)
            seen.blocked_by = found
            return seen
        fd, name = found
        try:
            mode = os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return Seen(ABSENT)
        if stat.S_ISDIR(mode):
            return Seen(DIRECTORY)
        if not stat.S_ISREG(mode):
            kind = 'a symlink' if stat.S_ISLNK(mode) else 'not a regular file'
            raise Refusal('PATCH_FILE_UNSUPPORTED', f'{path!r} is {kind}. Only regular files can be changed.', path=path, rule='file-type')
        return _read_file(os.open(name, _READ_FLAGS, dir_fd=fd), path)

    def file_name(self, path: str) -> tuple[int, bytes]:
        """Parent descriptor and name for writing; missing directories are made. Raises PATCH_STALE if a file is in the way."""
        found = self.parent(path, make=True)
        if not isinstance(found, tuple):
            raise stale(f'{found!r} is a file, so {path!r} cannot be made.', path=path)
        return found

    def prune(self, path: str) -> None:
        """Removes the directories above a path that have become empty, nearest first; the root stays."""
        while '/' in path:
            path = path.rsplit('/', 1)[0]
            found = self.parent(path)
            if not isinstance(found, tuple):
                continue
            try:
                os.rmdir(found[1], dir_fd=found[0])
            except OSError:
                return
            self.forget()


def _stamp(info: os.stat_result) -> Stamp:
    return info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns


def _read_file(fd: int, path: str) -> Seen:
    try:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            raise stale(f'{path!r} changed while it was read.', path=path)
        if info.st_size > MAX_FILE_BYTES:
            raise Refusal('PATCH_TOO_LARGE', f'{path!r} has {info.st_size} bytes; {MAX_FILE_BYTES} are allowed.', path=path)
        seen = Seen(REGULAR)
        seen.data = read_all(fd, info.st_size)
    finally:
        os.close(fd)
    seen.blob = blob_id(seen.data)
    seen.permissions = stat.S_IMODE(info.st_mode)
    seen.mode = git_mode(seen.permissions)
    seen.owner = (info.st_uid, info.st_gid)
    seen.stamp = _stamp(info)
    return seen


def read_all(fd: int, size: int) -> bytes:
    pieces: list[bytes] = []
    while piece := os.read(fd, max(size + 1, 65536)):
        pieces.append(piece)
        size = 0
    return b''.join(pieces)
