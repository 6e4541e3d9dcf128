"""`.mission_control/tasks.json`: which task may change what, and how far it is. Two styles, which may be mixed:
{uuid, file, placeholder, instruction, status, allowed_spans: [{file, start, end}]} and {id, files, allowedOperations}."""
from __future__ import annotations

from .blobs import is_text
from .edits import Edit, count_lines
from .errors import Refusal, policy
from .model import Operation, Request
from .plan import ALREADY, Outcome, Plan
from .tree import REGULAR, Tree

TASKS = '.mission_control/tasks.json'
MAX_TASKS = 100_000
PATCHED = 'patched'
Task = dict[str, object]
# Lines [0] to [1], counted from 0, became [2] lines.
Move = tuple[int, int, int]


class Tasks:
    """The file as it was read. `value` keeps everything that is not understood here."""

    def __init__(self, value: object) -> None:
        listed = value.get('tasks') if isinstance(value, dict) else value
        if not isinstance(listed, list) or len(listed) > MAX_TASKS or not all(isinstance(task, dict) for task in listed):
            raise Refusal('PATCH_INVALID', f'{TASKS} is not {{"tasks": [...]}}.', rule='tasks')
        self.value = value
        self.tasks: list[Task] = listed
        self._by_id: dict[str, Task] = {}
        for task in listed:
            self._by_id.setdefault(task_id(task), task)

    def get(self, name: str) -> Task | None:
        return self._by_id.get(name) if name else None

    def json(self) -> bytes:
        import json

        try:
            return json.dumps(self.value, indent=2, ensure_ascii=False).encode() + b'\n'
        except UnicodeEncodeError:
            # Half a surrogate pair can only be written as an escape.
            return json.dumps(self.value, indent=2).encode() + b'\n'


def task_id(task: Task) -> str:
    for key in ('uuid', 'id', 'task_id'):
        if isinstance(task.get(key), str):
            return str(task[key])
    return ''


def read_tasks(tree: Tree) -> Tasks | None:
    """None if there is no such file. Raises PATCH_INVALID for one that cannot be read: nothing is allowed by a broken list."""
    seen = tree.read(TASKS)
    if seen.kind != REGULAR:
        return None
    from .fields import json_value

    try:
        if not is_text(seen.data):
            raise Refusal('INVALID_JSON', 'It is not text.')
        return Tasks(json_value(seen.data))
    except Refusal as refusal:
        raise Refusal('PATCH_INVALID', f'{TASKS} cannot be read: {refusal.message}', rule='tasks') from None


def base_commits(tasks: Tasks, request: Request) -> None:
    """A hand-written operation counts in the commit of its task, where the task has one and the operation names no base."""
    for operation in request.operations if request.files is None else []:
        task = tasks.get(operation.task_id or request.meta.get('task_id', ''))
        commit = task.get('base_commit') if task else None
        if isinstance(commit, str) and not operation.base_commit and not operation.expected:
            if len(commit) != 40 or commit.strip('0123456789abcdef'):
                raise Refusal('PATCH_BASE_REQUIRED', f'The base commit of the task {operation.task_id!a} is not a git object id.')
            operation.base_commit = commit


