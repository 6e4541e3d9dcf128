"""Which lines two texts share: a shortest edit script in linear space, with an end to the work for texts of any shape.

Texts are lists of numbers here, equal numbers for equal lines. The search is that of Myers ("An O(ND) difference algorithm",
1986): two fronts run towards each other, and where they meet the box is split in two.
"""
from __future__ import annotations

# More edits than this from either corner, and the box is split at the furthest point instead of the best one.
MAX_COST = 256
# Steps for one pair of texts. What is left of the boxes then counts as changed from end to end, which is long but never wrong.
MAX_WORK = 1_000_000
# A run of changed lines is slid at most so far in all; unslid it is right, too.
_SLIDES_PER_LINE = 64
_WINDOW = 100

# Positions of the kept lines in either text: line kept[0][k] is line kept[1][k].
Kept = tuple[list[int], list[int]]


def split_lines(data: bytes) -> list[bytes]:
    """Every line with its line feed; the last one may have none."""
    pieces = data.split(b'\n')
    last = pieces.pop()
    lines = [piece + b'\n' for piece in pieces]
    if last:
        lines.append(last)
    return lines


def number(texts: list[list[bytes]]) -> list[list[int]]:
    ids: dict[bytes, int] = {}
    return [[ids.setdefault(line, len(ids)) for line in lines] for lines in texts]


def common(a: list[int], b: list[int]) -> Kept:
    """Each change stands as low as it fits, but beside a change of the other text if it can."""
    head = 0
    for one, other in zip(a, b):
        if one != other:
            break
        head += 1
    tail = 0
    most = min(len(a), len(b)) - head
    while tail < most and a[-1 - tail] == b[-1 - tail]:
        tail += 1
    in_a = _candidates(a, (head, len(a) - tail), _counts(b))
    in_b = _candidates(b, (head, len(b) - tail), _counts(a))
    changed = _Search([a[at] for at in in_a], [b[at] for at in in_b]).run()
    kept = tuple(
        [*range(head), *(at for at, mark in zip(places, marks) if not mark), *range(len(text) - tail, len(text))]
        for text, places, marks in ((a, in_a, changed[0]), (b, in_b, changed[1]))
    )
    _slide(a, kept[0], (kept[1], len(b)))
    _slide(b, kept[1], (kept[0], len(a)))
    return kept[0], kept[1]


def common_upwards(a: list[int], b: list[int]) -> Kept:
    """The same, searched from the ends of the texts: each change stands as high as it fits."""
    in_a, in_b = common(a[::-1], b[::-1])
    return [len(a) - 1 - at for at in reversed(in_a)], [len(b) - 1 - at for at in reversed(in_b)]


