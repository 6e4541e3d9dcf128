"""What a landing means for the list of tasks. It is kept before the landing and done after it, by whoever comes first: the process
itself, or the next command if that one died. A landing that was rolled back means nothing.
"""
from __future__ import annotations

import os

from .disk import read_file, remove_tree, write_new
from .errors import Refusal
from .state import State

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .plan import Plan

SETTLING = 'settling.json'
_Kept = dict[str, object]


def keep(state: State, key: str, plan: Plan, statuses: dict[str, str | None]) -> None:
    """To be called before the landing `key` begins. A list of tasks that cannot be read is left alone."""
    from .blobs import blob_id
    from .tasks import TASKS, moves_of, read_tasks, settle

    try:
        tasks = read_tasks(state.tree)
        before = state.tree.read(TASKS).blob
    except Refusal:
        return
    moves = moves_of(plan)
    if tasks is None or not settle(tasks, moves, statuses):
        return
    import json

    kept: _Kept = {'key': key, 'before': before, 'after': blob_id(tasks.json()), 'statuses': statuses, 'moves': moves}
    home = state.made()
    remove_tree(home, SETTLING)
    write_new(home, SETTLING, json.dumps(kept).encode(), 0o644, True)
    os.fsync(home)


def finish(state: State) -> None:
    """Does what is kept, once. The landing stands, whatever becomes of the list of tasks."""
    home = state.open()
    try:
        data = None if home is None else read_file(home, SETTLING)
        if home is None or data is None:
            return
        try:
            _finish(state, data)
        except (Refusal, ValueError, TypeError, RecursionError):
            # It lies where anybody may write: what cannot be read or does not fit is not done.
            pass
        remove_tree(home, SETTLING)
    except OSError:
        return


def _finish(state: State, data: bytes) -> None:
    import json

    from .task_commands import write_tasks
    from .tasks import TASKS, read_tasks, settle

    kept = json.loads(data)
    if not isinstance(kept, dict) or not isinstance(kept.get('key'), str) or not state.is_key(kept['key']):
        return
    tasks = read_tasks(state.tree)
    now = state.tree.read(TASKS).blob
    if tasks is None or now == kept.get('after'):
        return
    # In a list that somebody has changed meanwhile, the spans may have been moved already. A status can be set twice.
    moves = _moves(kept.get('moves')) if now == kept.get('before') else {}
    if settle(tasks, moves, _statuses(kept.get('statuses'))):
        write_tasks(state.tree, tasks)


def _statuses(value: object) -> dict[str, str | None]:
    if not isinstance(value, dict) or not all(status is None or isinstance(status, str) for status in value.values()):
        raise ValueError(value)
    return value


def _moves(value: object) -> dict[str, list[tuple[int, int, int]]]:
    if not isinstance(value, dict):
        raise ValueError(value)
    return {path: [_move(item) for item in items] for path, items in value.items()}


def _move(item: object) -> tuple[int, int, int]:
    if not isinstance(item, list) or len(item) != 3 or not all(type(number) is int for number in item):
        raise ValueError(item)
    return item[0], item[1], item[2]
