"""The markers that templates carry, and where they are in a file. All lines are counted from 0, ends excluded."""
from __future__ import annotations

import re

from .errors import invalid

_NAME = rb'([A-Za-z0-9_][A-Za-z0-9_.:-]*)'
# Beginnings and ends of blocks. The long form comes first: `###FINAL_MILE_PROMPT__X###` ... `###END_X###`.
_PAIRS = (
    ('final-mile', re.compile(rb'###FINAL_MILE_PROMPT__' + _NAME + rb'###'), re.compile(rb'###END_' + _NAME + rb'###')),
    ('begin-end', re.compile(rb'<<<BEGIN:' + _NAME + rb'>>>'), re.compile(rb'<<<END:' + _NAME + rb'>>>')),
    ('start-end', re.compile(rb'/\*\s*START:\s*' + _NAME + rb'\s*\*/'), re.compile(rb'/\*\s*END:\s*' + _NAME + rb'\s*\*/')),
)
_SINGLES = (
    ('patch-marker', re.compile(rb'PATCH_MARKER:\s*' + _NAME)),
    ('placeholder', re.compile(rb'\{\{(PLACEHOLDER_[A-Za-z0-9_]+)\}\}')),
    ('placeholder', re.compile(rb'/\*\*\s*(PLACEHOLDER_[A-Za-z0-9_]+)\s*\*\*?/')),
)
_TASK = re.compile(rb'TASK_ID:\s*([A-Za-z0-9_-]+)')
_AGENT = re.compile(rb'^\s*/\*\*\s*agent:.*\*\*?/\s*$')
# Every marker has one of these; a line without them is not looked at twice.
_HINTS = (b'###', b'<<<', b'/*', b'PATCH_MARKER', b'{{', b'TASK_ID')


class Marker:
    """`outer` holds the markers themselves, `inner` what is between them. A single marker is its own inside. `token`: the columns of
    a placeholder that shares its line with code."""

    __slots__ = ('kind', 'name', 'outer', 'inner', 'token')

    def __init__(self, kind: str, name: str, outer: tuple[int, int], inner: tuple[int, int]) -> None:
        self.kind = kind
        self.name = name
        self.outer = outer
        self.inner = inner
        self.token: tuple[int, int] | None = None


def find_marker(lines: list[bytes], name: str, file: str) -> Marker:
    """Raises PATCH_INVALID: marker-missing, marker-ambiguous, marker-unpaired."""
    wanted = name.encode('utf-8', 'replace')
    found = [marker for marker in _paired(lines, wanted, file) + _single(lines, wanted) if marker.name == name]
    if not found:
        found = _by_task(lines, wanted, file)
    if not found:
        raise invalid('marker-missing', f'{file!r} has no marker {name!a}.', file=file, marker=name)
    if len(found) > 1:
        shown = [marker.outer[0] + 1 for marker in found[:10]]
        raise invalid('marker-ambiguous', f'{file!r} has {len(found)} markers {name!a}, at lines {shown}.', file=file, marker=name, lines=shown)
    return found[0]


def _paired(lines: list[bytes], wanted: bytes, file: str) -> list[Marker]:
    found: list[Marker] = []
    for kind, begin, end in _PAIRS:
        opened: int | None = None
        for at, line in enumerate(lines):
            if wanted not in line:
                continue
            if wanted in begin.findall(line):
                if opened is not None:
                    raise _unpaired(file, wanted, opened)
                opened = at
            if wanted in end.findall(line):
                if opened is None:
                    raise _unpaired(file, wanted, at)
                found.append(Marker(kind, wanted.decode(), (opened, at + 1), (min(opened + 1, at), at)))
                if opened == at:
                    found[-1].inner = (at, at + 1)
                opened = None
        if opened is not None:
            raise _unpaired(file, wanted, opened)
    return found


def _unpaired(file: str, wanted: bytes, at: int) -> Exception:
    name = wanted.decode('utf-8', 'replace')
    return invalid('marker-unpaired', f'{file!r}: the marker {name!a} at line {at + 1} has no partner.', file=file, marker=name, line=at + 1)


def _single(lines: list[bytes], wanted: bytes) -> list[Marker]:
    found: list[Marker] = []
    for at, line in enumerate(lines):
        if wanted not in line:
            continue
        for kind, pattern in _SINGLES:
            for match in pattern.finditer(line):
                if wanted not in (match[1], match[1].removeprefix(b'PLACEHOLDER_')):
                    continue
                has_prompt = kind == 'placeholder' and at > 0 and _AGENT.match(lines[at - 1]) is not None
                marker = Marker(kind, wanted.decode(), (at - has_prompt, at + 1), (at, at + 1))
                if kind == 'placeholder' and (line[:match.start()] + line[match.end():]).strip():
                    marker.token = match.span()
                found.append(marker)
    return found


def _by_task(lines: list[bytes], wanted: bytes, file: str) -> list[Marker]:
    """A task line stands above its place: above a block of markers, or above one line."""
    found: list[Marker] = []
    for at, line in enumerate(lines):
        if wanted not in line or wanted not in _TASK.findall(line):
            continue
        if at + 1 == len(lines):
            raise _unpaired(file, wanted, at)
        below = _name_in(lines[at + 1])
        place = find_marker(lines, below, file) if below else Marker('task', '', (at + 1, at + 2), (at + 1, at + 2))
        marker = Marker('task', wanted.decode(), (at, place.outer[1]), place.inner)
        marker.token = place.token
        found.append(marker)
    return found


def _name_in(line: bytes) -> str | None:
    for _, begin, _ in _PAIRS:
        for name in begin.findall(line):
            return str(name.decode())
    for _, pattern in _SINGLES:
        for name in pattern.findall(line):
            return str(name.decode())
    return None


def list_markers(lines: list[bytes]) -> list[tuple[str, str, int]]:
    """Kind, name and line (from 1) of every marker that begins something."""
    found: list[tuple[str, str, int]] = []
    for at, line in enumerate(lines):
        if not any(hint in line for hint in _HINTS):
            continue
        for kind, begin, _ in _PAIRS:
            found += [(kind, name.decode(), at + 1) for name in begin.findall(line)]
        for kind, pattern in _SINGLES:
            found += [(kind, name.decode(), at + 1) for name in pattern.findall(line)]
        found += [('task', name.decode(), at + 1) for name in _TASK.findall(line)]
    return found
