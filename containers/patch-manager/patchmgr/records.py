"""The journal and the record of a landing. It lies in the tree, where anybody may have written, so nothing in it is believed."""
from __future__ import annotations

import os

from .disk import read_file
from .errors import Refusal
from .names import check_path

Record = dict[str, object]


class Side:
    """What a path held before or after a landing."""

    __slots__ = ('blob', 'mode', 'permissions', 'owner')

    def __init__(self, value: dict[str, object]) -> None:
        blob, mode, permissions = value.get('blob'), value.get('mode'), value.get('permissions')
        owner = value.get('owner', [-1, -1])
        if not (isinstance(blob, str) and mode in ('100644', '100755') and type(permissions) is int and 0 <= permissions <= 0o7777):
            raise ValueError(value)
        if not (isinstance(owner, list) and len(owner) == 2 and all(type(number) is int and -1 <= number < 2**32 - 1 for number in owner)):
            raise ValueError(value)
        self.blob = blob
        self.mode = str(mode)
        # Set-id bits are never given back to a file.
        self.permissions = permissions & 0o777
        self.owner = (owner[0], owner[1])


class Entry:
    """`index` names the kept original. `source`: the path that a rename took the content from."""

    __slots__ = ('index', 'path', 'old', 'new', 'source')

    def __init__(self, index: int, value: object) -> None:
        if not isinstance(value, dict):
            raise ValueError(value)
        self.index = index
        self.path = _path(value.get('path'))
        self.source = None if value.get('from') is None else _path(value.get('from'))
        self.old, self.new = (None if value.get(key) is None else Side(_object(value[key])) for key in ('old', 'new'))


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError(value)
    return value


def _path(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    check_path(value)
    return value


def load_record(fd: int, key: str) -> Record | None:
    """None if there is none. Raises PATCH_CORRUPT for what cannot be one, PATCH_POLICY for paths that lead out."""
    data = read_file(fd, 'record.json')
    if data is None:
        return None
    import json

    try:
        record = _object(json.loads(data))
    except (ValueError, RecursionError):
        raise damaged(key) from None
    return record


def entries_of(record: Record, key: str) -> list[Entry]:
    value = record.get('entries')
    try:
        if not isinstance(value, list):
            raise ValueError(value)
        return [Entry(index, item) for index, item in enumerate(value)]
    except (ValueError, TypeError):
        raise damaged(key) from None


def directories_of(record: Record, key: str) -> list[str]:
    value = record.get('made_directories')
    try:
        if not isinstance(value, list):
            raise ValueError(value)
        return [_path(name) for name in value]
    except ValueError:
        raise damaged(key) from None


def damaged(key: str) -> Refusal:
    return Refusal('PATCH_CORRUPT', f'The record of {key!a} is damaged. Look at it, and take its folder away if it is not yours.', patch_id=key)


def original(own: int, entry: Entry) -> bytes | None:
    """The kept original, proved; None if it is damaged or missing."""
    from .blobs import blob_id
    from .disk import open_directory

    backups = open_directory(own, 'old')
    if backups is None:
        return None
    try:
        data = read_file(backups, str(entry.index))
    finally:
        os.close(backups)
    return data if data is not None and entry.old is not None and blob_id(data) == entry.old.blob else None
