"""Beside git: what git's diff says is what comes out, and git applies the diffs that are written."""
from __future__ import annotations

import os
import random
import subprocess
import unittest

from git_trees import random_trees, set_of
from support import Files, TreeCase, call, read_tree, write_tree

ROUNDS = 60


class BesideGit(TreeCase):
    def test_random_diffs(self) -> None:
        for seed in range(ROUNDS):
            old, new = random_trees(random.Random(seed))
            value = set_of(old, new, self.folder)
            with self.subTest(seed=seed):
                self.fill(old)
                made = self.run_on('remake', value)
                self.assertEqual((made.code, self.tree()), (0, new), made.json.get('error'))
                self.fill(old)
                applied = self.run_on('apply', value)
                self.assertEqual((applied.code, self.tree()), (0, new))
                self.check_blobs(applied.json['files'])
                if value['files']:
                    self.check_diffs(applied.json, old, new)

    def check_blobs(self, files: list[dict]) -> None:
        for file in files:
            if file['blob']:
                run = subprocess.run(['git', 'hash-object', '--no-filters', '--', file['path']], cwd=self.root, capture_output=True, check=True)
                self.assertEqual(run.stdout.decode().strip(), file['blob'])

    def check_diffs(self, result: dict, old: Files, new: Files) -> None:
        """The written diff turns old into new, that of the reversal new into old."""
        self.git_applies(os.path.join(self.root, result['diff_path']), old, new)
        reverted = call('revert', '--root', self.root, result['patch_id'])
        self.assertEqual((reverted.code, self.tree()), (0, old), reverted.json.get('error'))
        self.git_applies(os.path.join(self.root, reverted.json['diff_path']), new, old)

    def git_applies(self, diff: str, old: Files, new: Files) -> None:
        beside = os.path.join(self.folder, 'beside')
        subprocess.run(['rm', '-rf', beside], check=True)
        os.mkdir(beside)
        write_tree(beside, old)
        command = ['git', 'apply', '--whitespace=nowarn', diff]
        run = subprocess.run(command, cwd=beside, capture_output=True, check=False, env={**os.environ, 'GIT_CEILING_DIRECTORIES': self.folder})
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(read_tree(beside), new)


if __name__ == '__main__':
    unittest.main()
