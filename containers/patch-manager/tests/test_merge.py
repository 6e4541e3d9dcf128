"""The three-way merge: the vectors that both engines share, and git beside it."""
from __future__ import annotations

import contextlib
import io
import json
import os
import random
import unittest
import unittest.mock

from merge_cases import git_merge_file, triple
from support import FOLDER, TreeCase, call, write_tree

from patchmgr import lines
from patchmgr.cli import main
from patchmgr.edits import assemble, line_starts
from patchmgr.merge import changes, merge

VECTORS = FOLDER.parent.parent / '@shared' / 'ai-patch' / 'vectors' / 'merge.json'


class Merge(TreeCase):
    place = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None

    def test_vectors(self) -> None:
        vectors = json.loads(VECTORS.read_text(encoding='utf-8'))
        self.assertGreater(len(vectors), 20)
        for vector in vectors:
            with self.subTest(vector['name']):
                merged = merge(*(vector[key].encode() for key in ('base', 'ours', 'theirs')))
                expect = vector['expect']
                if 'clean' in expect:
                    self.assertEqual(merged.text, expect['clean'].encode())
                else:
                    self.assertIsNone(merged.text)
                    self.assertEqual([[hunk['base']['start'], hunk['base']['end']] for hunk in merged.hunks], expect['conflict'])

    def test_beside_git(self) -> None:
        """The bytes of git, or a refusal."""
        random_ = random.Random(20_260_101)
        tally = {'clean': 0, 'conflict': 0, 'refused': 0}
        cases = [triple(random_, random_.choice([4, 15, 40, 120, 300])) for _ in range(500)] + [triple(random_, 4000) for _ in range(12)]
        for case in cases:
            expected = git_merge_file(self.folder, case)
            merged = merge(*case)
            if merged.text is None:
                tally['conflict' if expected is None else 'refused'] += 1
                self.assertGreater(len(merged.hunks), 0)
                continue
            self.assertEqual(merged.text, expected, case)
            tally['clean'] += 1
            self.assertEqual(assemble(case[1], line_starts(case[1]), merged.edits), merged.text, case)
        self.assertGreater(min(tally['clean'], tally['conflict']), 100)
        self.assertLess(tally['refused'], len(cases) // 50)

    def test_hunks_are_the_lines_of_each_side(self) -> None:
        random_ = random.Random(4)
        seen = 0
        for _ in range(300):
            case = triple(random_, 40)
            for hunk in merge(*case).hunks:
                seen += 1
                for name, data in zip(('base', 'ours', 'theirs'), case):
                    span = hunk[name]
                    text = b''.join(lines.split_lines(data)[span['start'] - 1:span['end']])
                    self.assertEqual(text.decode(), span['text'])
        self.assertGreater(seen, 100)

    def test_changes(self) -> None:
        random_ = random.Random(9)
        for _ in range(500):
            old, new, _ = triple(random_, 60)
            self.assertEqual(assemble(old, line_starts(old), changes(old, new)), new)

    def test_work_has_an_end(self) -> None:
        """Nearly alike files of two kinds of lines, the worst for such a search: the steps stay in their bounds, and what comes out holds."""
        random_ = random.Random(5)
        base, ours = (b''.join(random_.choice([b'}\n', b'\n']) for _ in range(6000)) for _ in range(2))
        theirs = base[:3000] + b'new\n' + base[3000:]
        spent: list[int] = []
        run = lines._Search.run

        def counted(search: lines._Search) -> tuple[bytearray, bytearray]:
            found = run(search)
            spent.append(lines.MAX_WORK - search.work)
            return found

        with unittest.mock.patch.object(lines._Search, 'run', counted):
            for budget in (200_000, 2000, 0):
                spent.clear()
                with unittest.mock.patch('patchmgr.lines.MAX_WORK', budget):
                    merged = merge(base, ours, theirs)
                    self.assertTrue(merged.text is not None or merged.hunks)
                    self.assertEqual(assemble(base, line_starts(base), changes(base, ours)), ours)
                    # The last front may run to its end.
                    self.assertLess(max(spent), budget + len(base) + 2 * lines.MAX_COST)

    def test_command(self) -> None:
        files = {'base': b'1\n2\n3\n', 'ours': b'one\n2\n3\n', 'theirs': b'1\n2\nthree', 'other': b'ONE\n2\n3\n', 'bad': b'\0'}
        write_tree(self.folder, {name: (data, '100644') for name, data in files.items()})
        path = {name: os.path.join(self.folder, name) for name in files}
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            code = main(['merge-file', path['base'], path['ours'], path['theirs']])
        self.assertEqual((code, out.getvalue()), (0, 'one\n2\nthree'))
        answer = call('merge-file', path['base'], path['ours'], path['other'])
        self.assertEqual((answer.code, answer.error), (1, 'PATCH_CONFLICT'))
        expected = {'base': ('1\n', 1, 1), 'ours': ('one\n', 1, 1), 'theirs': ('ONE\n', 1, 1)}
        hunk = {name: {'start': start, 'end': end, 'text': text} for name, (text, start, end) in expected.items()}
        self.assertEqual(answer.json['hunks'], [hunk])
        self.assertEqual(call('merge-file', path['base'], path['bad'], path['other']).error, 'PATCH_BINARY_UNSUPPORTED')
        self.assertEqual(call('merge-file', path['base'], path['base'], os.path.join(self.folder, 'none')).code, 2)


if __name__ == '__main__':
    unittest.main()
