"""Both engines and git on the same random cases: the same bytes, or a refusal.

VIBEHQ_FUZZ_RUNS is the number of cases of each kind, for a longer search by the same code."""
from __future__ import annotations

import copy
import json
import os
import random
import subprocess
import unittest
from typing import Any

from git_trees import random_trees, set_of
from merge_cases import Triple, git_merge_file, triple
from support import FOLDER, Files, TreeCase, append, blob, change, patch_set, replace

from patchmgr.merge import merge

ENGINE = FOLDER.parent.parent / '@shared' / 'ai-patch' / 'src' / 'testing' / 'engine.ts'


def runs(usual: int) -> int:
    return int(os.environ.get('VIBEHQ_FUZZ_RUNS') or usual)


class Cross(TreeCase):
    place = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None

    def setUp(self) -> None:
        super().setUp()
        self.random = random.Random(20_261_121)
        command = ['node', '--no-warnings', str(ENGINE)]
        self.engine = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding='utf-8', errors='surrogatepass')
        self.addCleanup(self.stop)

    def stop(self) -> None:
        assert self.engine.stdin and self.engine.stdout
        self.engine.stdin.close()
        self.engine.stdout.close()
        self.assertEqual(self.engine.wait(), 0)

    def ask(self, **request: Any) -> dict[str, Any]:
        """The TypeScript engine's answer."""
        assert self.engine.stdin and self.engine.stdout
        self.engine.stdin.write(json.dumps(request) + '\n')
        self.engine.stdin.flush()
        return json.loads(self.engine.stdout.readline())

    def verdict(self, command: str, value: Any, now: Files) -> dict[str, Any]:
        """The Python engine's answer in the same words. What is refused leaves the tree as it was."""
        self.fill(now)
        answer = self.run_on(command, value)
        if answer.code == 0:
            return {'files': shown(self.tree())}
        self.assertEqual((answer.code, self.tree()), (1, now), answer.json)
        self.assertNotEqual(answer.error, 'INTERNAL', (answer.json, value))
        return {'error': answer.error}

    def test_merges(self) -> None:
        tally = {'clean': 0, 'conflict': 0, 'refused': 0}
        for _ in range(runs(250)):
            case = triple(self.random, self.random.choice([3, 6, 15, 40, 120, 300]))
            git, ours = git_merge_file(self.folder, case), merge(*case)
            theirs = self.ask(merge=[side.decode() for side in case])
            self.assertEqual(spoken(ours), theirs, case)
            if ours.text is not None:
                self.assertEqual(ours.text, git, case)
            tally['clean' if ours.text is not None else 'conflict' if git is None else 'refused'] += 1
        self.assertGreater(min(tally['clean'], tally['conflict']), runs(250) // 10, tally)
        self.assertLess(tally['refused'], runs(250) // 20 + 1, tally)

    def test_small_merges(self) -> None:
        """Few lines of two or three kinds: here equal lines leave most open, and the engines must leave the same open."""
        for _ in range(runs(2500)):
            sides = [b''.join(self.random.choice([b'a\n', b'b\n', b'}\n']) for _ in range(self.random.randrange(7))) for _ in range(3)]
            case: Triple = sides[0], sides[1], sides[2]
            self.assertEqual(spoken(merge(*case)), self.ask(merge=[side.decode() for side in case]), case)

    def test_sets(self) -> None:
        """A set from git's diff gives what git's tree was, in either engine, and by git from the diff that is written of it."""
        for seed in range(runs(60)):
            old, new = random_trees(random.Random(seed))
            value = set_of(old, new, self.folder)
            self.assertEqual(self.ask(apply=value, base=shown(old)), {'files': shown(new)}, seed)
            self.assertEqual(self.verdict('remake', value, old), {'files': shown(new)}, seed)
            diff = self.ask(diff=value, base=shown(old))['diff']
            self.assertEqual(self.git_apply(diff, old), new, seed)

    def git_apply(self, diff: str, old: Files) -> Files:
        self.fill(old)
        env = {**os.environ, 'GIT_CEILING_DIRECTORIES': self.folder}
        if diff:
            subprocess.run(['git', 'apply', '--whitespace=nowarn', '-'], cwd=self.root, input=diff.encode(), check=True, env=env)
        return self.tree()

    def test_hand_written(self) -> None:
        tally = {'files': 0, 'error': 0}
        for _ in range(runs(400)):
            eol = self.random.choice(['\n', '\n', '\r\n'])
            base = eol.join(self.random.choice(['a', 'b', '}', '']) for _ in range(self.random.randrange(6))) + self.random.choice(['', eol, '\n'])
            now = {'f': (base.encode(), self.random.choice(['100644', '100755']))}
            patches = [self.operation() for _ in range(self.random.randrange(1, 5))]
            expected = self.ask(handWritten=patches, base=shown(now))
            tally['error' if 'error' in expected else 'files'] += 1
            self.assertEqual(self.verdict('apply', patches, now), expected, (base, patches))
        self.assertGreater(min(tally.values()), runs(400) // 10, tally)

    def operation(self) -> dict[str, Any]:
        kind = self.random.choice(['replace-block', 'insert-before', 'insert-after', 'append'])
        block = self.random.choice(['', 'x', 'x\n', 'x\ny', 'x\r\n', '\n', 'y\r', '\ufeff', 'é\u2028\n'])
        value: dict[str, Any] = {'task_id': '', 'file': 'f', 'operation': kind, 'block': block, 'metadata': {'provider': 'p'}}
        line = self.random.randrange(1, 7)
        if kind == 'replace-block':
            value.update(start=line, end=line + self.random.randrange(2))
        elif kind != 'append':
            value['line'] = line
        return value

    def test_wrong_sets(self) -> None:
        """What one engine takes, the other takes, and makes the same of it."""
        base: Files = {'f': (b'1\n2\n3\n', '100644'), 'g': (b'g\n', '100644'), 'd/h': (b'h', '100755')}
        sound = patch_set(
            [
                change('f', 'modify', (b'1\n2\n3\n', b'0\n1\ntwo\n3\n')), change('new', 'create', (None, b'n\n')), change('d/h', 'delete', (b'h', None)),
                change('moved', 'rename', (b'g\n', b'g\n'), **{'from': 'g'}),
            ],
            [replace('f', 2, 2, 'two\n'), {'file': 'f', 'operation': 'insert-before', 'line': 1, 'block': '0\n'}, append('new', 'n\n')],
        )
        self.assertIn('files', self.ask(apply=sound, base=shown(base)))
        tally = {'files': 0, 'error': 0}
        for _ in range(runs(800)):
            value = self.mutated(sound)
            expected, found = self.ask(apply=value, base=shown(base)), self.verdict('remake', value, base)
            tally['error' if 'error' in expected else 'files'] += 1
            self.assertEqual(found.get('files'), expected.get('files'), (value, found, expected))
        self.assertGreater(min(tally.values()), runs(800) // 30, tally)

    def mutated(self, sound: dict[str, Any]) -> dict[str, Any]:
        value = copy.deepcopy(sound)
        for _ in range(self.random.randrange(1, 3)):
            holder = self.random.choice([*value['files'], *value['patches'], value]) if value.get('files') and value.get('patches') else value
            if not isinstance(holder, dict) or not holder:
                continue
            key = self.random.choice(list(holder))
            fate = self.random.randrange(4)
            if fate == 0 and holder is not value:
                del holder[key]
            elif fate == 1:
                holder[self.random.choice(['from', 'line', 'start', 'end', 'extra', '__proto__', 'order_id'])] = self.random.choice(VALUES)
            elif fate == 2 and isinstance(value.get('patches'), list):
                self.random.shuffle(value['patches'])
            elif holder is not value:
                holder[key] = self.random.choice(VALUES)
        return value


VALUES: list[Any] = [
    None, True, 0, -0.0, 1, 1.0, 1.5, 2, 3, 4, 2**31, 2**53, 2**53 - 1, 1e308, '', '1', 'x', 'x\n', '\0', '\ud83d', '\udc00\n', '\u2028', '\ufeff', [], {}, [[]],
    'f', 'g', 'd/h', 'd', 'new', 'f/x', 'F', 'é', 'e\u0301', '__proto__', '../f', '/etc/passwd', '.git/x', '.GIT', 'git~1', '.git\u200c', 'a//b', './f', 'a\\..\\b', 'C:\\x',
    'n' * 300, 'append', 'replace-block', 'insert-after', 'prepend', 'modify', 'create', 'delete', 'rename', 'mode', '100644', '100755', '120000',
    blob(b'g\n'), blob(b'h'), blob(b'n\n'), '0' * 40, 'A' * 40, {'provider': 'p'}, {},
]


def shown(files: Files) -> dict[str, list[str]]:
    return {path: [data.decode(), mode] for path, (data, mode) in sorted(files.items())}


def spoken(merged: Any) -> dict[str, Any]:
    if merged.text is not None:
        return {'text': merged.text.decode()}
    return {'hunks': [[hunk['base']['start'], hunk['base']['end']] for hunk in merged.hunks]}


if __name__ == '__main__':
    unittest.main()
