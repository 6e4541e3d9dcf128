"""Reading unified diffs, git's and plain ones. Bytes all the way: a line ends at the line feed and nowhere else."""
from __future__ import annotations

from .edits import Edit
from .errors import Refusal, invalid
from .lines import split_lines

_UNESCAPES = {ord('a'): 7, ord('b'): 8, ord('t'): 9, ord('n'): 10, ord('v'): 11, ord('f'): 12, ord('r'): 13, ord('"'): 34, ord('\\'): 92}
MAX_FILES = 10_000


class DiffHunk:
    """`lines`: the mark and the text with its line feed, where it has one."""

    __slots__ = ('start', 'count', 'lines')

    def __init__(self, start: int, count: int) -> None:
        self.start = start
        self.count = count
        self.lines: list[tuple[int, bytes]] = []


class DiffFile:
    """`old` and `new` are None for no file. Ids may be beginnings of ids."""

    def __init__(self) -> None:
        self.old: bytes | None = None
        self.new: bytes | None = None
        self.old_mode: str | None = None
        self.new_mode: str | None = None
        self.old_id = ''
        self.new_id = ''
        self.is_created = False
        self.is_deleted = False
        self.is_renamed = False
        self.hunks: list[DiffHunk] = []


def parse_diff(data: bytes) -> list[DiffFile]:
    """Raises PATCH_INVALID (rule `diff`), PATCH_BINARY_UNSUPPORTED, PATCH_FILE_UNSUPPORTED, PATCH_TOO_LARGE."""
    files = _Reader(split_lines(data)).run()
    if not files:
        raise _bad(0, 'there is no file in it')
    return files


def edits_of(file: DiffFile, base: bytes) -> list[Edit] | None:
    """What the hunks do to `base`; None if it is not the text that they were made from."""
    lines = split_lines(base)
    edits: list[Edit] = []
    for hunk in file.hunks:
        at = hunk.start - 1 if hunk.count else hunk.start
        lo = at
        block: list[bytes] = []
        is_open = False
        for mark, text in [*hunk.lines, (32, b'')]:
            if mark == 43:
                block.append(text)
                is_open = True
                continue
            if mark == 32 and is_open:
                edits.append(Edit(lo, at, b''.join(block)))
                is_open, block = False, []
            if mark == 32 and text == b'':
                break
            if not 0 <= at < len(lines) or lines[at] != text:
                return None
            if mark == 45 and not is_open:
                lo, is_open = at, True
            at += 1
            if not is_open:
                lo = at
        if not 0 <= at <= len(lines):
            return None
    return edits


def _bad(line: int, what: str) -> Refusal:
    return invalid('diff', f'The diff cannot be read: line {line + 1}: {what}.', line=line + 1)


