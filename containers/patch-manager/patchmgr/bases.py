"""The content that a patch was made against, out of the git objects around the root. What comes back is proved by its id."""
from __future__ import annotations

import os

from .blobs import blob_id

# For one question to git, seconds.
_PATIENCE_S = 20
MAX_BYTES = 256 * 1024 * 1024


class Bases:
    """Git is started when a file has moved, and not before. `wanted`: the blobs that may be asked for, read in one go."""

    def __init__(self, root: str, base_commit: str | None = None, wanted: set[str] | None = None) -> None:
        self._root = root
        self._commit = base_commit
        self._wanted = wanted or set()
        self._found: dict[str, bytes] = {}
        self._is_repository: bool | None = None

    def is_repository(self) -> bool:
        if self._is_repository is None:
            self._is_repository = _git(self._root, ['rev-parse', '--git-dir']) is not None
        return self._is_repository

    def add(self, data: bytes) -> None:
        """A base that is known from elsewhere."""
        self._found[blob_id(data)] = data

    def content(self, blob: str | None) -> bytes | None:
        if blob is None:
            return None
        if blob not in self._found:
            self._load({blob, *self._wanted})
            self._wanted = set()
        return self._found.get(blob)

    def _load(self, blobs: set[str]) -> None:
        names = ''.join(f'{blob}\n' for blob in sorted(blobs) if blob not in self._found)
        if not names or not self.is_repository():
            return
        sizes = _git(self._root, ['cat-file', '--batch-check'], names.encode()) or b''
        there = [line.split() for line in sizes.splitlines() if line.split()[1:2] == [b'blob']]
        if sum(int(words[2]) for words in there) > MAX_BYTES:
            return
        answer = _git(self._root, ['cat-file', '--batch'], b''.join(words[0] + b'\n' for words in there)) or b''
        at = 0
        for words in there:
            at = answer.index(b'\n', at) + 1
            data = answer[at:at + int(words[2])]
            at += len(data) + 1
            self._found[blob_id(data)] = data

    def named(self, name: str) -> bytes | None:
        """A blob by git's own words for it: the beginning of its id, or <commit>:<path>."""
        if '\n' in name or not self.is_repository():
            return None
        answer = _git(self._root, ['cat-file', '--batch-check'], name.encode() + b'\n') or b''
        words = answer.split()
        return self.content(words[0].decode()) if words[1:2] == [b'blob'] and len(words) == 3 else None

    def at(self, commit: str, path: str) -> bytes | None:
        """The file as that commit has it."""
        return self.named(f'{commit}:{path}')

    def mode(self, path: str) -> str | None:
        """The mode that the file has in the base commit."""
        if self._commit is None or not self.is_repository():
            return None
        answer = _git(self._root, ['ls-tree', '-z', '--full-tree', self._commit, '--', path]) or b''
        mode = answer[:6].decode('ascii', 'replace')
        return mode if mode in ('100644', '100755') else None


def _git(root: str, words: list[str], given: bytes = b'') -> bytes | None:
    """None if it fails, for whatever reason: then the base is not known. Nothing of what the repository's configuration names is run:
    objects are read as they are, and none is fetched."""
    import subprocess

    env = {name: value for name, value in os.environ.items() if not name.startswith('GIT_')}
    env |= {'GIT_NO_LAZY_FETCH': '1', 'GIT_ALLOW_PROTOCOL': 'none', 'GIT_NO_REPLACE_OBJECTS': '1', 'GIT_OPTIONAL_LOCKS': '0', 'LC_ALL': 'C'}
    try:
        run = subprocess.run(
            ['git', '-C', root, '--literal-pathspecs', *words],
            input=given, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, timeout=_PATIENCE_S, env=env,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return run.stdout if run.returncode == 0 else None
