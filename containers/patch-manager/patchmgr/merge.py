"""Three-way merge by lines. A change of one side is taken where at least one line that neither side changed stands between it and
the changes of the other; the same change on both sides is taken once; all else is a conflict.

A clean result is the one of `git merge-file`. Where equal lines leave open which of them was changed, and another reading gives
another text, there is no clean result: a refusal can be mended, a silently wrong file cannot.
"""
from __future__ import annotations

from .edits import Edit
from .lines import Kept, common, common_upwards, number, split_lines

# Lines [0] to [1] of the base became lines [2] to [3], counted from 0, ends excluded.
Hunk = tuple[int, int, int, int]
Result = dict[str, object]


class Group:
    """A stretch of the base with what it is on either side. Spans are (from, to), to excluded."""

    __slots__ = ('base', 'ours', 'theirs', 'has_ours', 'has_theirs')

    def __init__(self, base: tuple[int, int], ours: tuple[int, int], theirs: tuple[int, int]) -> None:
        self.base = base
        self.ours = ours
        self.theirs = theirs
        self.has_ours = False
        self.has_theirs = False


class Merged:
    """`text` is None for a conflict, which `hunks` tells. `edits` turn ours into the text."""

    __slots__ = ('text', 'hunks', 'edits')

    def __init__(self, text: bytes | None) -> None:
        self.text = text
        self.hunks: list[Result] = []
        self.edits: list[Edit] = []


def merge(base: bytes, ours: bytes, theirs: bytes) -> Merged:
    """Time is bounded for texts of any shape, space linear."""
    if theirs in (base, ours):
        return Merged(ours)
    return _Merge([split_lines(base), split_lines(ours), split_lines(theirs)]).run()


def changes(old: bytes, new: bytes) -> list[Edit]:
    """The edits that turn one text into another."""
    lines = [split_lines(old), split_lines(new)]
    a, b = number(lines)
    return [Edit(a0, a1, b''.join(lines[1][b0:b1])) for a0, a1, b0, b1 in _hunks(common(a, b), len(a), len(b))]


class _Merge:
    def __init__(self, texts: list[list[bytes]]) -> None:
        self.texts = texts
        self.base, self.ours, self.theirs = number(texts)

    def run(self) -> Merged:
        base, ours, theirs = self.base, self.ours, self.theirs
        our_low, their_low = common(base, ours), common(base, theirs)
        low, text = self._attempt(our_low, their_low)
        if text is None:
            return self._conflict(low)
        our_high, their_high = common_upwards(base, ours), common_upwards(base, theirs)
        wide, wide_text = self._attempt(_both(our_low, our_high), _both(their_low, their_high))
        if wide_text is None:
            # Something that the readings leave open lies near a change of the other side. It must not matter.
            for pair in ((our_high, their_high), (our_high, their_low), (our_low, their_high)):
                other = self._attempt(*pair)[1]
                if other is not None and other != text:
                    return self._conflict(wide)
        elif wide_text != text:
            return self._conflict(low)
        merged = Merged(text)
        merged.edits = [
            Edit(*group.ours, b''.join(self.texts[2][slice(*group.theirs)])) for group in low if group.has_theirs and not group.has_ours
        ]
        return merged

    def _attempt(self, ours: Kept, theirs: Kept) -> tuple[list[Group], bytes | None]:
        size = len(self.base)
        groups = _groups(_hunks(ours, size, len(self.ours)), _hunks(theirs, size, len(self.theirs)))
        return groups, None if any(self._is_conflict(group) for group in groups) else self._text(groups)

    def _is_conflict(self, group: Group) -> bool:
        return group.has_ours and group.has_theirs and self.ours[slice(*group.ours)] != self.theirs[slice(*group.theirs)]

    def _text(self, groups: list[Group]) -> bytes:
        base, ours, theirs = self.texts
        pieces: list[bytes] = []
        at = 0
        for group in groups:
            pieces += base[at:group.base[0]]
            pieces += ours[slice(*group.ours)] if group.has_ours else theirs[slice(*group.theirs)]
            at = group.base[1]
        pieces += base[at:]
        return b''.join(pieces)

    def _conflict(self, groups: list[Group]) -> Merged:
        merged = Merged(None)
        for group in groups:
            if self._is_conflict(group):
                spans = zip(('base', 'ours', 'theirs'), self.texts, (group.base, group.ours, group.theirs))
                merged.hunks.append({name: _excerpt(lines, span) for name, lines, span in spans})
        return merged


def _excerpt(lines: list[bytes], span: tuple[int, int]) -> Result:
    """1-based and inclusive; `end` is `start` - 1 where there are no lines."""
    return {'start': span[0] + 1, 'end': span[1], 'text': b''.join(lines[slice(*span)]).decode('utf-8', 'replace')}


def _both(low: Kept, high: Kept) -> Kept:
    """What both readings keep: the changes are as wide as they leave them open."""
    sure = set(zip(*high))
    pairs = [pair for pair in zip(*low) if pair in sure]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _hunks(kept: Kept, a_size: int, b_size: int) -> list[Hunk]:
    hunks: list[Hunk] = []
    a_at = b_at = 0
    for a_kept, b_kept in zip([*kept[0], a_size], [*kept[1], b_size]):
        if a_kept > a_at or b_kept > b_at:
            hunks.append((a_at, a_kept, b_at, b_kept))
        a_at = a_kept + 1
        b_at = b_kept + 1
    return hunks


def _groups(ours: list[Hunk], theirs: list[Hunk]) -> list[Group]:
    """Changes that overlap or touch become one group."""
    events = sorted([(hunk, 0) for hunk in ours] + [(hunk, 1) for hunk in theirs])
    groups: list[Group] = []
    # How far each side has moved against the base, before the group and after it.
    before, after = [0, 0], [0, 0]
    reached = -1
    for hunk, side in events:
        if hunk[0] > reached:
            before = after[:]
            groups.append(Group((hunk[0], hunk[0]), (0, 0), (0, 0)))
            reached = hunk[0]
        reached = max(reached, hunk[1])
        after[side] = hunk[3] - hunk[1]
        group = groups[-1]
        lo = group.base[0]
        group.base = lo, reached
        group.ours = lo + before[0], reached + after[0]
        group.theirs = lo + before[1], reached + after[1]
        group.has_ours |= side == 0
        group.has_theirs |= side == 1
    return groups
