"""Small file operations below a directory descriptor. Names are single segments."""
from __future__ import annotations

import os
import stat

from .errors import Refusal
from .tree import DIRECTORY_FLAGS, read_all

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def open_directory(fd: int, name: str | bytes, make: bool = False) -> int | None:
    """None if it is not there. Raises PATCH_POLICY if it is a symlink or a file."""
    try:
        return os.open(name, DIRECTORY_FLAGS, dir_fd=fd)
    except FileNotFoundError:
        if not make:
            return None
    except OSError:
        raise Refusal('PATCH_POLICY', f'{os.fsdecode(name)!r} must be a directory, not a symlink or a file.', rule='state-directory') from None
    os.mkdir(name, dir_fd=fd)
    return os.open(name, DIRECTORY_FLAGS, dir_fd=fd)


def made_directory(fd: int, name: str | bytes) -> int:
    made = open_directory(fd, name, make=True)
    if made is None:
        raise FileNotFoundError(name)
    return made


def write_new(fd: int, name: str | bytes, data: bytes, permissions: int, is_flushed: bool = False) -> None:
    """A file that was not there, with exactly these permissions."""
    new = os.open(name, _NEW_FILE, 0o600, dir_fd=fd)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(new, view):]
        os.fchmod(new, permissions)
        if is_flushed:
            os.fsync(new)
    finally:
        os.close(new)


def read_file(fd: int, name: str) -> bytes | None:
    try:
        # Without waiting for the other end of what may be a pipe.
        opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=fd)
    except FileNotFoundError:
        return None
    try:
        return read_all(opened, os.fstat(opened).st_size)
    finally:
        os.close(opened)


def flush_file_system(fd: int) -> bool:
    """False if this system cannot."""
    import ctypes

    call = getattr(ctypes.CDLL(None), 'syncfs', None)
    return call is not None and call(fd) == 0


def remove_tree(fd: int, name: str | bytes) -> None:
    """Removes a file or a whole directory, if it is there."""
    try:
        mode = os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(mode):
        os.unlink(name, dir_fd=fd)
        return
    inner = os.open(name, DIRECTORY_FLAGS, dir_fd=fd)
    try:
        for entry in os.listdir(inner):
            remove_tree(inner, entry)
    finally:
        os.close(inner)
    os.rmdir(name, dir_fd=fd)