class _Reader:
    def __init__(self, lines: list[bytes]) -> None:
        self.lines = lines
        self.at = 0
        self.files: list[DiffFile] = []
        self.file: DiffFile | None = None
        # The names of the `diff --git` line, for files that have no others.
        self.named: tuple[bytes, bytes] | None = None

    def run(self) -> list[DiffFile]:
        while self.at < len(self.lines):
            line = self.lines[self.at].rstrip(b'\n')
            if line.startswith(b'diff --git '):
                self._begin(_git_names(line[11:]))
            elif line.startswith(b'--- ') and self._next().startswith(b'+++ '):
                self._names(line)
            elif line.startswith(b'@@ -') and self.file is not None:
                self._hunk(self.file)
                continue
            elif self.file is not None and (self.named is not None or self.file.hunks):
                self._header(self.file, line)
            self.at += 1
        self._end()
        return self.files

    def _next(self) -> bytes:
        return self.lines[self.at + 1] if self.at + 1 < len(self.lines) else b''

    def _begin(self, named: tuple[bytes, bytes] | None) -> None:
        self._end()
        self.file = DiffFile()
        self.named = named
        if len(self.files) >= MAX_FILES:
            raise Refusal('PATCH_TOO_LARGE', f'The diff has more than {MAX_FILES} files.')

    def _end(self) -> None:
        file, self.file = self.file, None
        if file is None:
            return
        if file.old is None and file.new is None:
            if self.named is None:
                raise _bad(self.at - 1, 'a file has no name')
            old, new = self.named
            file.old = None if file.is_created else old
            file.new = None if file.is_deleted else new
        if file.old is None and file.new is None:
            raise _bad(self.at - 1, 'a file is made and removed at once')
        file.is_created |= file.old is None
        file.is_deleted |= file.new is None
        file.is_renamed = not (file.is_created or file.is_deleted) and file.old != file.new
        self.files.append(file)

    def _names(self, line: bytes) -> None:
        if self.named is None or self.file is None or self.file.hunks:
            self._begin(None)
        file = self.file
        if file is None:
            return
        old, new = _plain_name(line[4:]), _plain_name(self._next().rstrip(b'\n')[4:])
        strips = all(name is None or name.startswith(prefix) for name, prefix in ((old, b'a/'), (new, b'b/')))
        if not file.is_renamed:
            file.old, file.new = (name[2:] if name is not None and strips else name for name in (old, new))
        self.at += 1

    def _header(self, file: DiffFile, line: bytes) -> None:
        word, _, rest = line.partition(b' ')
        if line.startswith((b'GIT binary patch', b'Binary files ')):
            raise Refusal('PATCH_BINARY_UNSUPPORTED', f'The diff has a binary file at line {self.at + 1}.', line=self.at + 1)
        if line.startswith((b'copy from ', b'copy to ')):
            raise _bad(self.at, 'copies are not taken; make the diff without -C')
        if file.hunks:
            if word[:1] in (b'+', b'-', b' ') and line != b'-- ':
                raise _bad(self.at, 'a hunk has more lines than its header says')
        elif line.startswith(b'new file mode '):
            file.is_created, file.new_mode = True, _mode(line[14:])
        elif line.startswith(b'deleted file mode '):
            file.is_deleted, file.old_mode = True, _mode(line[18:])
        elif line.startswith(b'old mode '):
            file.old_mode = _mode(line[9:])
        elif line.startswith(b'new mode '):
            file.new_mode = _mode(line[9:])
        elif line.startswith(b'rename from '):
            file.old, file.is_renamed = _unquoted(line[12:]), True
        elif line.startswith(b'rename to '):
            file.new, file.is_renamed = _unquoted(line[10:]), True
        elif word == b'index':
            self._index(file, rest)

    def _index(self, file: DiffFile, rest: bytes) -> None:
        ids, _, mode = rest.partition(b' ')
        old, _, new = ids.decode('ascii', 'replace').partition('..')
        if not all(7 <= len(name) <= 40 and not name.strip('0123456789abcdef') for name in (old, new)):
            raise _bad(self.at, 'the index line has no object ids')
        file.old_id, file.new_id = old, new
        if mode:
            file.old_mode = file.new_mode = _mode(mode)

    def _hunk(self, file: DiffFile) -> None:
        spans = self.lines[self.at].split(b' ')[1:3]
        if len(spans) != 2 or not spans[1].startswith(b'+'):
            raise _bad(self.at, 'a hunk header is damaged')
        start, old_left = self._span(spans[0])
        _, new_left = self._span(spans[1])
        hunk = DiffHunk(start, old_left)
        self.at += 1
        while old_left or new_left:
            line = self.lines[self.at] if self.at < len(self.lines) else b''
            # An empty line is context that lost its blank on the way.
            mark, text = (32, b'\n') if line == b'\n' else (line[0] if line else 0, line[1:])
            old_left -= mark in (32, 45)
            new_left -= mark in (32, 43)
            if mark not in (32, 43, 45) or old_left < 0 or new_left < 0 or text == b'':
                raise _bad(self.at, 'a hunk ends early, or has other lines than its header says')
            self.at += 1
            if self.at < len(self.lines) and self.lines[self.at].startswith(b'\\'):
                text = text[:-1] if text.endswith(b'\n') else text
                self.at += 1
            elif not text.endswith(b'\n'):
                # The diff itself lost its last line feed.
                text += b'\n'
            hunk.lines.append((mark, text))
        file.hunks.append(hunk)

    def _span(self, span: bytes) -> tuple[int, int]:
        start, comma, count = span[1:].partition(b',')
        if not (start.isdigit() and len(start) < 16 and (count.isdigit() and len(count) < 16 if comma else True)):
            raise _bad(self.at, 'a hunk header is damaged')
        numbers = int(start), int(count) if comma else 1
        if numbers[1] and not numbers[0]:
            raise _bad(self.at, 'a hunk begins at line 0')
        return numbers


def _mode(text: bytes) -> str:
    mode = text.strip().decode('ascii', 'replace')
    if mode in ('120000', '160000'):
        kind = 'symlink' if mode == '120000' else 'submodule'
        raise Refusal('PATCH_FILE_UNSUPPORTED', f'The diff has a {kind}. Only regular files can be changed.', rule='mode')
    if mode not in ('100644', '100755'):
        raise invalid('diff', f'The diff has the mode {mode[:20]!a}; only 100644 and 100755 are taken.')
    return mode


def _unquoted(name: bytes) -> bytes:
    if not name.startswith(b'"'):
        return name
    out = bytearray()
    at = 1
    while at < len(name) and name[at] != 34:
        if name[at] != 92:
            out.append(name[at])
            at += 1
        elif name[at + 1:at + 4].isdigit() and not name[at + 1:at + 4].strip(b'01234567'):
            out.append(int(name[at + 1:at + 4], 8) & 255)
            at += 4
        else:
            out.append(_UNESCAPES.get(name[at + 1] if at + 1 < len(name) else 0, 63))
            at += 2
    return bytes(out)


def _plain_name(rest: bytes) -> bytes | None:
    name = _unquoted(rest) if rest.startswith(b'"') else rest.split(b'\t', 1)[0]
    name = name.removesuffix(b'\r')
    return None if name == b'/dev/null' else name


def _git_names(rest: bytes) -> tuple[bytes, bytes] | None:
    """`a/x b/x`, where x is the same; other names come from the lines below."""
    if rest.startswith(b'"'):
        end = 1
        while end < len(rest) and rest[end] != 34:
            end += 2 if rest[end] == 92 else 1
        old, new = _unquoted(rest), _unquoted(rest[end + 2:])
    else:
        half = len(rest) // 2
        old, new = rest[:half], rest[half + 1:]
    return (old[2:], new[2:]) if old.startswith(b'a/') and new == b'b/' + old[2:] else (b'', b'')
