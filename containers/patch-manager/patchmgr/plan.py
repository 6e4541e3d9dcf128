"""What a request means for the tree at hand: every file is read and proved before anything is written."""
from __future__ import annotations

import os

from .blobs import EXECUTABLE, is_text
from .edits import Edit, arrange, assemble, close_lines, line_starts
from .errors import Refusal
from .model import VERIFY, FileChange, Operation, Request
from .tree import REGULAR, Seen, Tree

APPLIED = 'applied'
ALREADY = 'already-applied'
MERGED = 'merged'


class New:
    """What a path shall hold."""

    __slots__ = ('data', 'blob', 'mode', 'permissions')

    def __init__(self, data: bytes, blob: str, mode: str, old: Seen) -> None:
        self.data = data
        self.blob = blob
        self.mode = mode
        base = old.permissions & 0o777 if old.kind == REGULAR else 0o666 & ~_umask()
        self.permissions = base & ~0o111 | ((base & 0o444) >> 2 | 0o100 if mode == EXECUTABLE else 0)


class Target:
    """One path that will change; `new` is None for removal. `source` is the path that a rename takes the content from."""

    __slots__ = ('path', 'old', 'new', 'source')

    def __init__(self, path: str, old: Seen, new: New | None, source: str | None = None) -> None:
        self.path = path
        self.old = old
        self.new = new
        self.source = source


class Outcome:
    """One file of the request as it is reported. `base` and `edits` are what a diff is drawn from."""

    __slots__ = ('change', 'status', 'old_mode', 'base', 'result', 'edits', 'operations')

    def __init__(self, change: FileChange) -> None:
        self.change = change
        self.status = APPLIED
        self.old_mode = change.mode
        self.base = b''
        self.result = b''
        self.edits: list[Edit] = []
        self.operations: list[Operation] = []


class Plan:
    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.targets: list[Target] = []


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def make_plan(tree: Tree, request: Request, is_exact: bool = False, git_dir: str | None = None) -> Plan:
    """Raises Refusal when anything is wrong. With `is_exact`, a file that has moved or is at its result already is stale, too. With
    `git_dir`, the whole set is proved against the base commit there, also where the tree does not need it."""
    by_file: dict[str, list[Operation]] = {}
    for operation in request.operations:
        by_file.setdefault(operation.file, []).append(operation)
    if request.files is None:
        from .plan_edits import plan_edits

        return plan_edits(tree, request, by_file)
    from .plan_set import SetPlanner

    return SetPlanner(tree, request, is_exact, git_dir).plan(by_file)


def edited(change: FileChange, source: Seen, operations: list[Operation], is_pinned: bool) -> Outcome:
    """`source` with the operations applied. Raises PATCH_BINARY_UNSUPPORTED, PATCH_INVALID."""
    outcome = Outcome(change)
    outcome.operations = operations
    outcome.base = outcome.result = source.data
    outcome.old_mode = source.mode or change.mode
    if not operations:
        return outcome
    if not is_text(source.data) or any(b'\0' in operation.block for operation in operations):
        raise Refusal('PATCH_BINARY_UNSUPPORTED', f'{change.path!r} is not UTF-8 text without NUL.', path=change.path)
    starts = line_starts(source.data)
    outcome.edits = arrange([operation for operation in operations if operation.kind != VERIFY], len(starts) - 1)
    if not is_pinned:
        close_lines(source.data, len(starts) - 1, outcome.edits)
    outcome.result = assemble(source.data, starts, outcome.edits)
    return outcome
