"""Requests made to be too much, given to the program as a process: it answers in JSON with exit 0 or 1, and never with a traceback."""
from __future__ import annotations

import json
import os
import subprocess
import sys
import unittest
from typing import Any

from support import FOLDER, TreeCase, append, change, patch_set, replace, text

MOST = 1_000_000
# Time and memory go with the number, so the long search is the one that takes all.
MANY = MOST if os.environ.get('VIBEHQ_FUZZ_RUNS') else 150_000
DEPTH = 200_000


class Size(TreeCase):
    place = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None

    def answer(self, command: str, data: bytes) -> tuple[int, dict[str, Any]]:
        argv = [sys.executable, '-I', str(FOLDER / 'patch_manager.py'), command, '--root', self.root, '-']
        run = subprocess.run(argv, input=data, capture_output=True, check=False)
        self.assertIn(run.returncode, (0, 1), run.stderr[-2000:])
        self.assertNotIn(b'Traceback', run.stderr)
        value = json.loads(run.stdout)
        self.assertEqual(value['ok'], run.returncode == 0)
        return run.returncode, value

    def refused(self, command: str, data: bytes, code: str) -> None:
        before = self.tree()
        exit_code, value = self.answer(command, data)
        self.assertEqual((exit_code, value['error']['code']), (1, code), str(value)[:500])
        self.assertEqual(self.tree(), before)

    def test_nesting(self) -> None:
        self.fill(text(f='1\n'))
        value = b'[' * DEPTH + b']' * DEPTH
        self.refused('apply', value, 'INVALID_JSON')
        self.refused('apply', b'{"patches":' * DEPTH + b'1' + b'}' * DEPTH, 'INVALID_JSON')
        sound = patch_set([change('f', 'modify', (b'1\n', b'2\n'))], [replace('f', 1, 1, '2\n')])
        for shallow in (400, DEPTH):
            nested = b'{"a":' * shallow + b'1' + b'}' * shallow
            code, _ = self.answer('validate', json.dumps({**sound, 'metadata': {'provider': 'p', 'deep': 'HERE'}}).encode().replace(b'"HERE"', nested))
            self.assertEqual(code, 0 if shallow == 400 else 1)

    def test_many_operations(self) -> None:
        old, new = b'x\n' * MANY, b'y\n' * MANY
        self.fill({'f': (old, '100644')})
        sound = patch_set([change('f', 'modify', (old, new))], [replace('f', line, line, 'y\n') for line in range(MANY, 0, -1)])
        code, value = self.answer('remake', json.dumps(sound).encode())
        self.assertEqual((code, self.tree()), (0, {'f': (new, '100644')}), str(value)[:500])

    def test_too_many_operations(self) -> None:
        self.fill(text(f='1\n'))
        sound = patch_set([change('f', 'modify', (b'1\n', b'2\n'))], [])
        self.refused('remake', json.dumps({**sound, 'patches': [0] * (MOST + 1)}).encode(), 'PATCH_TOO_LARGE')
        self.refused('remake', json.dumps({**sound, 'patches': [0] * MOST}).encode(), 'PATCH_INVALID')

    def test_large_blocks(self) -> None:
        for block in ('x' * 10_000_000, 'é' * 5_000_000, 'nine char\n' * 1_000_000):
            self.fill(text(f='1\n'))
            value = patch_set([change('f', 'modify', (b'1\n', b'1\n' + block.encode()))], [append('f', block)])
            self.assertEqual(self.answer('remake', json.dumps(value).encode())[0], 0)
            self.assertEqual(self.tree(), {'f': (b'1\n' + block.encode(), '100644')})
        self.fill(text(f='1\n'))
        self.refused('remake', json.dumps(patch_set([change('f', 'modify', (b'1\n', b'2\n'))], [append('f', 'x' * 10_000_000 + '\ud800')])).encode(), 'PATCH_INVALID')

    def test_keys_given_twice(self) -> None:
        """The last counts, as in the other engine; the first is not looked at by one part of the program and the last by another."""
        self.fill(text(f='1\n', g='1\n'))
        sound = json.dumps(patch_set([change('f', 'modify', (b'1\n', b'2\n'))], [replace('f', 1, 1, '2\n')])).encode()
        code, _ = self.answer('remake', sound.replace(b'"path": "f"', b'"path": "../f", "path": "f"').replace(b'"file": "f"', b'"file": "g", "file": "f"'))
        self.assertEqual((code, self.tree()), (0, text(f='2\n', g='1\n')))
        self.refused('remake', sound.replace(b'"path": "f"', b'"path": "f", "path": "../f"'), 'PATCH_POLICY')


if __name__ == '__main__':
    unittest.main()
