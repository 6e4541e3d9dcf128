"""What a request means for the tree at hand: every file is read and proved before anything is written."""
from __future__ import annotations

import os

from .blobs import EXECUTABLE, FILE, blob_id, is_text
from .edits import Edit, arrange, assemble, close_lines, line_starts
from .errors import Refusal, invalid, stale
from .model import APPEND, PREPEND, FileChange, Operation, Request
from .names import ancestors
from .tree import ABSENT, DIRECTORY, REGULAR, Seen, Tree

APPLIED = 'applied'
ALREADY = 'already-applied'


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
    """One path that will change; `new` is None for removal."""

    __slots__ = ('path', 'old', 'new')

    def __init__(self, path: str, old: Seen, new: New | None) -> None:
        self.path = path
        self.old = old
        self.new = new


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


def make_plan(tree: Tree, request: Request, is_exact: bool = False) -> Plan:
    """Raises Refusal when anything is wrong. With `is_exact`, a file that is already at its result is stale, too."""
    by_file: dict[str, list[Operation]] = {}
    for operation in request.operations:
        by_file.setdefault(operation.file, []).append(operation)
    if request.files is None:
        return _plan_hand_written(tree, by_file)
    return _SetPlanner(tree, request.files, is_exact).plan(by_file)


def _plan_hand_written(tree: Tree, by_file: dict[str, list[Operation]]) -> Plan:
    """The base is the file as it is now."""
    plan = Plan()
    for path in by_file:
        for above in ancestors(path):
            if above in by_file:
                raise invalid('file-directory', f'{above!r} would be a file and a directory.', path=above)
    for path, operations in sorted(by_file.items()):
        old = tree.read(path)
        if old.kind == DIRECTORY or old.blocked_by:
            raise Refusal('PATCH_FILE_UNSUPPORTED', f'{path!r} is not a file.', path=path, rule='file-type')
        if old.kind == ABSENT and any(operation.kind not in (APPEND, PREPEND) for operation in operations):
            raise stale(f'{path!r} does not exist. Only append and prepend make a new file.', path=path)
        change = FileChange(path, 'create' if old.kind == ABSENT else 'modify', old.mode or FILE)
        outcome = _edited(change, old, operations, is_pinned=False)
        change.base_blob = old.blob or None
        change.result_blob = blob_id(outcome.result)
        plan.outcomes.append(outcome)
        if old.is_at(change.result_blob):
            outcome.status = ALREADY
        else:
            plan.targets.append(Target(path, old, New(outcome.result, change.result_blob, change.mode, old)))
    return plan


def _edited(change: FileChange, source: Seen, operations: list[Operation], is_pinned: bool) -> Outcome:
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
    outcome.edits = arrange(operations, len(starts) - 1)
    if not is_pinned:
        close_lines(source.data, len(starts) - 1, outcome.edits)
    outcome.result = assemble(source.data, starts, outcome.edits)
    return outcome


