"""The words of a request, after its many outer forms have been read. Blocks are bytes, paths are text."""
from __future__ import annotations

REPLACE = 'replace-block'
INSERT_BEFORE = 'insert-before'
INSERT_AFTER = 'insert-after'
APPEND = 'append'
PREPEND = 'prepend'
# Changes nothing: proves that the file is what somebody thinks it is.
VERIFY = 'patch-verification'


class Place:
    """Where an operation goes when it has no line numbers: a text of the file, or a marker in it. `mode` is the older, finer word
    for the operation (`block-insert-before`, ...), where one was used."""

    __slots__ = ('anchor', 'marker', 'start_marker', 'end_marker', 'mode', 'has_markers')

    def __init__(self) -> None:
        self.anchor: str | None = None
        self.marker: str | None = None
        self.start_marker: str | None = None
        self.end_marker: str | None = None
        self.mode = ''
        self.has_markers = False


class Operation:
    """One operation on one file; line numbers are 1-based, inclusive, in coordinates of the base file."""

    __slots__ = (
        'kind', 'file', 'block', 'start', 'end', 'line', 'normalised', 'task_id', 'place', 'expected', 'base_commit', 'takes_indent', 'open_space'
    )

    def __init__(self, kind: str, file: str, block: bytes) -> None:
        self.kind = kind
        self.file = file
        self.block = block
        self.start = 0
        self.end = 0
        self.line = 0
        self.normalised = False
        self.task_id: str | None = None
        self.place: Place | None = None
        # Git blob id or SHA-256 of the base.
        self.expected: str | None = None
        self.base_commit: str | None = None
        # The first line of the block gets the indentation of the line that it goes to.
        self.takes_indent = False
        self.open_space = False


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
    """`files` is None for hand-written operations: they have no pinned base and no promised result. `bases` has what is known of
    the contents that the files were made against, beside what git knows, and `base_modes` their modes by path."""

    __slots__ = ('patch_id', 'files', 'operations', 'meta', 'base_commit', 'bases', 'base_modes', 'replays')

    def __init__(self, operations: list[Operation], files: list[FileChange] | None = None) -> None:
        self.operations = operations
        self.files = files
        self.patch_id: str | None = None
        self.meta: dict[str, str] = {}
        self.base_commit: str | None = None
        self.bases: list[bytes] = []
        self.base_modes: dict[str, str] = {}
        # The landing that this is to make again, all of whose bases are known.
        self.replays: str | None = None
