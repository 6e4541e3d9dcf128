"""Unified diffs as input: what git makes of two trees turns the one into the other, and a diff of another text is never guessed into a place."""
from __future__ import annotations

import json
import os
import random
import subprocess
import unittest

from git_trees import random_trees
from support import Answer, Files, TreeCase, call, read_tree, text, write_tree

BASE = '1\n2\n3\n4\n5\n6\n7\n8\n9\n'
PLAIN = '--- f\t2025-01-01\n+++ f\t2025-01-02\n@@ -2,3 +2,3 @@\n 2\n-3\n+three\n 4\n'


def git(root: str, *words: str) -> bytes:
    return subprocess.run(['git', '-c', 'user.name=t', '-c', 'user.email=t@example.org', *words], cwd=root, capture_output=True, check=True).stdout


class Diffs(TreeCase):
    def apply(self, diff: bytes, *more: str) -> Answer:
        path = os.path.join(self.folder, 'input.diff')
        with open(path, 'wb') as file:
            file.write(diff)
        return call('apply', path, '--root', self.root, *more)

    def commit(self, files: Files) -> None:
        for path in read_tree(self.root):
            os.unlink(os.path.join(self.root, path))
        write_tree(self.root, files)
        git(self.root, 'add', '-A')
        git(self.root, 'commit', '-q', '--allow-empty', '-m', 'x')

    def test_every_diff_of_git(self) -> None:
        for seed in range(40):
            old, new = random_trees(random.Random(1000 + seed))
            self.fill({})
            git(self.root, 'init', '-q')
            git(self.root, 'config', 'core.autocrlf', 'false')
            for files in (old, new):
                self.commit(files)
            shape = [['-M'], ['--no-renames', '-U0'], ['-M', '--full-index', '-U1'], ['--no-prefix', '-M']][seed % 4]
            if seed % 4 == 3:
                shape = ['-M', '--abbrev=8']
            diff = git(self.root, 'diff', '--text', '--no-ext-diff', *shape, 'HEAD~1', 'HEAD')
            for prose in (b'', b'From abc Mon Sep 17\nSubject: x\n\n---\n f | 2 +-\n\n'):
                with self.subTest(seed=seed, prose=prose):
                    self.fill(old)
                    answer = self.apply(prose + diff + (b'-- \n2.39.5\n\n' if prose else b''))
                    if not diff:
                        self.assertEqual((answer.code, self.tree()), (1, old))
                        continue
                    self.assertEqual((answer.code, self.tree()), (0, new), answer.json.get('error'))
                    self.assertEqual((call('revert', '--root', self.root, answer.json['patch_id']).code, self.tree()), (0, old))

    def test_again_is_nothing(self) -> None:
        self.fill({})
        git(self.root, 'init', '-q')
        self.commit(text(f=BASE))
        self.commit(text(f=BASE.replace('3', 'three'), g='new\n'))
        diff = git(self.root, 'diff', 'HEAD~1', 'HEAD')
        self.assertEqual(self.apply(diff).statuses, ['already-applied', 'already-applied'])

    def test_moved_file_is_merged_with_the_base_that_the_diff_names(self) -> None:
        self.fill({})
        git(self.root, 'init', '-q')
        self.commit(text(f=BASE))
        self.commit(text(f=BASE.replace('3', 'three')))
        diff = git(self.root, 'diff', 'HEAD~1', 'HEAD')
        write_tree(self.root, text(f='0\n0\n' + BASE))
        answer = self.apply(diff)
        self.assertEqual((answer.code, answer.statuses, self.tree()), (0, ['merged'], text(f='0\n0\n' + BASE.replace('3', 'three'))), answer.json)
        write_tree(self.root, text(f=BASE.replace('3', 'drei')))
        self.assertEqual(self.apply(diff).error, 'PATCH_CONFLICT')

    def test_plain_diff(self) -> None:
        self.fill(text(f=BASE))
        self.assertEqual((self.apply(PLAIN.encode()).code, self.tree()), (0, text(f=BASE.replace('3', 'three'))))
        for moved in ('0\n' + BASE, BASE.replace('4', 'four'), '', '1\n2\n'):
            self.fill(text(f=moved))
            self.assertEqual((self.apply(PLAIN.encode()).error, self.tree()), ('PATCH_STALE', text(f=moved)))

    def test_wrapped_in_json(self) -> None:
        for key in ('diff', 'unidiffPatch'):
            self.fill(text(f=BASE))
            answer = self.run_on('apply', {key: PLAIN, 'baseCommitId': '1' * 40, 'task_id': 't'})
            self.assertEqual((answer.code, self.tree()), (0, text(f=BASE.replace('3', 'three'))), answer.json.get('error'))
        for bad in ({'diff': 5}, {'diff': PLAIN, 'unidiffPatch': PLAIN}, {'diff': PLAIN, 'extra': 1}, {'diff': PLAIN, 'base_commit': 'x'}, {'diff': ''}):
            self.assertEqual(self.run_on('apply', bad).error, 'PATCH_INVALID', bad)

    def test_refused(self) -> None:
        head = 'diff --git a/f b/f\n'
        cases = [
            (PLAIN[:-3], 'PATCH_INVALID'), (PLAIN + '+more\n', 'PATCH_INVALID'), (PLAIN.replace('-2,3', '-x,3'), 'PATCH_INVALID'),
            (PLAIN.replace('@@ -2,3 +2,3', '@@ -2,4 +2,3'), 'PATCH_INVALID'), (PLAIN.replace('-2,3', '-0,3'), 'PATCH_INVALID'),
            (head + 'index 1234567..89abcde 120000\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-1\n+x\n', 'PATCH_FILE_UNSUPPORTED'),
            (head + 'index 1234567..89abcde\nGIT binary patch\nliteral 1\n', 'PATCH_BINARY_UNSUPPORTED'),
            (head + 'Binary files a/f and b/f differ\n', 'PATCH_BINARY_UNSUPPORTED'), (head + 'new file mode 160000\n', 'PATCH_FILE_UNSUPPORTED'),
            (head + 'copy from f\ncopy to g\n', 'PATCH_INVALID'), (head + 'deleted file mode 100644\n', 'PATCH_INVALID'),
            (head + 'index zz..yy\n', 'PATCH_INVALID'), (PLAIN.replace('+++ f', '+++ /dev/null').replace('--- f', '--- /dev/null'), 'PATCH_INVALID'),
            (PLAIN.replace(' f\t', ' ../f\t'), 'PATCH_POLICY'), (PLAIN.replace(' f\t', ' /etc/passwd\t'), 'PATCH_POLICY'),
            (PLAIN.replace(' f\t', ' .git/config\t'), 'PATCH_POLICY'), (PLAIN + PLAIN, 'PATCH_INVALID'),
            ('diff --git a/f b/g\nrename from f\nrename to ../g\n', 'PATCH_POLICY'), ('--- "\\377"\n+++ "\\377"\n@@ -1 +1 @@\n-1\n+x\n', 'PATCH_INVALID'),
            ('--- f\n+++ f\n@@ -99999999999999999999 +1 @@\n-1\n+x\n', 'PATCH_INVALID'), ('--- f\n+++ f\n@@ -999999 +1 @@\n-1\n+x\n', 'PATCH_STALE'),
        ]
        self.fill(text(f=BASE))
        for diff, error in cases:
            answer = self.apply(diff.encode())
            self.assertEqual((answer.code, answer.error, self.tree()), (1, error, text(f=BASE)), diff)

    def test_a_diff_that_does_not_make_what_it_promises(self) -> None:
        self.fill({})
        git(self.root, 'init', '-q')
        self.commit(text(f=BASE))
        self.commit(text(f=BASE.replace('3', 'three')))
        diff = git(self.root, 'diff', 'HEAD~1', 'HEAD').replace(b'+three', b'+drei')
        write_tree(self.root, text(f=BASE))
        self.assertEqual(self.apply(diff).error, 'PATCH_CORRUPT')

    def test_diff_of_a_string_of_json(self) -> None:
        self.fill(text(f=BASE))
        self.assertEqual(self.apply(json.dumps(PLAIN).encode()).error, 'PATCH_INVALID')


if __name__ == '__main__':
    unittest.main()
