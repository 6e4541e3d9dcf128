"""The content that a patch was made against, out of git's objects. What comes back is proved by its id."""
from __future__ import annotations

import os

from .blobs import EXECUTABLE, FILE, blob_id
from .errors import Refusal, stale
from .model import FileChange
from .names import ancestors

# For one question to git, seconds.
_PATIENCE_S = 20
MAX_BYTES = 256 * 1024 * 1024


# Mode and object id of a path in the base commit.
Entry = tuple[str, str]


class Bases:
    """Git is started when a file has moved, and not before. What may be asked of `files` is read in one go. `git_dir`: where the
    objects are, if not in the repository around the root."""

    def __init__(self, root: str, base_commit: str | None = None, files: list[FileChange] | None = None, git_dir: str | None = None) -> None:
        self._place = ['-C', root] if git_dir is None else ['--git-dir', git_dir]
        self._commit = base_commit
        self._wanted = {file.base_blob for file in files or [] if file.base_blob}
        self._paths = {name for file in files or [] for path in (file.source or file.path, file.path) for name in (path, *ancestors(path))}
        self._found: dict[str, bytes] = {}
        self._modes: dict[str, str] = {}
        self._entries: dict[str, Entry] | None = None
        self._is_repository: bool | None = None

    def is_repository(self) -> bool:
        if self._is_repository is None:
            self._is_repository = self._git(['rev-parse', '--git-dir']) is not None
        return self._is_repository

    def add(self, data: bytes) -> None:
        """A base that is known from elsewhere."""
        self._found[blob_id(data)] = data

    def add_modes(self, modes: dict[str, str]) -> None:
        self._modes |= modes

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
        sizes = self._git(['cat-file', '--batch-check'], names.encode()) or b''
        there = [line.split() for line in sizes.splitlines() if line.split()[1:2] == [b'blob']]
        if sum(int(words[2]) for words in there) > MAX_BYTES:
            return
        answer = self._git(['cat-file', '--batch'], b''.join(words[0] + b'\n' for words in there)) or b''
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
        answer = self._git(['cat-file', '--batch-check'], name.encode() + b'\n') or b''
        words = answer.split()
        return self.content(words[0].decode()) if words[1:2] == [b'blob'] and len(words) == 3 else None

    def at(self, commit: str, path: str) -> bytes | None:
        """The file as that commit has it."""
        return self.named(f'{commit}:{path}')

    def mode(self, path: str) -> str | None:
        """The mode that the file has in the base, if that is known."""
        if path in self._modes:
            return self._modes[path]
        entry = self.entries().get(path) if self.is_repository() else None
        return entry[0] if entry is not None and entry[0] in (FILE, EXECUTABLE) else None

    def entries(self) -> dict[str, Entry]:
        """What the base commit has at the paths of the files and at those above them, directories left out; nothing if it is not there."""
        if self._entries is None:
            # All of the tree: to name the paths would take git as many comparisons as there are paths, for each entry.
            listing = None if self._commit is None else self._git(['ls-tree', '-r', '-z', '--full-tree', self._commit])
            wanted = {path.encode(): path for path in self._paths}
            self._entries = {}
            for line in (listing or b'').split(b'\0'):
                about, _, name = line.partition(b'\t')
                if name in wanted:
                    mode, _, blob = about.decode().split(' ')
                    self._entries[wanted[name]] = mode, blob
        return self._entries

    def check(self, files: list[FileChange]) -> None:
        """Raises PATCH_STALE unless the base commit is what the files say of it: their blobs, and room for what is new."""
        if self._commit is None:
            raise Refusal('PATCH_BASE_REQUIRED', 'The request names no base commit. Give a patch set.')
        if self._git(['cat-file', '-e', f'{self._commit}^{{commit}}']) is None:
            raise stale(f'The base commit {self._commit} is not among the git objects.', expected=self._commit)
        entries = self.entries()
        leaving = {file.source or file.path for file in files if file.change in ('delete', 'rename')}
        for file in files:
            place = file.source or file.path
            mode, blob = entries.get(place, ('', None))
            if file.base_blob is not None and (blob != file.base_blob or mode not in (FILE, EXECUTABLE)):
                raise stale(f'{place!r} is {blob or "missing"} in the base commit, not {file.base_blob}.', path=place, expected=file.base_blob, actual=blob)
            if file.change not in ('create', 'rename'):
                continue
            taken = [name for name in (*ancestors(file.path), file.path) if name in entries and name not in leaving]
            if taken:
                raise stale(f'{taken[0]!r} is in the base commit, so {file.path!r} cannot be new.', path=taken[0], actual=entries[taken[0]][1])

    def _git(self, words: list[str], given: bytes = b'') -> bytes | None:
        """None if it fails, for whatever reason: then the base is not known. Nothing of what the repository's configuration names is run:
        objects are read as they are, and none is fetched."""
        import subprocess

        env = {name: value for name, value in os.environ.items() if not name.startswith('GIT_')}
        env |= {'GIT_NO_LAZY_FETCH': '1', 'GIT_ALLOW_PROTOCOL': 'none', 'GIT_NO_REPLACE_OBJECTS': '1', 'GIT_OPTIONAL_LOCKS': '0', 'LC_ALL': 'C'}
        try:
            run = subprocess.run(
                ['git', *self._place, '--literal-pathspecs', *words],
                input=given, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, timeout=_PATIENCE_S, env=env,
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return run.stdout if run.returncode == 0 else None
