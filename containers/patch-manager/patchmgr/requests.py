"""From an invocation to a request: a file, stdin, JSON on the command line, or the flags of a direct edit."""
from __future__ import annotations

import os
import sys

from .args import Invocation
from .blobs import is_text
from .errors import Refusal, Usage, policy
from .fields import MAX_LINE, json_value
from .model import INSERT_AFTER, INSERT_BEFORE, REPLACE, Operation, Place, Request
from .names import check_path
from .tree import ABSENT, Tree

MAX_INPUT_BYTES = 512 * 1024 * 1024
_DIFF_KEYS = ('diff', 'unidiffPatch', 'unidiff_patch', 'unified_diff')
_DIFF_FIELDS = frozenset((
    *_DIFF_KEYS, 'base_commit', 'task_id', 'order_id', 'requester', 'reason', 'branch', 'source', 'suggestedCommitMessage',
))


def request_of(invocation: Invocation, tree: Tree) -> Request:
    if invocation.command == 'apply-batch':
        request = read_request(os.fsencode(invocation.positional[0]), tree, _commit(invocation))
    elif invocation.positional:
        request = read_request(read_input(invocation.positional[0]), tree, _commit(invocation))
    else:
        request = Request([_direct_edit(invocation)])
    request.meta |= meta_of(invocation)
    if invocation.has('--open-space'):
        request.meta['open_space'] = 'true'
    commit = _commit(invocation)
    for operation in request.operations if commit and request.files is None else []:
        operation.base_commit = operation.base_commit or commit
    return request


def meta_of(invocation: Invocation) -> dict[str, str]:
    flags = {flag: invocation.get(flag) for flag in ('--task-id', '--requester', '--reason', '--branch', '--order-id')}
    return {flag[2:].replace('-', '_'): os.fsencode(value).decode('utf-8', 'replace') for flag, value in flags.items() if value}


def _commit(invocation: Invocation) -> str | None:
    commit = invocation.get('--base-commit')
    if commit is not None and (len(commit) != 40 or commit.strip('0123456789abcdef')):
        raise Usage('--base-commit must be a git object id (40 hex digits).')
    return commit


def looks_like_diff(data: bytes) -> bool:
    """JSON begins with a bracket, a brace or a value; a diff somewhere in its first lines has a header."""
    head = data[:65536]
    if head.lstrip()[:1] in (b'{', b'[', b'"', b''):
        return False
    return any(head.startswith(word) or b'\n' + word in head for word in (b'diff --git ', b'--- '))


def read_request(data: bytes, tree: Tree, base_commit: str | None = None) -> Request:
    """Raises INVALID_JSON, PATCH_INVALID, PATCH_POLICY, PATCH_FILE_UNSUPPORTED, PATCH_TOO_LARGE."""
    if looks_like_diff(data):
        from .from_diff import request_of_diff

        return request_of_diff(tree, data, base_commit)
    value = json_value(data)
    if isinstance(value, dict) and any(key in value for key in _DIFF_KEYS):
        return _wrapped_diff(value, tree, base_commit)
    if isinstance(value, dict) and ('files' in value or 'patch_set_id' in value):
        from .patch_set import read_patch_set

        return read_patch_set(value)
    from .hand_written import read_hand_written

    return read_hand_written(value, lambda path: _block_in_tree(tree, path))


def _wrapped_diff(value: object, tree: Tree, base_commit: str | None) -> Request:
    """A diff inside of JSON, as cloud agents send it."""
    from .from_diff import request_of_diff
    from .hand_written import unaliased

    fields = unaliased(value, 'input')
    fields.only(_DIFF_FIELDS)
    keys = [key for key in _DIFF_KEYS if key in fields.values]
    if len(keys) > 1:
        raise fields.wrong(keys[1], 'left out beside another diff')
    commit = fields.object_id('base_commit', 'base-commit') if fields.values.get('base_commit') is not None else base_commit
    request = request_of_diff(tree, fields.block(keys[0]), commit)
    for key in ('task_id', 'order_id', 'requester', 'reason', 'branch'):
        text = fields.optional_text(key, 10_000)
        if text:
            request.meta[key] = text
    return request