def _counts(text: list[int]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for line in text:
        counts[line] = counts.get(line, 0) + 1
    return counts


def _candidates(text: list[int], span: tuple[int, int], others: dict[int, int]) -> list[int]:
    """Lines that take part in the search. Those that the other text does not have cannot match; those that it has very often are left
    out where they stand among such lines, for the brace of a rewritten block is hardly the brace of another one."""
    often = min(1 << (len(text).bit_length() + 1) // 2, 1024)
    lo, hi = span
    # 0: not in the other text; 1: there; 2: there very often.
    kinds = bytes(0 if (count := others.get(line, 0)) == 0 else 2 if count >= often else 1 for line in text[lo:hi])
    if 2 not in kinds:
        return [lo + at for at, kind in enumerate(kinds) if kind]
    return [lo + at for at, kind in enumerate(kinds) if kind == 1 or (kind == 2 and not _is_lost(kinds, at))]


def _is_lost(kinds: bytes, at: int) -> bool:
    absent = [0, 0]
    frequent = 0
    for side, around in enumerate((reversed(kinds[max(at - _WINDOW, 0):at]), kinds[at + 1:at + 1 + _WINDOW])):
        frequent += 1
        for kind in around:
            if kind == 1:
                break
            if kind == 0:
                absent[side] += 1
            else:
                frequent += 1
        if absent[side] == 0:
            return False
    return frequent * 4 < frequent + sum(absent)


class _Search:
    def __init__(self, a: list[int], b: list[int]) -> None:
        self.a = a
        self.b = b
        # A diagonal is x - y; one more on either side for a neighbour that is never entered.
        self.shift = len(b) + 1
        self.ahead = [0] * (len(a) + len(b) + 3)
        self.behind = [0] * (len(a) + len(b) + 3)
        self.work = MAX_WORK

    def run(self) -> tuple[bytearray, bytearray]:
        """1 for every line without a partner; the others are equal in number and pairwise equal."""
        a, b = self.a, self.b
        changed = bytearray(len(a)), bytearray(len(b))
        boxes = [(0, len(a), 0, len(b))]
        while boxes:
            a0, a1, b0, b1 = boxes.pop()
            while a0 < a1 and b0 < b1 and a[a0] == b[b0]:
                a0 += 1
                b0 += 1
            while a0 < a1 and b0 < b1 and a[a1 - 1] == b[b1 - 1]:
                a1 -= 1
                b1 -= 1
            if a0 == a1 or b0 == b1 or self.work <= 0:
                changed[0][a0:a1] = b'\1' * (a1 - a0)
                changed[1][b0:b1] = b'\1' * (b1 - b0)
                continue
            x, y = self._split(a0, a1, b0, b1)
            boxes.append((a0, x, b0, y))
            boxes.append((x, a1, y, b1))
        return changed

    def _split(self, a0: int, a1: int, b0: int, b1: int) -> tuple[int, int]:
        shift, ahead, behind = self.shift, self.ahead, self.behind
        box = a0, a1, b0, b1
        lowest, highest = a0 - b1, a1 - b0
        f_lo = f_hi = a0 - b0
        b_lo = b_hi = a1 - b1
        is_odd = (f_lo - b_lo) & 1 == 1
        ahead[f_lo + shift] = a0
        behind[b_lo + shift] = a1
        nobody = (1, 0)
        for cost in range(1, MAX_COST + 1):
            f_lo, f_hi = _widen(ahead, (f_lo, f_hi), (lowest, highest), shift, -1)
            met = self._forwards(box, (f_lo, f_hi), (b_lo, b_hi) if is_odd else nobody)
            if met:
                return met
            b_lo, b_hi = _widen(behind, (b_lo, b_hi), (lowest, highest), shift, 1 << 62)
            met = self._backwards(box, (b_lo, b_hi), nobody if is_odd else (f_lo, f_hi))
            if met:
                return met
            if self.work <= 0:
                break
        return self._furthest(box, (f_lo, f_hi), (b_lo, b_hi))

    def _forwards(self, box: tuple[int, int, int, int], own: tuple[int, int], other: tuple[int, int]) -> tuple[int, int] | None:
        a, b, shift, reach, behind = self.a, self.b, self.shift, self.ahead, self.behind
        _, a1, _, b1 = box
        lo, hi = other
        for diagonal in range(own[1], own[0] - 1, -2):
            at = diagonal + shift
            below, above = reach[at - 1], reach[at + 1]
            x = start = below + 1 if below >= above else above
            y = x - diagonal
            while x < a1 and y < b1 and a[x] == b[y]:
                x += 1
                y += 1
            self.work -= 1 + x - start
            reach[at] = x
            if lo <= diagonal <= hi and behind[at] <= x <= a1 and y <= b1:
                return x, y
        return None

    def _backwards(self, box: tuple[int, int, int, int], own: tuple[int, int], other: tuple[int, int]) -> tuple[int, int] | None:
        a, b, shift, reach, ahead = self.a, self.b, self.shift, self.behind, self.ahead
        a0, _, b0, _ = box
        lo, hi = other
        for diagonal in range(own[1], own[0] - 1, -2):
            at = diagonal + shift
            below, above = reach[at - 1], reach[at + 1]
            x = start = below if below < above else above - 1
            y = x - diagonal
            while x > a0 and y > b0 and a[x - 1] == b[y - 1]:
                x -= 1
                y -= 1
            self.work -= 1 + start - x
            reach[at] = x
            if lo <= diagonal <= hi and ahead[at] >= x >= a0 and y >= b0:
                return x, y
        return None

    def _furthest(self, box: tuple[int, int, int, int], fore: tuple[int, int], back: tuple[int, int]) -> tuple[int, int]:
        """The point that one of the fronts has brought furthest from its corner."""
        a0, a1, b0, b1 = box
        best = -1, a0, b0
        for diagonal in range(fore[1], fore[0] - 1, -2):
            x = min(self.ahead[diagonal + self.shift], a1, b1 + diagonal)
            best = max(best, (x - a0 + x - diagonal - b0, x, x - diagonal), key=lambda point: point[0])
        for diagonal in range(back[1], back[0] - 1, -2):
            x = max(self.behind[diagonal + self.shift], a0, b0 + diagonal)
            best = max(best, (a1 - x + b1 - x + diagonal, x, x - diagonal), key=lambda point: point[0])
        return best[1], best[2]


def _widen(reach: list[int], own: tuple[int, int], bounds: tuple[int, int], shift: int, worst: int) -> tuple[int, int]:
    """One more diagonal on either side; outside of the box none is entered, and the one beside the outermost never wins."""
    lo, hi = own
    if lo > bounds[0]:
        lo -= 1
        reach[lo - 1 + shift] = worst
    else:
        lo += 1
    if hi < bounds[1]:
        hi += 1
        reach[hi + 1 + shift] = worst
    else:
        hi -= 1
    return lo, hi


def _slide(lines: list[int], kept: list[int], other: tuple[list[int], int]) -> None:
    """Changes `kept` in place. Gap g lies between kept lines g - 1 and g; a run of changed lines fills a gap and may move on to the
    next one when the line that it passes equals its first, or its last on the way up."""
    own = [-1, *kept, len(lines)]
    beside = [-1, *other[0], other[1]]
    last = len(own) - 2
    left = _SLIDES_PER_LINE * (len(lines) + 1)
    gap = 0
    while gap <= last:
        if own[gap + 1] - own[gap] == 1:
            gap += 1
            continue
        size = 0
        aligned = -1
        while size != own[gap + 1] - own[gap] and left > 0:
            size = own[gap + 1] - own[gap]
            while gap > 0 and left > 0 and lines[own[gap]] == lines[own[gap + 1] - 1]:
                own[gap] = own[gap + 1] - 1
                gap -= 1
                left -= 1
            aligned = gap if beside[gap + 1] - beside[gap] > 1 else -1
            while gap < last and left > 0 and lines[own[gap + 1]] == lines[own[gap] + 1]:
                own[gap + 1] = own[gap] + 1
                gap += 1
                left -= 1
                if beside[gap + 1] - beside[gap] > 1:
                    aligned = gap
        while gap > aligned >= 0 and lines[own[gap]] == lines[own[gap + 1] - 1]:
            own[gap] = own[gap + 1] - 1
            gap -= 1
        gap += 1
    kept[:] = own[1:-1]
