"""A unified diff as a patch set: pinned to the base that it was made from, when that can be found, and never guessed into a place."""
from __future__ import annotations

from .bases import Bases
from .blobs import FILE, blob_id
from .edits import Edit, assemble, line_starts
from .errors import Refusal, invalid, stale
from .model import APPEND, INSERT_AFTER, INSERT_BEFORE, REPLACE, FileChange, Operation, Request
from .names import check_path
from .patch_set import check_files
from .tree import ABSENT, REGULAR, Seen, Tree
from .unified import DiffFile, edits_of, parse_diff

_NOTHING = '0' * 40


def request_of_diff(tree: Tree, data: bytes, base_commit: str | None = None) -> Request:
    """Raises what `parse_diff` does, PATCH_STALE where a hunk is not at its line and the base cannot be had."""
    bases = Bases(tree.root)
    request = Request([], [])
    for file in parse_diff(data):
        _Reading(tree, bases, request, base_commit).add(file)
    request.base_commit = base_commit
    check_files(request.files or [], request.operations)
    return request


class _Reading:
    def __init__(self, tree: Tree, bases: Bases, request: Request, base_commit: str | None) -> None:
        self.tree = tree
        self.bases = bases
        self.request = request
        self.base_commit = base_commit

    def add(self, file: DiffFile) -> None:
        path = _path(file.old if file.new is None else file.new)
        source = _path(file.old) if file.is_renamed else None
        seen = self.tree.read(source or path)
        kind = 'create' if file.is_created else 'delete' if file.is_deleted else 'rename' if source else 'modify' if file.hunks else 'mode'
        mode = (file.old_mode if kind == 'delete' else file.new_mode) or seen.mode or FILE
        change = FileChange(path, kind, mode)
        change.source = source
        there = self._already(file, change, path)
        if kind == 'delete' and not there and not file.hunks and not (file.old_id and seen.blob.startswith(file.old_id)):
            raise invalid('diff', f'{path!r} is deleted without its lines. Make the diff with them.', path=path)
        base = None if there else self._base(file, seen, source or path)
        if base is not None:
            self._pin(file, change, base)
        if self.request.files is not None:
            self.request.files.append(change)

    def _already(self, file: DiffFile, change: FileChange, path: str) -> bool:
        """True if the result is there by its id, so that nothing needs to be known of the base."""
        seen = self.tree.read(path)
        if change.change == 'delete' and seen.kind == ABSENT:
            change.base_blob = _NOTHING
            return True
        if change.change not in ('modify', 'create') or not file.new_id or seen.kind != REGULAR or not seen.blob.startswith(file.new_id):
            return False
        if file.old_id and seen.blob.startswith(file.old_id):
            return False
        change.base_blob = None if file.is_created else _NOTHING
        change.result_blob = seen.blob
        self.request.operations += operations_of(path, b'', edits_of(file, b'') or []) if file.is_created else [Operation(APPEND, path, b'')]
        return True

    def _base(self, file: DiffFile, seen: Seen, path: str) -> bytes:
        if file.is_created:
            return b''
        if seen.kind == REGULAR and (not file.old_id or seen.blob.startswith(file.old_id)) and edits_of(file, seen.data) is not None:
            return seen.data
        for name in (file.old_id, f'{self.base_commit}:{path}' if self.base_commit else ''):
            data = self.bases.named(name) if name else None
            if data is not None and blob_id(data).startswith(file.old_id) and edits_of(file, data) is not None:
                self.request.bases.append(data)
                return data
        # Other lines elsewhere in the file do no harm while every line of every hunk is exactly at its number.
        if seen.kind == REGULAR and edits_of(file, seen.data) is not None:
            return seen.data
        raise stale(f'The diff of {path!r} was made from another text, which cannot be found.', path=path, expected=file.old_id or None)

    def _pin(self, file: DiffFile, change: FileChange, base: bytes) -> None:
        operations = [] if change.change == 'delete' else operations_of(change.path, base, edits_of(file, base) or [])
        edits = edits_of(file, base)
        if edits is None:
            raise invalid('diff', f'{change.path!r} is a new file, but its diff has old lines.', path=change.path)
        result = assemble(base, line_starts(base), edits)
        if change.change == 'delete' and file.hunks and result:
            raise stale(f'{change.path!r} has lines that the diff does not delete.', path=change.path)
        if file.new_id and change.change != 'delete' and _is_promised(blob_id(base), file.old_id) and not blob_id(result).startswith(file.new_id):
            raise Refusal('PATCH_CORRUPT', f'The diff of {change.path!r} does not make the blob that it names.', path=change.path)
        change.base_blob = None if file.is_created else blob_id(base)
        change.result_blob = None if file.is_deleted else blob_id(result)
        self.request.operations += operations


def _is_promised(blob: str, beginning: str) -> bool:
    """Whether the base is the very one that the diff names, so that its promise of the result holds."""
    return beginning != '' and (blob.startswith(beginning) or not beginning.strip('0'))


def operations_of(path: str, base: bytes, edits: list[Edit]) -> list[Operation]:
    """The edits of a base in the words of a patch set."""
    count = len(line_starts(base)) - 1
    made: list[Operation] = []
    for edit in edits:
        if edit.hi > edit.lo:
            operation = Operation(REPLACE, path, edit.block)
            operation.start, operation.end = edit.lo + 1, edit.hi
        elif edit.lo == count:
            operation = Operation(APPEND, path, edit.block)
        else:
            operation = Operation(INSERT_AFTER if edit.lo else INSERT_BEFORE, path, edit.block)
            operation.line = edit.lo or 1
        made.append(operation)
    return made


def _path(name: bytes | None) -> str:
    try:
        path = (name or b'').decode()
    except UnicodeDecodeError:
        raise invalid('diff', 'A path of the diff is not UTF-8.') from None
    if not path:
        raise invalid('diff', 'A file of the diff has no name.')
    check_path(path)
    return path
