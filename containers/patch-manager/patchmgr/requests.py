"""From an invocation to a request: a file, stdin, JSON on the command line, or the flags of a direct edit."""
from __future__ import annotations

import os
import sys

from .args import Invocation
from .blobs import is_text
from .errors import Refusal, Usage, policy
from .fields import MAX_LINE, json_value
from .model import INSERT_AFTER, INSERT_BEFORE, REPLACE, Operation, Request
from .names import check_path
from .tree import ABSENT, Tree

MAX_INPUT_BYTES = 512 * 1024 * 1024


def request_of(invocation: Invocation, tree: Tree) -> Request:
    if invocation.command == 'apply-batch':
        request = read_request(os.fsencode(invocation.positional[0]), tree)
    elif invocation.positional:
        request = read_request(_input(invocation.positional[0]), tree)
    else:
        request = Request([_direct_edit(invocation)])
    for flag in ('--task-id', '--requester', '--reason', '--branch', '--order-id'):
        value = invocation.get(flag)
        if value:
            request.meta[flag[2:].replace('-', '_')] = value
    if invocation.has('--open-space'):
        request.meta['open_space'] = 'true'
    return request


def read_request(data: bytes, tree: Tree) -> Request:
    """Raises INVALID_JSON, PATCH_INVALID, PATCH_POLICY, PATCH_FILE_UNSUPPORTED, PATCH_TOO_LARGE."""
    value = json_value(data)
    if isinstance(value, dict) and ('files' in value or 'patch_set_id' in value):
        from .patch_set import read_patch_set

        return read_patch_set(value)
    from .hand_written import read_hand_written

    return read_hand_written(value, lambda path: _block_in_tree(tree, path))


def _input(name: str) -> bytes:
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
    if invocation.command == REPLACE:
        operation.start = _number(invocation, '--start')
        operation.end = _number(invocation, '--end')
    elif invocation.command in (INSERT_BEFORE, INSERT_AFTER):
        operation.line = _number(invocation, '--line')
    operation.block = _checked_block(_block(invocation))
    return operation


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
    return _input('-' if block_file is None else block_file)
