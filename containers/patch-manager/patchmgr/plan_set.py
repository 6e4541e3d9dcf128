"""A patch set on the tree: every file is at its base, already at its result, or has moved and is merged."""
from __future__ import annotations

from .bases import Bases
from .blobs import blob_id
from .conflicts import Conflict, conflict, merged_content, refuse_conflicts
from .edits import Edit, line_starts
from .errors import Refusal, stale
from .model import FileChange, Operation, Request
from .names import ancestors
from .plan import ALREADY, APPLIED, MERGED, New, Outcome, Plan, Target, edited
from .tree import ABSENT, DIRECTORY, REGULAR, Seen, Tree


class SetPlanner:
    """A patch set: every file is at its base, or already at its result, and the result is the promised blob."""

    def __init__(self, tree: Tree, request: Request, is_exact: bool, git_dir: str | None = None) -> None:
        files = request.files or []
        self.tree = tree
        self.files = files
        self.is_exact = is_exact
        self.is_proved = git_dir is not None
        self.bases = Bases(tree.root, request.base_commit, files, git_dir)
        if self.is_proved:
            self.bases.check(files)
        for data in request.bases:
            self.bases.add(data)
        self.bases.add_modes(request.base_modes)
        self.is_replay = request.replays is not None
        self.conflicts: list[Conflict] = []
        self.removed = {file.source or file.path for file in files if file.change in ('delete', 'rename')}
        self.made = {file.path for file in files if file.change in ('create', 'rename')}
        self.above_removed = {above for path in self.removed for above in ancestors(path)}
        self.above_written = {above for file in files if file.change != 'delete' for above in ancestors(file.path)}

    def plan(self, by_file: dict[str, list[Operation]]) -> Plan:
        plan = Plan()
        steps = {'create': self._create, 'delete': self._delete, 'rename': self._rename, 'modify': self._modify, 'mode': self._modify}
        # In path order, so that neighbours share their open directories.
        done: dict[str, Outcome] = {}
        for file in sorted(self.files, key=lambda item: item.path):
            done[file.path] = steps[file.change](file, by_file.get(file.path, []), plan.targets)
        refuse_conflicts(self.conflicts)
        plan.outcomes = [done[file.path] for file in self.files]
        return plan

    def _old(self, path: str) -> Seen:
        """What is there, when the directories that the set makes or clears away count as no file."""
        seen = self.tree.read(path)
        is_cleared = path in self.above_removed or path in self.above_written
        if seen.kind == DIRECTORY and is_cleared:
            return Seen(ABSENT)
        if seen.blocked_by and seen.blocked_by not in self.removed and path in self.made:
            if self._is_mergeable():
                self.conflicts.append(conflict(path, 'file-directory', f'{seen.blocked_by!r} is a file here'))
            else:
                raise stale(f'{seen.blocked_by!r} is a file, so {path!r} cannot be made.', path=path)
        return seen

    def _is_mergeable(self) -> bool:
        return not self.is_exact and (self.is_replay or self.bases.is_repository())

    def _already(self, file: FileChange, old: Seen, operations: list[Operation], targets: list[Target]) -> Outcome:
        """The content is there. The mode of a file that was there before may not be."""
        if self.is_proved and file.change != 'delete':
            self._promised(file, operations)
        outcome = Outcome(file)
        outcome.operations = operations
        outcome.base = outcome.result = old.data
        outcome.old_mode = old.mode or file.mode
        outcome.status = ALREADY
        if file.change == 'rename':
            file.mode = old.mode
        elif file.change in ('modify', 'mode'):
            file.mode = self._mode(file, old.mode)
            if old.mode != file.mode:
                outcome.status = APPLIED if file.base_blob == file.result_blob else MERGED
                targets.append(Target(file.path, old, New(old.data, old.blob, file.mode, old)))
        return outcome

    def _mode(self, file: FileChange, now: str) -> str:
        """The mode that a file gets which has the mode `now`: its own, if the set leaves the mode alone."""
        if self.is_exact or now in ('', file.mode):
            return file.mode
        return now if self.bases.mode(file.source or file.path) == file.mode else file.mode

    def _modify(self, file: FileChange, operations: list[Operation], targets: list[Target]) -> Outcome:
        old = self._old(file.path)
        if operations and old.is_at(file.base_blob):
            return self._proved(file, (old, old), operations, targets)
        if old.is_at(file.result_blob) and (not self.is_exact or file.base_blob == file.result_blob):
            return self._already(file, old, operations, targets)
        return self._moved(file, old, operations, targets)

    def _create(self, file: FileChange, operations: list[Operation], targets: list[Target]) -> Outcome:
        old = self._old(file.path)
        if old.kind == ABSENT:
            return self._proved(file, (old, old), operations, targets)
        if old.is_at(file.result_blob) and old.mode == file.mode and not self.is_exact:
            return self._already(file, old, operations, targets)
        if self._is_mergeable():
            kind, what = ('file-directory', 'directory') if old.kind == DIRECTORY else ('add-add', 'file')
            return self._refused(file, kind, f'there is another {what} of that name')
        raise _stale(file, old)

    def _delete(self, file: FileChange, operations: list[Operation], targets: list[Target]) -> Outcome:
        old = self._old(file.path)
        if old.kind != REGULAR and not self.is_exact:
            return self._already(file, old, operations, targets)
        if not old.is_at(file.base_blob):
            if old.kind == REGULAR and self._base(file) is not None:
                return self._refused(file, 'delete-modify', 'the set deletes it, and it has changed')
            raise _stale(file, old)
        outcome = Outcome(file)
        outcome.base = old.data
        outcome.old_mode = old.mode
        outcome.edits = [Edit(0, len(line_starts(old.data)) - 1, b'')]
        targets.append(Target(file.path, old, None))
        return outcome

    def _rename(self, file: FileChange, operations: list[Operation], targets: list[Target]) -> Outcome:
        source = self._old(file.source or '')
        old = self._old(file.path)
        is_there = source.kind != REGULAR and old.is_at(file.result_blob) and not self.is_exact
        if is_there and self._mode(file, old.mode) == old.mode:
            return self._already(file, old, operations, targets)
        if old.kind != ABSENT:
            if self._base(file) is not None:
                return self._refused(file, 'rename-target', 'there is another file of that name')
            raise _stale(file, old)
        if not source.is_at(file.base_blob):
            return self._moved(file, source, operations, targets)
        outcome = self._proved(file, (source, old), operations, targets)
        targets.append(Target(file.source or '', source, None))
        return outcome

    def _proved(self, file: FileChange, seen: tuple[Seen, Seen], operations: list[Operation], targets: list[Target]) -> Outcome:
        """`seen`: the file that the content comes from, and what is at the path. Raises PATCH_CORRUPT."""
        source, old = seen
        outcome, blob = _proof(file, source, operations)
        file.mode = self._mode(file, source.mode)
        if old.is_at(blob) and old.mode == file.mode:
            outcome.status = ALREADY
        else:
            targets.append(Target(file.path, old, New(outcome.result, blob, file.mode, source), file.source))
        return outcome

    def _base(self, file: FileChange) -> bytes | None:
        return None if self.is_exact else self.bases.content(file.base_blob)

    def _refused(self, file: FileChange, kind: str, reason: str) -> Outcome:
        self.conflicts.append(conflict(file.path, kind, reason))
        return Outcome(file)

    def _promised(self, file: FileChange, operations: list[Operation]) -> tuple[bytes, bytes]:
        """The base out of git's objects, and what the set makes of it. Raises PATCH_STALE, PATCH_CORRUPT."""
        base = b'' if file.base_blob is None else self._base(file)
        if base is None:
            raise stale(f'The base {file.base_blob} of {file.path!r} is not among the git objects.', path=file.path, expected=file.base_blob)
        before = Seen(ABSENT if file.base_blob is None else REGULAR)
        before.data = base
        return base, _proof(file, before, operations)[0].result

    def _moved(self, file: FileChange, source: Seen, operations: list[Operation], targets: list[Target]) -> Outcome:
        """`source`: what is now where the set found its base. Raises PATCH_STALE if the base cannot be had, PATCH_CORRUPT."""
        if self._base(file) is None:
            raise _stale(file, source)
        before, promised = self._promised(file, operations)
        if source.kind != REGULAR:
            if file.source is not None:
                return self._refused(file, 'rename-source', f'there is no {file.source!a} to rename')
            return self._refused(file, 'modify-delete', 'the set changes it, and it is gone')
        content = merged_content(file.source or file.path, before, source.data, promised)
        if isinstance(content, dict):
            self.conflicts.append({**content, 'path': file.path})
            return Outcome(file)
        file.mode = self._mode(file, source.mode)
        outcome = Outcome(file)
        outcome.status = MERGED
        outcome.operations = operations
        outcome.old_mode = source.mode
        outcome.base, outcome.result, outcome.edits = source.data, content.data, content.edits
        file.result_blob = blob_id(content.data)
        if file.source is not None:
            targets.append(Target(file.path, Seen(ABSENT), New(content.data, file.result_blob, file.mode, source), file.source))
            targets.append(Target(file.source, source, None))
        elif not source.is_at(file.result_blob) or source.mode != file.mode:
            targets.append(Target(file.path, source, New(content.data, file.result_blob, file.mode, source)))
        return outcome


def _proof(file: FileChange, base: Seen, operations: list[Operation]) -> tuple[Outcome, str]:
    """The base with the operations applied. Raises PATCH_CORRUPT if that is not what the set promises."""
    outcome = edited(file, base, operations, is_pinned=True)
    blob = blob_id(outcome.result)
    if blob != file.result_blob:
        raise Refusal(
            'PATCH_CORRUPT', f'{file.path!r} would become blob {blob}, but the set promises {file.result_blob}.',
            path=file.path, expected=file.result_blob, actual=blob,
        )
    return outcome, blob


def _stale(file: FileChange, old: Seen) -> Refusal:
    actual = old.blob if old.kind == REGULAR else old.kind
    expected = file.base_blob or 'no file'
    return stale(
        f'{file.path!r} is not at the base of this set: expected {expected}, found {actual}.', path=file.path, expected=expected, actual=actual
    )
