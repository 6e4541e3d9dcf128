"""The words of a request, after its many outer forms have been read. Blocks are bytes, paths are text."""
from __future__ import annotations

REPLACE = 'replace-block'
INSERT_BEFORE = 'insert-before'
INSERT_AFTER = 'insert-after'
APPEND = 'append'
PREPEND = 'prepend'


class Operation:
    """One operation on one file; line numbers are 1-based, inclusive, in coordinates of the base file."""

    __slots__ = ('kind', 'file', 'block', 'start', 'end', 'line', 'normalised')

    def __init__(self, kind: str, file: str, block: bytes) -> None:
        self.kind = kind
        self.file = file
        self.block = block
        self.start = 0
        self.end = 0
        self.line = 0
        self.normalised = False


class FileChange:
    """One file of a patch set. `source` is the old path of a rename."""

    __slots__ = ('path', 'change', 'source', 'mode', 'base_blob', 'result_blob')

    def __init__(self, path: str, change: str, mode: str) -> None:
        self.path = path
        self.change = change
        self.mode = mode
        self.source: str | None = None
        self.base_blob: str | None = None
        self.result_blob: str | None = None


class Request:
    """`files` is None for hand-written operations: they have no pinned base and no promised result."""

    __slots__ = ('patch_id', 'files', 'operations', 'meta')

    def __init__(self, operations: list[Operation], files: list[FileChange] | None = None) -> None:
        self.operations = operations
        self.files = files
        self.patch_id: str | None = None
        self.meta: dict[str, str] = {}
