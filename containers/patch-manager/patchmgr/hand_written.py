"""Reading hand-written operations: one AIPatch, a list of them, or a batch. Several spellings of the same names."""
from __future__ import annotations

from collections.abc import Callable

from .errors import invalid
from .fields import Fields
from .model import APPEND, INSERT_AFTER, INSERT_BEFORE, PREPEND, REPLACE, VERIFY, Operation, Place, Request
from .names import check_path
from .patch_set import ID_LENGTH, MAX_PATCHES, PATH_LENGTH

# Reads the file that a `blockFile` names.
BlockReader = Callable[[str], bytes]

_ALIASES = {
    'op': 'operation', 'taskId': 'task_id', 'blockFile': 'block_file', 'openSpace': 'open_space', 'orderId': 'order_id',
    'target_file': 'file', 'targetFile': 'file', 'content': 'block', 'new_block': 'block', 'newBlock': 'block',
    'start_line': 'start', 'startLine': 'start', 'end_line': 'end', 'endLine': 'end',
    'startMarker': 'start_marker', 'endMarker': 'end_marker', 'includeMarkers': 'include_markers',
    'expectedHash': 'expected_hash', 'base_blob': 'expected_hash', 'expected_sha256': 'expected_hash', 'base_sha256': 'expected_hash',
    'baseCommit': 'base_commit', 'baseCommitId': 'base_commit',
}
_PLACES = ('anchor', 'marker', 'start_marker', 'end_marker')
_OPERATION = frozenset((
    'task_id', 'file', 'operation', 'start', 'end', 'line', 'block', 'block_file', 'open_space', 'metadata', 'include_markers',
    'expected_hash', 'base_commit', *_PLACES,
))
_BATCH = frozenset(('order_id', 'requester', 'reason', 'branch', 'base_commit', 'patches'))
_NUMBERS = {REPLACE: ('start', 'end'), INSERT_BEFORE: ('line',), INSERT_AFTER: ('line',), APPEND: (), PREPEND: (), VERIFY: ()}
# Words that belong to a marker, and the operations that they are.
_MODES = {
    'replace-line': REPLACE, 'block-replace': REPLACE, 'block-insert-before': INSERT_BEFORE, 'block-insert-after': INSERT_AFTER,
}
_NAME_LENGTH = 10_000


def read_hand_written(value: object, read_block: BlockReader) -> Request:
    """Raises PATCH_INVALID for anything that is not an operation, a list of operations or a batch."""
    if isinstance(value, list):
        return _request(value, 'patches', read_block)
    fields = Fields(value, 'input')
    if 'patches' not in fields.values:
        return _request([value], 'input', read_block)
    fields = unaliased(value, 'batch')
    fields.only(_BATCH)
    request = _request(fields.items('patches', MAX_PATCHES), 'patches', read_block)
    for key in ('order_id', 'requester', 'reason', 'branch'):
        text = fields.optional_text(key, 10_000)
        if text:
            request.meta[key] = text
    # An order may come in several batches: the second one is recorded as `<id>~2`.
    request.patch_id = request.meta.get('order_id')
    commit = _commit(fields)
    for operation in request.operations:
        operation.base_commit = operation.base_commit or commit
    return request


def _commit(fields: Fields) -> str | None:
    return fields.object_id('base_commit', 'base-commit') if fields.values.get('base_commit') is not None else None


def _request(items: list[object], where: str, read_block: BlockReader) -> Request:
    if len(items) > MAX_PATCHES:
        raise invalid('too-many', f'{where} has {len(items)} entries; {MAX_PATCHES} are allowed.')
    request = Request([])
    tasks: set[str] = set()
    for index, item in enumerate(items):
        is_older = isinstance(item, dict) and 'op' in item
        fields = unaliased(item, f'{where}[{index}]')
        operation = _operation(fields, read_block)
        # The indentation rule came with the older spelling; an AIPatch is taken byte for byte.
        operation.takes_indent = is_older
        request.operations.append(operation)
        if operation.task_id:
            tasks.add(operation.task_id)
    if len(tasks) == 1:
        request.meta['task_id'] = tasks.pop()
    return request


def unaliased(value: object, where: str) -> Fields:
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
    mode = kind = spelled.replace('_', '-') if isinstance(spelled, str) else ''
    kind = _MODES.get(kind, kind)
    mode = mode if mode in _MODES else ''
    if kind not in _NUMBERS:
        raise fields.wrong('operation', 'one of replace-block, insert-before, insert-after, append, prepend, patch-verification', 'operation')
    for name in ('start', 'end', 'line'):
        if fields.values.get(name) is not None and name not in _NUMBERS[kind]:
            raise invalid('unknown-field', f'{fields.where}: {kind} takes no {name}.')
    file = fields.text('file', PATH_LENGTH, 1)
    check_path(file)
    operation = Operation(kind, file, b'' if kind == VERIFY else _block(fields, read_block))
    operation.task_id = fields.optional_text('task_id', ID_LENGTH)
    operation.open_space = fields.flag('open_space')
    operation.base_commit = _commit(fields)
    operation.expected = _expected(fields)
    if kind == VERIFY and operation.expected is None:
        raise fields.wrong('expected_hash', 'given in a verification', 'expected-hash')
    operation.place = _place(fields, kind, mode)
    if operation.place is None:
        for name in _NUMBERS[kind]:
            setattr(operation, name, fields.line(name))
    return operation


def _expected(fields: Fields) -> str | None:
    value = fields.optional_text('expected_hash', 71)
    value = None if value is None else value.removeprefix('sha256:')
    if value is not None and (len(value) not in (40, 64) or value.strip('0123456789abcdef')):
        raise fields.wrong('expected_hash', 'a git blob id (40 hex digits) or a SHA-256 (64)', 'expected-hash')
    return value


def _place(fields: Fields, kind: str, mode: str) -> Place | None:
    """None where line numbers say it. Raises PATCH_INVALID for two ways of saying it at once."""
    place = Place()
    given = [name for name in _PLACES if fields.values.get(name) is not None]
    place.has_markers = fields.flag('include_markers')
    if not given:
        if mode:
            raise fields.wrong('marker', f'given for {mode}', 'place')
        return None
    numbers = [name for name in ('start', 'end', 'line') if fields.values.get(name) is not None]
    if kind in (APPEND, PREPEND, VERIFY) or numbers or given not in (['anchor'], ['marker'], ['start_marker', 'end_marker']):
        raise invalid('place', f'{fields.where}: say where by numbers, by an anchor, by a marker, or by a start and an end marker.')
    for name in given:
        setattr(place, name, fields.text(name, _NAME_LENGTH, 1))
    place.mode = mode
    return place


def _block(fields: Fields, read_block: BlockReader) -> bytes:
    has_block = fields.values.get('block') is not None
    block_file = fields.optional_text('block_file', PATH_LENGTH)
    if has_block == (block_file is not None):
        raise invalid('block', f'{fields.where} needs either block or blockFile.')
    if block_file is None:
        return fields.block('block')
    check_path(block_file)
    return read_block(block_file)
