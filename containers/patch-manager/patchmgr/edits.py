"""From operations to bytes. A line is its text up to and including the line feed; nothing else ends a line."""
from __future__ import annotations

from itertools import accumulate

from .errors import invalid
from .model import APPEND, INSERT_AFTER, INSERT_BEFORE, PREPEND, REPLACE, Operation

# Insertions between the same two lines: what belongs to the upper line comes first, then what belongs to the lower.
_RANK = {PREPEND: 0, INSERT_AFTER: 1, INSERT_BEFORE: 2, APPEND: 3, REPLACE: 4}


class Edit:
    """Lines [lo, hi) of the base, counted from 0, become `block`."""

    __slots__ = ('lo', 'hi', 'block', 'operation')

    def __init__(self, lo: int, hi: int, block: bytes, operation: Operation | None = None) -> None:
        self.lo = lo
        self.hi = hi
        self.block = block
        self.operation = operation


def line_starts(data: bytes) -> list[int]:
    """Offset of every line and, last, of the end: n lines give n + 1 numbers."""
    starts = list(accumulate(map(len, data.split(b'\n')), lambda total, size: total + size + 1, initial=0))
    starts.pop()
    if starts[-1] != len(data):
        starts.append(len(data))
    return starts


def count_lines(data: bytes) -> int:
    return data.count(b'\n') + (not data.endswith(b'\n') and data != b'')


def _edit(operation: Operation, count: int) -> Edit:
    kind = operation.kind
    if kind == REPLACE:
        lo, hi, is_inside = operation.start - 1, operation.end, operation.start <= operation.end <= count
    elif kind == INSERT_BEFORE:
        lo, hi, is_inside = operation.line - 1, operation.line - 1, operation.line <= count
    elif kind == INSERT_AFTER:
        lo, hi, is_inside = operation.line, operation.line, operation.line <= count
    else:
        lo = hi = count if kind == APPEND else 0
        is_inside = True
    if not is_inside:
        asked = f'lines {operation.start}-{operation.end}' if kind == REPLACE else f'line {operation.line}'
        raise invalid(
            'out-of-range', f'{kind} asks for {asked} of {operation.file!r}, which has {count} line(s).', file=operation.file, lines=count
        )
    return Edit(lo, hi, operation.block, operation)


def arrange(operations: list[Operation], count: int) -> list[Edit]:
    """The edits of one file in base order. Raises PATCH_INVALID for a line that is not there and for an overlap."""
    numbered = [(edit.lo, edit.hi, _RANK[operation.kind], index, edit)
                for index, operation in enumerate(operations) for edit in (_edit(operation, count),)]
    numbered.sort(key=lambda item: item[:4])
    edits = [item[4] for item in numbered]
    reached = 0
    for edit in edits:
        if edit.lo < reached:
            name = edit.operation.file if edit.operation else ''
            raise invalid('overlap', f'Two operations on {name!r} overlap at line {edit.lo + 1}. Make one of them.', file=name)
        reached = max(reached, edit.hi)
    return edits


def close_lines(data: bytes, count: int, edits: list[Edit]) -> None:
    """For hand-written operations: where two pieces would be glued into one line, the file's own terminator goes between."""
    eol = b'\r\n' if data.count(b'\r\n') * 2 > data.count(b'\n') else b'\n'
    previous: Edit | None = None
    is_open = False
    at = 0
    for edit in [*edits, Edit(count, count, b'')]:
        if edit.lo > at:
            if is_open and previous:
                _close(previous, previous.block + eol)
            is_open = edit.lo == count and not data.endswith(b'\n')
            previous = None
        if edit.block:
            if is_open and previous:
                _close(previous, previous.block + eol)
            elif is_open:
                _close(edit, eol + edit.block)
            is_open = not edit.block.endswith(b'\n')
            previous = edit
        at = edit.hi


def _close(edit: Edit, block: bytes) -> None:
    edit.block = block
    if edit.operation:
        edit.operation.normalised = True


def assemble(data: bytes, starts: list[int], edits: list[Edit]) -> bytes:
    pieces: list[bytes] = []
    at = 0
    for edit in edits:
        pieces.append(data[at:starts[edit.lo]])
        pieces.append(edit.block)
        at = starts[edit.hi]
    pieces.append(data[at:])
    return b''.join(pieces)
