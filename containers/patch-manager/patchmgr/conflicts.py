"""A file that moved while a change of it was on its way: merged, or a conflict that tells where."""
from __future__ import annotations

from .blobs import is_text
from .edits import Edit
from .errors import Refusal

Conflict = dict[str, object]
_SHOWN = 10


class Content:
    """What is there with the change in it. `edits` turn what is there into it."""

    __slots__ = ('data', 'edits')

    def __init__(self, data: bytes, edits: list[Edit]) -> None:
        self.data = data
        self.edits = edits


def conflict(path: str, kind: str, reason: str, hunks: list[dict[str, object]] | None = None) -> Conflict:
    """`kind` is a word that both engines share: content, binary, modify-delete, delete-modify, add-add, rename-source, rename-target,
    file-directory."""
    return {'path': path, 'kind': kind, 'reason': reason, 'hunks': hunks or []}


def merged_content(path: str, base: bytes, ours: bytes, theirs: bytes) -> Content | Conflict:
    """`ours` is what is there, `theirs` what the change made of `base`."""
    from .merge import changes, merge

    if theirs in (base, ours):
        return Content(ours, [])
    if not (is_text(base) and is_text(ours) and is_text(theirs)):
        return conflict(path, 'binary', 'it is not text, and both have changed it')
    if ours == base:
        return Content(theirs, changes(ours, theirs))
    made = merge(base, ours, theirs)
    if made.text is None:
        return conflict(path, 'content', _where(made.hunks), made.hunks)
    return Content(made.text, made.edits)


def _where(hunks: list[dict[str, object]]) -> str:
    spans = [span for hunk in hunks[:5] if isinstance(span := hunk['base'], dict)]
    shown = ', '.join(
        f'before line {span["start"]}' if span['end'] < span['start'] else f'line {span["start"]}-{span["end"]}' for span in spans
    )
    more = f' and {len(hunks) - 5} more places' if len(hunks) > 5 else ''
    return f'{shown}{more} of its base'


def refuse_conflicts(conflicts: list[Conflict]) -> None:
    """Raises PATCH_CONFLICT with all of them in `details.conflicts`."""
    if not conflicts:
        return
    shown = ', '.join(f'{item["path"]!a} ({item["reason"]})' for item in conflicts[:_SHOWN])
    more = f' and {len(conflicts) - _SHOWN} more' if len(conflicts) > _SHOWN else ''
    raise Refusal(
        'PATCH_CONFLICT', f'The files have changed where this change does: {shown}{more}. Make it again on the files as they are.',
        conflicts=conflicts,
    )