class _SetPlanner:
    """A patch set: every file is at its base, or already at its result, and the result is the promised blob."""

    def __init__(self, tree: Tree, files: list[FileChange], is_exact: bool) -> None:
        self.tree = tree
        self.files = files
        self.is_exact = is_exact
        self.removed = {file.source or file.path for file in files if file.change in ('delete', 'rename')}
        self.written = [file.path for file in files if file.change != 'delete']
        self.above_removed = {above for path in self.removed for above in ancestors(path)}
        self.above_written = {above for path in self.written for above in ancestors(path)}

    def plan(self, by_file: dict[str, list[Operation]]) -> Plan:
        plan = Plan()
        steps = {'create': self._create, 'delete': self._delete, 'rename': self._rename, 'modify': self._modify, 'mode': self._modify}
        # In path order, so that neighbours share their open directories.
        done: dict[str, Outcome] = {}
        for file in sorted(self.files, key=lambda item: item.path):
            done[file.path] = steps[file.change](file, by_file.get(file.path, []), plan.targets)
        plan.outcomes = [done[file.path] for file in self.files]
        return plan

    def _old(self, path: str) -> Seen:
        """What is there, when the directories that the set makes or clears away count as no file."""
        seen = self.tree.read(path)
        is_cleared = path in self.above_removed or path in self.above_written
        if seen.kind == DIRECTORY and is_cleared:
            return Seen(ABSENT)
        if seen.blocked_by and seen.blocked_by not in self.removed and path in self.written:
            raise stale(f'{seen.blocked_by!r} is a file, so {path!r} cannot be made.', path=path)
        return seen

    def _already(self, file: FileChange, old: Seen, operations: list[Operation], targets: list[Target]) -> Outcome:
        """The content is there; the mode may not be."""
        outcome = Outcome(file)
        outcome.operations = operations
        outcome.base = outcome.result = old.data
        outcome.old_mode = old.mode or file.mode
        if old.kind == ABSENT or old.mode == file.mode:
            outcome.status = ALREADY
        else:
            targets.append(Target(file.path, old, New(old.data, old.blob, file.mode, old)))
        return outcome

    def _modify(self, file: FileChange, operations: list[Operation], targets: list[Target]) -> Outcome:
        old = self._old(file.path)
        if operations and old.is_at(file.base_blob):
            return self._proved(file, (old, old), operations, targets)
        if old.is_at(file.result_blob) and (not self.is_exact or file.base_blob == file.result_blob):
            return self._already(file, old, operations, targets)
        raise _moved(file, old)

    def _create(self, file: FileChange, operations: list[Operation], targets: list[Target]) -> Outcome:
        old = self._old(file.path)
        if old.kind == ABSENT:
            return self._proved(file, (old, old), operations, targets)
        if old.is_at(file.result_blob) and not self.is_exact:
            return self._already(file, old, operations, targets)
        raise _moved(file, old)

    def _delete(self, file: FileChange, operations: list[Operation], targets: list[Target]) -> Outcome:
        old = self._old(file.path)
        if old.kind == ABSENT and not self.is_exact:
            return self._already(file, old, operations, targets)
        if not old.is_at(file.base_blob):
            raise _moved(file, old)
        outcome = Outcome(file)
        outcome.base = old.data
        outcome.old_mode = old.mode
        outcome.edits = [Edit(0, len(line_starts(old.data)) - 1, b'')]
        targets.append(Target(file.path, old, None))
        return outcome

    def _rename(self, file: FileChange, operations: list[Operation], targets: list[Target]) -> Outcome:
        source = self._old(file.source or '')
        old = self._old(file.path)
        if source.kind == ABSENT and old.is_at(file.result_blob) and not self.is_exact:
            return self._already(file, old, operations, targets)
        if old.kind != ABSENT or not source.is_at(file.base_blob):
            raise _moved(file, source if old.kind == ABSENT else old)
        outcome = self._proved(file, (source, old), operations, targets)
        targets.append(Target(file.source or '', source, None))
        return outcome

    def _proved(self, file: FileChange, seen: tuple[Seen, Seen], operations: list[Operation], targets: list[Target]) -> Outcome:
        """`seen`: the file that the content comes from, and what is at the path. Raises PATCH_CORRUPT."""
        source, old = seen
        outcome = _edited(file, source, operations, is_pinned=True)
        blob = blob_id(outcome.result)
        if blob != file.result_blob:
            raise Refusal(
                'PATCH_CORRUPT', f'{file.path!r} would become blob {blob}, but the set promises {file.result_blob}.',
                path=file.path, expected=file.result_blob, actual=blob,
            )
        if old.is_at(blob) and old.mode == file.mode:
            outcome.status = ALREADY
        else:
            targets.append(Target(file.path, old, New(outcome.result, blob, file.mode, source)))
        return outcome


def _moved(file: FileChange, old: Seen) -> Refusal:
    actual = old.blob if old.kind == REGULAR else old.kind
    expected = file.base_blob or 'no file'
    return stale(
        f'{file.path!r} is not at the base of this set: expected {expected}, found {actual}.', path=file.path, expected=expected, actual=actual
    )