class _Share:
    """What one task has in one file of the request."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.edits: list[Edit] = []


def check_allowed(tasks: Tasks, request: Request, plan: Plan) -> list[Task]:
    """The tasks that the request works on. Raises PATCH_POLICY: task-unknown, task-file, task-operation, task-span."""
    found: dict[str, Task] = {}
    default = request.meta.get('task_id', '')
    for outcome in plan.outcomes:
        for name, share in _shares(outcome, default).items():
            task = tasks.get(name)
            if task is not None:
                found[name] = task
                _check(task, name, outcome, share)
            elif request.files is None:
                raise policy('task-unknown', f'{TASKS} has no task {name!a}.', task_id=name)
    return list(found.values())


def _shares(outcome: Outcome, default: str) -> dict[str, _Share]:
    """By task. A merged edit is of no single operation, so every task answers for it."""
    shares: dict[str, _Share] = {}
    for operation in outcome.operations:
        name = operation.task_id or default
        if name:
            shares.setdefault(name, _Share()).operations.append(operation)
    if not outcome.operations and default:
        shares[default] = _Share()
    merged = [edit for edit in outcome.edits if edit.operation is None]
    for share in shares.values():
        share.edits += merged
    for edit in outcome.edits:
        name = (edit.operation.task_id or default) if edit.operation else ''
        if name:
            shares[name].edits.append(edit)
    return shares


def _check(task: Task, name: str, outcome: Outcome, share: _Share) -> None:
    paths = [path for path in (outcome.change.path, outcome.change.source) if path]
    allowed = _operations(task)
    for operation in share.operations:
        if allowed is not None and operation.kind not in allowed:
            raise policy('task-operation', f'The task {name!a} does not allow {operation.kind}, only {sorted(allowed)}.', task_id=name)
    spans = _spans(task)
    files = _files(task)
    for path in paths:
        if files is not None and not any(path == file or (file.endswith('/') and path.startswith(file)) for file in files):
            raise policy('task-file', f'The task {name!a} does not allow {path!r}, only {files[:10]}.', task_id=name, path=path)
    if spans is None or outcome.status == ALREADY:
        return
    for path in paths:
        own = [span for span in spans if span[0] == path]
        if not own:
            raise policy('task-file', f'The task {name!a} does not allow {path!r}.', task_id=name, path=path)
        is_whole = outcome.change.change in ('delete', 'rename', 'mode')
        _check_spans(name, path, own, [Edit(0, count_lines(outcome.base), b'')] if is_whole else share.edits)


def _check_spans(name: str, path: str, own: list[tuple[str, int, float]], edits: list[Edit]) -> None:
    for edit in edits:
        # An insertion lies between two lines; it belongs to a span that has either.
        if not any(start - 1 <= edit.lo and edit.hi <= end for _, start, end in own):
            asked = f'lines {edit.lo + 1}-{edit.hi}' if edit.hi > edit.lo else f'the place after line {edit.lo}'
            raise policy(
                'task-span', f'The task {name!a} does not allow {asked} of {path!r}, only {[span[1:] for span in own][:10]}.',
                task_id=name, path=path,
            )


def _operations(task: Task) -> set[str] | None:
    value = task.get('allowedOperations', task.get('allowed_operations'))
    if value is None:
        return None
    return {str(item).replace('_', '-') for item in value} if isinstance(value, list) else set()


def _files(task: Task) -> list[str] | None:
    """None for any file."""
    files = task.get('files')
    if files is not None:
        return [item for item in files if isinstance(item, str)] if isinstance(files, list) else []
    file = task.get('file')
    return [file] if isinstance(file, str) and task.get('allowed_spans') is None else None


def _spans(task: Task) -> list[tuple[str, int, float]] | None:
    """File, first and last line; None for no limit. What cannot be read allows nothing."""
    value = task.get('allowed_spans', task.get('allowedSpans'))
    if value is None:
        return None
    spans: list[tuple[str, int, float]] = []
    for item in value if isinstance(value, list) else []:
        if not isinstance(item, dict):
            continue
        file, start, end = item.get('file', task.get('file')), item.get('start', 1), item.get('end')
        if isinstance(file, str) and type(start) is int and (end is None or type(end) is int):
            spans.append((file, start, float('inf') if end is None else end))
    return spans


def moves_of(plan: Plan) -> dict[str, list[Move]]:
    """How a landing moves the lines of each file."""
    changed = [outcome for outcome in plan.outcomes if outcome.status != ALREADY and outcome.change.change == 'modify']
    return {outcome.change.path: [(edit.lo, edit.hi, count_lines(edit.block)) for edit in outcome.edits] for outcome in changed}


def settle(tasks: Tasks, moves: dict[str, list[Move]], worked_on: dict[str, str | None]) -> bool:
    """After a landing: the tasks in `worked_on` get their new status (None: it is taken away), and all spans move with their lines.
    True if anything changed."""
    changed = False
    for name, status in worked_on.items():
        task = tasks.get(name)
        if task is None or task.get('status') == status:
            continue
        changed = True
        if status is None:
            task.pop('status', None)
        else:
            task['status'] = status
    for task in tasks.tasks:
        value = task.get('allowed_spans', task.get('allowedSpans'))
        for item in value if isinstance(value, list) else []:
            if isinstance(item, dict):
                file = item.get('file', task.get('file'))
                changed |= _move(item, moves.get(file, []) if isinstance(file, str) else [])
    return changed


def _move(span: dict[str, object], moves: list[Move]) -> bool:
    start, end = span.get('start'), span.get('end')
    if type(start) is not int or type(end) is not int:
        return False
    lo, hi = start - 1, end
    moved = [lo, hi]
    for first, last, count in moves:
        grown = count - (last - first)
        # What is wholly above moves the span; what lies in it, or at its end, makes it longer.
        if last <= lo and first < lo:
            moved[0] += grown
        if first < hi or (first == hi and lo < hi and first == last):
            moved[1] += grown
    span['start'], span['end'] = max(moved[0] + 1, 1), max(moved[1], moved[0])
    return (span['start'], span['end']) != (start, end)
