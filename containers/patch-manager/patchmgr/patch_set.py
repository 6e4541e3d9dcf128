"""Reading a patch set: strict, every field as the contract has it."""
from __future__ import annotations

from .errors import Refusal, invalid
from .fields import Fields
from .model import APPEND, INSERT_AFTER, INSERT_BEFORE, REPLACE, FileChange, Operation, Request
from .names import check_path

MAX_FILES = 10_000
MAX_PATCHES = 1_000_000
ID_LENGTH = 200
PATH_LENGTH = 4096

_SET = frozenset(('patch_set_id', 'task_id', 'execution_id', 'order_id', 'base_commit', 'files', 'patches', 'summary', 'metadata'))
_FILE = frozenset(('path', 'change', 'from', 'mode', 'base_blob', 'result_blob'))
_PATCH = frozenset(('task_id', 'file', 'operation', 'block', 'metadata'))
_BY_KIND = {
    REPLACE: _PATCH | {'start', 'end'},
    INSERT_BEFORE: _PATCH | {'line'},
    INSERT_AFTER: _PATCH | {'line'},
    APPEND: _PATCH,
}


def read_patch_set(value: object) -> Request:
    fields = Fields(value, 'patch_set')
    fields.only(_SET)
    base_commit = fields.object_id('base_commit', 'base-commit')
    if base_commit is None:
        raise fields.wrong('base_commit', 'a git object id', 'base-commit')
    fields.text('summary', 100_000)
    _metadata(fields)
    files = [_file(item, f'files[{index}]') for index, item in enumerate(fields.items('files', MAX_FILES))]
    operations = [_operation(item, f'patches[{index}]') for index, item in enumerate(fields.items('patches', MAX_PATCHES))]
    request = Request(operations, files)
    request.base_commit = base_commit
    request.patch_id = fields.text('patch_set_id', ID_LENGTH)
    for key in ('task_id', 'execution_id'):
        request.meta[key] = fields.text(key, ID_LENGTH)
    order_id = fields.optional_text('order_id', ID_LENGTH)
    if order_id is not None:
        request.meta['order_id'] = order_id
    check_files(files, operations)
    return request


def _metadata(fields: Fields) -> None:
    Fields(fields.values.get('metadata'), f'{fields.where}.metadata').text('provider', 100)


def _file(value: object, where: str) -> FileChange:
    fields = Fields(value, where)
    fields.only(_FILE)
    change = fields.values.get('change')
    if change not in ('modify', 'create', 'delete', 'rename', 'mode'):
        raise fields.wrong('change', 'one of modify, create, delete, rename, mode', 'change')
    mode = fields.values.get('mode')
    if mode in ('120000', '160000'):
        kind = 'symlink' if mode == '120000' else 'submodule'
        raise Refusal('PATCH_FILE_UNSUPPORTED', f'{where} is a {kind}. Only regular files can be changed.', rule='mode')
    if mode not in ('100644', '100755'):
        raise fields.wrong('mode', '"100644" or "100755"', 'mode')
    file = FileChange(fields.text('path', PATH_LENGTH, 1), str(change), str(mode))
    check_path(file.path)
    if 'from' in fields.values:
        file.source = fields.text('from', PATH_LENGTH, 1)
        check_path(file.source)
    file.base_blob = fields.object_id('base_blob', 'base-blob')
    file.result_blob = fields.object_id('result_blob', 'result-blob')
    return file


def _operation(value: object, where: str) -> Operation:
    fields = Fields(value, where)
    kind = fields.values.get('operation')
    allowed = _BY_KIND.get(kind) if isinstance(kind, str) else None
    if allowed is None:
        raise fields.wrong('operation', 'one of replace-block, insert-before, insert-after, append', 'operation')
    fields.only(allowed)
    _metadata(fields)
    operation = Operation(str(kind), fields.text('file', PATH_LENGTH, 1), fields.block('block'))
    operation.task_id = fields.text('task_id', ID_LENGTH)
    if kind == REPLACE:
        operation.start = fields.line('start')
        operation.end = fields.line('end')
    elif kind != APPEND:
        operation.line = fields.line('line')
    return operation


def check_files(files: list[FileChange], operations: list[Operation]) -> None:
    """What the parts of a set must agree on."""
    paths: set[str] = set()
    for file in files:
        if file.path in paths:
            raise invalid('duplicate-path', f'{file.path!r} is listed twice. List every file once.', path=file.path)
        paths.add(file.path)
    edited: set[str] = set()
    for operation in operations:
        if operation.file not in paths:
            raise invalid('file-not-listed', f'An operation names {operation.file!r}, which `files` does not list.', path=operation.file)
        edited.add(operation.file)
    for file in files:
        _check_file(file, file.path in edited)
    _check_renames(files, paths)
    _check_directories(files)


def _check_file(file: FileChange, has_operations: bool) -> None:
    path = file.path
    if (file.source is not None) != (file.change == 'rename'):
        raise invalid('from', f'{path!r}: `from` belongs to a rename, and only there.', path=path)
    if (file.base_blob is None) != (file.change == 'create'):
        raise invalid('base-blob', f'{path!r}: base_blob is null for create, and only there.', path=path)
    if (file.result_blob is None) != (file.change == 'delete'):
        raise invalid('result-blob', f'{path!r}: result_blob is null for delete, and only there.', path=path)
    if file.change == 'mode' and file.result_blob != file.base_blob:
        raise invalid('result-blob', f'{path!r}: a change of mode keeps the blob.', path=path)
    if file.change == 'modify' and not has_operations:
        raise invalid('missing-operations', f'{path!r} is modified without an operation.', path=path)
    if file.change in ('delete', 'mode') and has_operations:
        raise invalid('unexpected-operations', f'{path!r}: {file.change} takes no operations.', path=path)


def _check_renames(files: list[FileChange], paths: set[str]) -> None:
    sources: set[str] = set()
    for file in files:
        if file.source is None:
            continue
        if file.source in paths or file.source in sources:
            raise invalid('rename-chain', f'{file.source!r} is renamed and used again in the same set.', path=file.source)
        sources.add(file.source)


def _check_directories(files: list[FileChange]) -> None:
    from .names import ancestors

    written = {file.path for file in files if file.change != 'delete'}
    for path in written:
        for above in ancestors(path):
            if above in written:
                raise invalid('file-directory', f'{above!r} would be a file and a directory.', path=above)
