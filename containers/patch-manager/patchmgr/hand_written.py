"""Reading hand-written operations: one AIPatch, a list of them, or a batch. Several spellings of the same names."""
from __future__ import annotations

from collections.abc import Callable

from .errors import invalid
from .fields import Fields
from .model import APPEND, INSERT_AFTER, INSERT_BEFORE, PREPEND, REPLACE, Operation, Request
from .names import check_path
from .patch_set import ID_LENGTH, MAX_PATCHES, PATH_LENGTH

# Reads the file that a `blockFile` names.
BlockReader = Callable[[str], bytes]

_ALIASES = {
    'op': 'operation', 'taskId': 'task_id', 'blockFile': 'block_file', 'openSpace': 'open_space', 'orderId': 'order_id',
}
_OPERATION = frozenset(('task_id', 'file', 'operation', 'start', 'end', 'line', 'block', 'block_file', 'open_space', 'metadata'))
_BATCH = frozenset(('order_id', 'requester', 'reason', 'branch', 'patches'))
_NUMBERS = {REPLACE: ('start', 'end'), INSERT_BEFORE: ('line',), INSERT_AFTER: ('line',), APPEND: (), PREPEND: ()}


def read_hand_written(value: object, read_block: BlockReader) -> Request:
    """Raises PATCH_INVALID for anything that is not an operation, a list of operations or a batch."""
    if isinstance(value, list):
        return _request(value, 'patches', read_block)
    fields = Fields(value, 'input')
    if 'patches' not in fields.values:
        return _request([value], 'input', read_block)
    fields = _unaliased(value, 'batch')
    fields.only(_BATCH)
    request = _request(fields.items('patches', MAX_PATCHES), 'patches', read_block)
    for key in ('order_id', 'requester', 'reason', 'branch'):
        text = fields.optional_text(key, 10_000)
        if text:
            request.meta[key] = text
    return request


def _request(items: list[object], where: str, read_block: BlockReader) -> Request:
    if len(items) > MAX_PATCHES:
        raise invalid('too-many', f'{where} has {len(items)} entries; {MAX_PATCHES} are allowed.')
    request = Request([])
    tasks: set[str] = set()
    for index, item in enumerate(items):
        fields = _unaliased(item, f'{where}[{index}]')
        request.operations.append(_operation(fields, read_block))
        task_id = fields.optional_text('task_id', ID_LENGTH)
        if task_id:
            tasks.add(task_id)
    if len(tasks) == 1:
        request.meta['task_id'] = tasks.pop()
    return request


def _unaliased(value: object, where: str) -> Fields:
    fields = Fields(value, where)
    named: dict[str, object] = {}
    for key, item in fields.values.items():
        name = _ALIASES.get(key, key)
        if name in named:
            raise invalid('unknown-field', f'{where} gives {name} twice.')
        named[name] = item
    return Fields(named, where)


def _operation(fields: Fields, read_block: BlockReader) -> Operation:
    fields.only(_OPERATION)
    spelled = fields.values.get('operation')
    kind = spelled.replace('_', '-') if isinstance(spelled, str) else ''
    if kind not in _NUMBERS:
        raise fields.wrong('operation', 'one of replace-block, insert-before, insert-after, append, prepend', 'operation')
    for name in ('start', 'end', 'line'):
        if fields.values.get(name) is not None and name not in _NUMBERS[kind]:
            raise invalid('unknown-field', f'{fields.where}: {kind} takes no {name}.')
    file = fields.text('file', PATH_LENGTH, 1)
    check_path(file)
    operation = Operation(kind, file, _block(fields, read_block))
    for name in _NUMBERS[kind]:
        setattr(operation, name, fields.line(name))
    return operation


def _block(fields: Fields, read_block: BlockReader) -> bytes:
    has_block = fields.values.get('block') is not None
    block_file = fields.optional_text('block_file', PATH_LENGTH)
    if has_block == (block_file is not None):
        raise invalid('block', f'{fields.where} needs either block or blockFile.')
    if block_file is None:
        return fields.block('block')
    check_path(block_file)
    return read_block(block_file)
