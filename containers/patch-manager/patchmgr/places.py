"""Operations that say where by a text or a marker get their line numbers here. What is not there exactly once is refused."""
from __future__ import annotations

from .blobs import is_text
from .errors import Refusal, invalid
from .lines import split_lines
from .markers import Marker, find_marker
from .model import APPEND, INSERT_AFTER, INSERT_BEFORE, PREPEND, REPLACE, Operation, Place

# Places to be found, times lines.
MAX_SEARCH = 50_000_000
_SHOWN = 10


def find_places(data: bytes, operations: list[Operation]) -> None:
    """Changes the operations in place. Raises PATCH_INVALID: anchor-missing, anchor-ambiguous, marker-..."""
    if not is_text(data):
        return
    lines = split_lines(data)
    searches = sum(operation.place is not None for operation in operations)
    if searches * (len(lines) + len(data) // 1000) > MAX_SEARCH:
        raise Refusal('PATCH_TOO_LARGE', f'{searches} places by text or marker are too many for a file of {len(lines)} lines. Give line numbers.')
    for operation in operations:
        if operation.place is not None:
            _find(lines, data, operation, operation.place)
        if operation.takes_indent and not operation.open_space:
            _indent(lines, operation)


def _find(lines: list[bytes], data: bytes, operation: Operation, place: Place) -> None:
    if place.marker is not None:
        _at_marker(operation, place, find_marker(lines, place.marker, operation.file), lines)
    elif place.anchor is not None:
        first, last = _anchor(data, place.anchor, operation.file)
        _at(operation, operation.kind, (first, last))
    else:
        _between(lines, data, operation, place)


def _at(operation: Operation, kind: str, span: tuple[int, int]) -> None:
    """`span` from 0, end excluded."""
    operation.kind = kind
    if kind == REPLACE and span[0] < span[1]:
        operation.start, operation.end = span[0] + 1, span[1]
    elif kind == INSERT_BEFORE:
        operation.line = span[0] + 1
    elif span[1] == 0:
        operation.kind = PREPEND
    else:
        # Also what replaces no line at all: it goes between its neighbours.
        operation.kind, operation.line = INSERT_AFTER, span[1]


def _anchor(data: bytes, anchor: str, file: str) -> tuple[int, int]:
    """The lines of the only occurrence."""
    wanted = anchor.encode('utf-8', 'replace')
    if wanted.strip() == b'':
        raise invalid('anchor-empty', f'The anchor for {file!r} is empty.', file=file)
    at = data.find(wanted)
    if at < 0 and b'\r\n' in data and b'\n' in wanted and b'\r' not in wanted:
        wanted = wanted.replace(b'\n', b'\r\n')
        at = data.find(wanted)
    if at < 0:
        raise invalid('anchor-missing', f'{file!r} does not have the anchor {anchor[:80]!a}.', file=file)
    places: list[int] = []
    while at >= 0 and len(places) <= _SHOWN:
        places.append(data.count(b'\n', 0, at))
        at = data.find(wanted, at + 1)
    if len(places) > 1:
        shown = [place + 1 for place in places[:_SHOWN]]
        raise invalid(
            'anchor-ambiguous', f'{file!r} has the anchor {anchor[:80]!a} more than once, at lines {shown}. Take a longer one.', file=file, lines=shown
        )
    return places[0], places[0] + wanted.removesuffix(b'\n').count(b'\n') + 1


def _between(lines: list[bytes], data: bytes, operation: Operation, place: Place) -> None:
    if place.start_marker is None or place.end_marker is None:
        raise invalid('marker-unpaired', f'The operation on {operation.file!r} needs start_marker and end_marker.', file=operation.file)
    first = _anchor(data, place.start_marker, operation.file)
    last = _anchor(data, place.end_marker, operation.file)
    if last[0] < first[1]:
        raise invalid('marker-unpaired', f'{operation.file!r}: the end marker does not come after the start marker.', file=operation.file)
    outer, inner = (first[0], last[1]), (first[1], last[0])
    if operation.kind == REPLACE:
        _at(operation, REPLACE, outer if place.has_markers else inner)
    else:
        _at(operation, operation.kind, outer)


def _at_marker(operation: Operation, place: Place, marker: Marker, lines: list[bytes]) -> None:
    mode = place.mode or operation.kind
    if mode == 'replace-line':
        line = marker.inner[0] if marker.inner == (marker.outer[1] - 1, marker.outer[1]) else marker.outer[0]
        _at(operation, REPLACE, (line, line + 1))
    elif mode in ('block-insert-before', 'block-insert-after') and not place.has_markers and marker.inner[0] > marker.outer[0]:
        # Inside of the block, at its beginning or its end.
        at = marker.inner[0 if mode == 'block-insert-before' else 1]
        _at(operation, INSERT_AFTER, (at, at))
    elif mode in (INSERT_BEFORE, 'block-insert-before'):
        _at(operation, INSERT_BEFORE, marker.outer)
    elif mode in (INSERT_AFTER, 'block-insert-after'):
        _at(operation, INSERT_AFTER, marker.outer)
    elif marker.token is not None and not place.has_markers:
        _in_line(operation, marker, lines)
    else:
        _at(operation, REPLACE, marker.outer if place.has_markers else marker.inner)


def _in_line(operation: Operation, marker: Marker, lines: list[bytes]) -> None:
    """A placeholder among code: only the placeholder goes."""
    at = marker.inner[0]
    first, last = marker.token or (0, 0)
    operation.block = lines[at][:first] + operation.block.removesuffix(b'\n').removesuffix(b'\r') + lines[at][last:]
    operation.takes_indent = False
    _at(operation, REPLACE, (at, at + 1))


def _indent(lines: list[bytes], operation: Operation) -> None:
    """The first line of the block gets the indentation of the line that it replaces or stands beside."""
    if operation.kind in (APPEND, PREPEND):
        return
    at = (operation.start if operation.kind == REPLACE else operation.line) - 1
    target = lines[at] if 0 <= at < len(lines) else b''
    first, feed, rest = operation.block.partition(b'\n')
    if not target.strip() or not first.strip():
        return
    operation.block = target[:len(target) - len(target.lstrip(b' \t'))] + first.lstrip(b' \t') + feed + rest
