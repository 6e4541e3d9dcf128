"""Git's blob ids, and what counts as text."""
from __future__ import annotations

try:
    # Without hashlib, whose import costs more than a small patch.
    from _sha1 import sha1  # type: ignore[import-not-found]
except ImportError:
    from hashlib import sha1

FILE = '100644'
EXECUTABLE = '100755'


def blob_id(data: bytes) -> str:
    return sha1_hex(b'blob %d\0' % len(data), data)


def sha1_hex(*parts: bytes) -> str:
    digest = sha1()
    for part in parts:
        digest.update(part)
    return str(digest.hexdigest())


def is_text(data: bytes) -> bool:
    """UTF-8 without NUL."""
    if b'\0' in data:
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def git_mode(permissions: int) -> str:
    return EXECUTABLE if permissions & 0o100 else FILE
