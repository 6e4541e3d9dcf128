"""Git-appliable unified diffs, drawn from the edits themselves: no search for differences, so linear."""
from __future__ import annotations

from .edits import Edit, line_starts
from .plan import Outcome

CONTEXT = 3
_ESCAPES = {7: '\\a', 8: '\\b', 9: '\\t', 10: '\\n', 11: '\\v', 12: '\\f', 13: '\\r', 34: '\\"', 92: '\\\\'}


class _Region:
    """Base lines [lo, hi) become `text`, whole lines on both sides. The text is kept in pieces: many small edits may make one region."""

    __slots__ = ('lo', 'hi', '_pieces')

    def __init__(self, lo: int, hi: int, text: bytes) -> None:
        self.lo = lo
        self.hi = hi
        self._pieces = [text] if text else []

    @property
    def text(self) -> bytes:
        return b''.join(self._pieces)

    def add(self, text: bytes) -> None:
        if text:
            self._pieces.append(text)

    def is_open(self) -> bool:
        return bool(self._pieces) and not self._pieces[-1].endswith(b'\n')


class _Base:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.starts = line_starts(data)
        self.count = len(self.starts) - 1

    def lines(self, lo: int, hi: int) -> bytes:
        return self.data[self.starts[lo]:self.starts[hi]]


class FileDiff:
    """The change of one file."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._base = _Base(outcome.base)
        self._head, self._names = _header(outcome)

    def whole(self) -> bytes:
        return self.of(self._outcome.edits)

    def of(self, edits: list[Edit]) -> bytes:
        """The part of it that these edits make."""
        hunks = _hunks(self._base, edits)
        return b''.join([self._head, self._names if hunks else b'', *hunks])


def replaced(old: bytes, new: bytes) -> list[Edit]:
    """One edit that turns `old` into `new`: all between the lines that both begin and end with."""
    before, after = old.split(b'\n'), new.split(b'\n')
    head = 0
    most = min(len(before), len(after)) - 1
    while head < most and before[head] == after[head]:
        head += 1
    tail = 0
    most -= head
    while tail < most and before[-2 - tail] == after[-2 - tail] and before[-1] == after[-1]:
        tail += 1
    starts, new_starts = line_starts(old), line_starts(new)
    lo, hi = head, len(starts) - 1
    new_hi = len(new_starts) - 1
    if tail and before[-1] == after[-1]:
        # The last piece is what follows the last line feed: a line of its own only if it is not empty.
        kept = tail + (before[-1] != b'')
        hi, new_hi = hi - kept, new_hi - kept
    return [Edit(lo, hi, new[new_starts[lo]:new_starts[new_hi]])]


def _header(outcome: Outcome) -> tuple[bytes, bytes]:
    change = outcome.change
    old = _name(b'a/' + (change.source or change.path).encode())
    new = _name(b'b/' + change.path.encode())
    head = [b'diff --git %s %s\n' % (old, new)]
    if change.change == 'create':
        head.append(b'new file mode %s\n' % change.mode.encode())
        old = b'/dev/null'
    elif change.change == 'delete':
        head.append(b'deleted file mode %s\n' % outcome.old_mode.encode())
        new = b'/dev/null'
    elif outcome.old_mode != change.mode:
        head.append(b'old mode %s\nnew mode %s\n' % (outcome.old_mode.encode(), change.mode.encode()))
    if change.source is not None:
        head.append(b'rename from %s\nrename to %s\n' % (_name(change.source.encode()), _name(change.path.encode())))
    return b''.join(head), b'--- %s%s\n+++ %s%s\n' % (old, _tab(old), new, _tab(new))


def _tab(name: bytes) -> bytes:
    """Git ends an unquoted name with spaces by a tab."""
    return b'\t' if b' ' in name and not name.startswith(b'"') else b''


def _name(name: bytes) -> bytes:
    if all(32 <= byte < 127 and byte not in (34, 92) for byte in name):
        return name
    quoted = (_ESCAPES.get(byte) or (chr(byte) if 32 <= byte < 127 else f'\\{byte:03o}') for byte in name)
    return ('"' + ''.join(quoted) + '"').encode()


def _regions(base: _Base, edits: list[Edit]) -> list[_Region]:
    """Edits that touch become one, and one that ends or begins inside a line takes the rest of that line."""
    regions: list[_Region] = []
    for edit in edits:
        if edit.lo == edit.hi and not edit.block:
            continue
        last = regions[-1] if regions else None
        if last and last.is_open() and last.hi < edit.lo:
            last.add(base.lines(last.hi, last.hi + 1))
            last.hi += 1
        lo, text = edit.lo, edit.block
        is_glued = lo == base.count > 0 and not base.data.endswith(b'\n')
        if is_glued and (last is None or last.hi < lo):
            lo, text = lo - 1, base.lines(lo - 1, lo) + text
        if last and last.hi >= lo:
            last.add(text)
            last.hi = max(last.hi, edit.hi)
        else:
            regions.append(_Region(lo, edit.hi, text))
    if regions and regions[-1].is_open() and regions[-1].hi < base.count:
        last = regions[-1]
        last.add(base.lines(last.hi, last.hi + 1))
        last.hi += 1
    return regions


def _hunks(base: _Base, edits: list[Edit]) -> list[bytes]:
    groups: list[list[_Region]] = []
    for region in _regions(base, edits):
        if groups and region.lo - groups[-1][-1].hi <= 2 * CONTEXT:
            groups[-1].append(region)
        else:
            groups.append([region])
    hunks: list[bytes] = []
    shift = 0
    for group in groups:
        hunk, grown = _hunk(base, group, shift)
        hunks.append(hunk)
        shift += grown
    return hunks


def _hunk(base: _Base, group: list[_Region], shift: int) -> tuple[bytes, int]:
    lo = max(group[0].lo - CONTEXT, 0)
    hi = min(group[-1].hi + CONTEXT, base.count)
    body: list[bytes] = []
    added = 0
    at = lo
    for region in group:
        body += _marked(b' ', base.lines(at, region.lo))
        body += _marked(b'-', base.lines(region.lo, region.hi))
        new_lines = _marked(b'+', region.text)
        body += new_lines
        added += len(new_lines) - (region.hi - region.lo)
        at = region.hi
    body += _marked(b' ', base.lines(at, hi))
    old_count, new_count = hi - lo, hi - lo + added
    old_start = lo + 1 if old_count else lo
    new_start = lo + shift + 1 if new_count else lo + shift
    return b''.join([b'@@ -%d,%d +%d,%d @@\n' % (old_start, old_count, new_start, new_count), *body]), added


def _marked(mark: bytes, text: bytes) -> list[bytes]:
    if not text:
        return []
    is_open = not text.endswith(b'\n')
    lines = [mark + line + b'\n' for line in (text if is_open else text[:-1]).split(b'\n')]
    if is_open:
        lines[-1] += b'\\ No newline at end of file\n'
    return lines
