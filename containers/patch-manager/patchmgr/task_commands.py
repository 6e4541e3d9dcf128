"""`list-tasks`, and `taskctl get|status|complete|list <id>`."""
from __future__ import annotations

import os

from .disk import made_directory, remove_tree, write_new
from .errors import Refusal
from .tasks import Task, Tasks, read_tasks, task_id
from .tree import Tree

COMPLETED = 'completed'
Result = dict[str, object]


def list_tasks(tree: Tree, wanted: str | None = None, file: str | None = None) -> Result:
    tasks = read_tasks(tree)
    listed = [] if tasks is None else tasks.tasks
    listed = [task for task in listed if _is_of(task, wanted) and (file is None or file in _files(task))]
    return {'ok': True, 'success': True, 'tasks': listed, 'total': len(listed)}


def _is_of(task: Task, wanted: str | None) -> bool:
    return wanted is None or wanted in (task_id(task), task.get('order_id'), task.get('orderId'))


def _files(task: Task) -> list[object]:
    spans = task.get('allowed_spans')
    files = task.get('files')
    named = [item.get('file') for item in spans if isinstance(item, dict)] if isinstance(spans, list) else []
    return [task.get('file'), *(files if isinstance(files, list) else []), *named]


def get_task(tree: Tree, name: str) -> tuple[Tasks, Task]:
    """Raises PATCH_NOT_FOUND."""
    tasks = read_tasks(tree)
    task = None if tasks is None else tasks.get(name)
    if tasks is None or task is None:
        raise Refusal('PATCH_NOT_FOUND', f'There is no task {name!a}.', task_id=name)
    return tasks, task


def complete_task(tree: Tree, name: str) -> Result:
    """The caller holds the lock."""
    tasks, task = get_task(tree, name)
    before = task.get('status')
    task['status'] = COMPLETED
    if before != COMPLETED:
        write_tasks(tree, tasks)
    return {'ok': True, 'success': True, 'task_id': name, 'status': COMPLETED, 'status_before': before}


def write_tasks(tree: Tree, tasks: Tasks) -> None:
    """The file is replaced whole, and on the disk when this returns. Its permissions stay."""
    fd = made_directory(tree.fd, '.mission_control')
    try:
        try:
            permissions = os.stat('tasks.json', dir_fd=fd, follow_symlinks=False).st_mode & 0o777
        except FileNotFoundError:
            permissions = 0o644
        remove_tree(fd, 'tasks.json.new')
        write_new(fd, 'tasks.json.new', tasks.json(), permissions, True)
        os.rename('tasks.json.new', 'tasks.json', src_dir_fd=fd, dst_dir_fd=fd)
        os.fsync(fd)
    finally:
        os.close(fd)


def taskctl(tree: Tree, words: list[str]) -> Result:
    """Raises PATCH_NOT_FOUND."""
    command, name = words[0], words[1] if len(words) > 1 else None
    if command == 'list' or name is None:
        return list_tasks(tree, name)
    if command == 'complete':
        return complete_task(tree, name)
    task = get_task(tree, name)[1]
    about: Result = {'ok': True, 'success': True, 'task_id': name, 'status': task.get('status')}
    return about if command == 'status' else {**about, 'task': task}
