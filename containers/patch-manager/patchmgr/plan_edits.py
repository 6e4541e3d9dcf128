"""Hand-written operations on the tree. Their base is the file as it is now, unless they name another one."""
from __future__ import annotations

from .bases import Bases
from .blobs import FILE, blob_id
from .conflicts import Conflict, merged_content, refuse_conflicts
from .errors import Refusal, invalid, stale
from .model import APPEND, PREPEND, VERIFY, FileChange, Operation, Request
from .names import ancestors
from .plan import ALREADY, MERGED, New, Outcome, Plan, Target, edited
from .tree import ABSENT, DIRECTORY, REGULAR, Seen, Tree


def plan_edits(tree: Tree, request: Request, by_file: dict[str, list[Operation]]) -> Plan:
    for path in by_file:
        for above in ancestors(path):
            if above in by_file:
                raise invalid('file-directory', f'{above!r} would be a file and a directory.', path=above)
    bases = Bases(tree.root, request.base_commit)
    plan = Plan()
    conflicts: list[Conflict] = []
    for path, operations in sorted(by_file.items()):
        _plan_file(plan, conflicts, (tree, bases), path, operations)
    refuse_conflicts(conflicts)
    return plan


def _plan_file(plan: Plan, conflicts: list[Conflict], places: tuple[Tree, Bases], path: str, operations: list[Operation]) -> None:
    tree, bases = places
    old = tree.read(path)
    if old.kind == DIRECTORY or old.blocked_by:
        raise Refusal('PATCH_FILE_UNSUPPORTED', f'{path!r} is not a file.', path=path, rule='file-type')
    if old.kind == ABSENT and any(operation.kind not in (APPEND, PREPEND) for operation in operations):
        raise stale(f'{path!r} does not exist. Only append and prepend make a new file.', path=path)
    base = _base(bases, path, old, operations)
    change = FileChange(path, 'create' if old.kind == ABSENT else 'modify', old.mode or FILE)
    outcome = _edited(change, base, operations)
    change.base_blob = old.blob or None
    if base is not old and base.data != old.data:
        outcome = _merged(conflicts, outcome, old)
    change.result_blob = blob_id(outcome.result)
    plan.outcomes.append(outcome)
    if not old.is_at(change.result_blob):
        plan.targets.append(Target(path, old, New(outcome.result, change.result_blob, change.mode, old)))
    elif outcome.status != MERGED:
        outcome.status = ALREADY


def _edited(change: FileChange, base: Seen, operations: list[Operation]) -> Outcome:
    if any(operation.place or operation.takes_indent for operation in operations):
        from .places import find_places

        find_places(base.data, operations)
    return edited(change, base, operations, is_pinned=False)


def _base(bases: Bases, path: str, old: Seen, operations: list[Operation]) -> Seen:
    """What the line numbers count in. Raises PATCH_STALE, PATCH_BASE_REQUIRED."""
    expected = {operation.expected for operation in operations if operation.expected}
    commits = {operation.base_commit for operation in operations if operation.base_commit}
    if len(expected) > 1 or len(commits) > 1:
        raise invalid('base', f'The operations on {path!r} name different bases.', path=path)
    for name in expected:
        actual = _digest(old, name)
        if actual == name:
            return old
        data = bases.content(name) if len(name) == 40 and all(operation.kind != VERIFY for operation in operations) else None
        if data is None:
            raise stale(f'{path!r} is not what is expected: expected {name}, found {actual}.', path=path, expected=name, actual=actual)
        return _seen(data)
    for commit in commits:
        data = bases.at(commit, path)
        if data is None and old.kind == REGULAR:
            raise Refusal('PATCH_BASE_REQUIRED', f'{path!r} cannot be read from the commit {commit}.', path=path, base_commit=commit)
        return old if data is None else _seen(data)
    return old


def _digest(old: Seen, like: str) -> str:
    if old.kind != REGULAR:
        return old.kind
    if len(like) == 40:
        return old.blob
    from hashlib import sha256

    return sha256(old.data).hexdigest()


def _seen(data: bytes) -> Seen:
    seen = Seen(REGULAR)
    seen.data = data
    return seen


def _merged(conflicts: list[Conflict], made: Outcome, old: Seen) -> Outcome:
    """`made` is of the base; the file is no longer at it."""
    path = made.change.path
    if old.kind != REGULAR:
        raise stale(f'{path!r} does not exist any more.', path=path)
    content = merged_content(path, made.base, old.data, made.result)
    outcome = Outcome(made.change)
    outcome.status = MERGED
    outcome.operations = made.operations
    outcome.old_mode = old.mode
    outcome.base = outcome.result = old.data
    if isinstance(content, dict):
        conflicts.append(content)
        return outcome
    outcome.result, outcome.edits = content.data, content.edits
    return outcome
