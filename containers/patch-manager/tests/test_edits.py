"""Operations on bytes, against a slow model that does one line at a time; and work that grows with the size only."""
from __future__ import annotations

import random
import unittest

import support  # noqa: F401  (sets the path)
from patchmgr.blobs import blob_id
from patchmgr.diff import replaced
from patchmgr.edits import arrange, assemble, count_lines, line_starts
from patchmgr.errors import Refusal
from patchmgr.model import APPEND, INSERT_AFTER, INSERT_BEFORE, PREPEND, REPLACE, Operation


def operation(kind: str, block: bytes, *numbers: int) -> Operation:
    made = Operation(kind, 'f', block)
    if kind == REPLACE:
        made.start, made.end = numbers
    elif numbers:
        made.line = numbers[0]
    return made


def model(lines: list[bytes], operations: list[Operation]) -> bytes | None:
    """None for an overlap. Gap n lies after line n; a replacement owns its lines and the gaps between them."""
    owner: dict[int, Operation] = {}
    inner: set[int] = set()
    gaps: dict[int, list[list[bytes]]] = {gap: [[], [], [], []] for gap in range(len(lines) + 1)}
    for item in operations:
        if item.kind != REPLACE:
            continue
        for line in range(item.start, item.end + 1):
            if line in owner:
                return None
            owner[line] = item
        inner |= set(range(item.start, item.end))
    for item in operations:
        if item.kind == REPLACE:
            continue
        rank = [PREPEND, INSERT_AFTER, INSERT_BEFORE, APPEND].index(item.kind)
        gap = [0, item.line, item.line - 1, len(lines)][rank]
        if gap in inner:
            return None
        gaps[gap][rank].append(item.block)
    out: list[bytes] = []
    for gap in range(len(lines) + 1):
        if gap:
            item = owner.get(gap)
            out.append(lines[gap - 1] if item is None else item.block if item.start == gap else b'')
        out += [block for rank in gaps[gap] for block in rank]
    return b''.join(out)


class Edits(unittest.TestCase):
    def test_against_the_model(self) -> None:
        random_ = random.Random(7)
        refused = 0
        for _ in range(4000):
            lines = [random_.choice([b'a\n', b'\r\n', b'\n', b'\xc2\x85\n']) for _ in range(random_.randrange(1, 8))]
            if random_.random() < 0.3:
                lines[-1] = b'end'
            operations = [self.some(random_, len(lines)) for _ in range(random_.randrange(1, 5))]
            expected = model(lines, operations)
            data = b''.join(lines)
            starts = line_starts(data)
            self.assertEqual(len(starts) - 1, len(lines))
            if expected is None:
                refused += 1
                with self.assertRaises(Refusal) as caught:
                    arrange(operations, len(lines))
                self.assertEqual(caught.exception.details['rule'], 'overlap')
            else:
                self.assertEqual(assemble(data, starts, arrange(operations, len(lines))), expected)
        self.assertGreater(refused, 300)

    def some(self, random_: random.Random, count: int) -> Operation:
        kind = random_.choice([REPLACE, REPLACE, INSERT_BEFORE, INSERT_AFTER, APPEND, PREPEND])
        block = random_.choice([b'', b'x\n', b'y\nz\n', b'w'])
        numbers = sorted(random_.randrange(1, count + 1) for _ in range(2))
        return operation(kind, block, *numbers)

    def test_replaced(self) -> None:
        random_ = random.Random(3)
        for _ in range(4000):
            old, new = (b''.join(random_.choice([b'a\n', b'b\n', b'c']) for _ in range(random_.randrange(7))) for _ in range(2))
            self.assertEqual(assemble(old, line_starts(old), replaced(old, new)), new)

    def test_count_lines(self) -> None:
        for data, count in ((b'', 0), (b'\n', 1), (b'a', 1), (b'a\n', 1), (b'a\nb', 2), (b'a\r\x0b\x0c\xe2\x80\xa8b', 1)):
            self.assertEqual(count_lines(data), count)
            self.assertEqual(len(line_starts(data)) - 1, count)

    def test_blob_ids_are_those_of_git(self) -> None:
        self.assertEqual(blob_id(b''), 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391')
        self.assertEqual(blob_id(b'hello\n'), 'ce013625030ba8dba906f756967f9e9ca394464a')


if __name__ == '__main__':
    unittest.main()