def read_input(name: str) -> bytes:
    try:
        if name == '-':
            data = sys.stdin.buffer.read(MAX_INPUT_BYTES + 1)
        else:
            with open(name, 'rb') as file:
                data = file.read(MAX_INPUT_BYTES + 1)
    except OSError as error:
        raise Usage(f'{name!a} cannot be read: {error.strerror}.') from None
    if len(data) > MAX_INPUT_BYTES:
        raise Refusal('PATCH_TOO_LARGE', f'The input has more than {MAX_INPUT_BYTES} bytes.')
    return data


def _block_in_tree(tree: Tree, path: str) -> bytes:
    """A batch may come from anybody, so its block files are held inside the root like every other path."""
    seen = tree.read(path)
    if seen.kind == ABSENT:
        raise Refusal('PATCH_INVALID', f'The block file {path!r} does not exist.', rule='block', path=path)
    return _checked_block(seen.data)


def _checked_block(data: bytes) -> bytes:
    if not is_text(data):
        raise Refusal('PATCH_BINARY_UNSUPPORTED', 'The block is not UTF-8 text without NUL.')
    return data


def _direct_edit(invocation: Invocation) -> Operation:
    file = invocation.get('--file')
    if not file:
        raise Usage(f'{invocation.command} needs --file.')
    try:
        path = os.fsencode(file).decode()
    except UnicodeDecodeError:
        raise policy('path-encoding', 'The path is not valid Unicode.') from None
    check_path(path)
    operation = Operation(invocation.command, path, b'')
    operation.open_space = invocation.has('--open-space')
    operation.expected = _hash(invocation)
    operation.place = _place(invocation)
    if operation.place is not None:
        pass
    elif invocation.command == REPLACE:
        operation.start = _number(invocation, '--start')
        operation.end = _number(invocation, '--end')
    elif invocation.command in (INSERT_BEFORE, INSERT_AFTER):
        operation.line = _number(invocation, '--line')
    operation.block = _checked_block(_block(invocation))
    return operation


def _hash(invocation: Invocation) -> str | None:
    value = invocation.get('--expected-hash')
    value = None if value is None else value.removeprefix('sha256:')
    if value is not None and (len(value) not in (40, 64) or value.strip('0123456789abcdef')):
        raise Usage('--expected-hash must be a git blob id (40 hex digits) or a SHA-256 (64).')
    return value


def _place(invocation: Invocation) -> Place | None:
    place = Place()
    given = [flag for flag in ('--anchor', '--marker', '--start-marker', '--end-marker') if invocation.has(flag)]
    place.has_markers = invocation.has('--include-markers')
    if not given:
        return None
    if given not in (['--anchor'], ['--marker'], ['--start-marker', '--end-marker']) or any(map(invocation.has, ('--start', '--end', '--line'))):
        raise Usage('Say where by numbers, by --anchor, by --marker, or by --start-marker and --end-marker.')
    for flag in given:
        setattr(place, flag[2:].replace('-', '_'), os.fsencode(invocation.get(flag) or '').decode('utf-8', 'replace'))
    return place


def _number(invocation: Invocation, flag: str) -> int:
    text = invocation.get(flag) or ''
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and 1 <= int(text) <= MAX_LINE):
        raise Usage(f'{invocation.command} needs {flag} with a whole number from 1.')
    return int(text)


def _block(invocation: Invocation) -> bytes:
    block, block_file = invocation.get('--block'), invocation.get('--block-file')
    if block is not None and block_file is not None:
        raise Usage('Give --block or --block-file, not both.')
    if block is not None:
        return os.fsencode(block)
    return read_input('-' if block_file is None else block_file)
