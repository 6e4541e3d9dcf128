"""What older tools read: `patch_log.jsonl` and `patches/<id>.diff`. Both follow from the record, so they are written without flushing."""
from __future__ import annotations

import os
import time

from .disk import made_directory, remove_tree, write_new
from .errors import Refusal
from .state import State

LOG = 'patch_log.jsonl'
MAX_LOG_BYTES = 16 * 1024 * 1024
_IGNORE = b'.gitignore\npatch_log.jsonl*\npatches/\ntasks.json.new\n'
Row = dict[str, object]


def keep_diff(state: State, key: str, diff: bytes) -> str:
    """Where it is; beside the record if it cannot be put where older tools look."""
    try:
        outer = state.outer()
        try:
            _hide(state, outer)
            patches = made_directory(outer, 'patches')
            try:
                remove_tree(patches, f'{key}.diff')
                write_new(patches, f'{key}.diff', diff, 0o644)
            finally:
                os.close(patches)
        finally:
            os.close(outer)
    except (OSError, Refusal):
        return state.shown('applied', key, 'patch.diff')
    return state.shown_outer('patches', f'{key}.diff')


def _hide(state: State, outer: int) -> None:
    """The folder in the tree may hold files that are under version control; only ours are hidden."""
    if state.outside is None:
        try:
            write_new(outer, '.gitignore', _IGNORE, 0o644)
        except FileExistsError:
            return


def append_log(state: State, rows: list[Row]) -> None:
    """One line a row; a row is written at once, so that two writers do not mix."""
    import json

    outer = state.outer()
    try:
        fd = os.open(LOG, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o644, dir_fd=outer)
        try:
            size = os.fstat(fd).st_size
            # A writer that died in the middle of a line left it open.
            data = b'\n' if size and os.pread(fd, 1, size - 1) != b'\n' else b''
            data += b''.join(json.dumps(row, separators=(',', ':')).encode() + b'\n' for row in rows)
            os.write(fd, data)
        finally:
            os.close(fd)
        if size + len(data) > MAX_LOG_BYTES:
            os.rename(LOG, LOG + '.1', src_dir_fd=outer, dst_dir_fd=outer)
    finally:
        os.close(outer)


def log_row(patch_id: str, about: Row) -> Row:
    stamp = time.time()
    shown = time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(stamp)) + f'.{int(stamp * 1000) % 1000:03d}Z'
    return {'ts': shown, 'patch_id': patch_id, **about}
