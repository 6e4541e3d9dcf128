"""Input of every shape, and planted state: it is carried out or refused, never a fault of the program, and nothing outside the root changes."""
from __future__ import annotations

import copy
import json
import os
import random
import shutil
import unittest
from typing import Any

from support import Answer, TreeCase, append, blob, call, change, patch_set, read_tree, replace, text, write_tree

BASE = '1\n/* START: part */\n2\n/* END: part */\n{{PLACEHOLDER_X}}\n'
DIFF = 'diff --git a/f b/f\nindex 1234567..89abcde 100644\n--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n-1\n+one\n /* START: part */\n'
PATHS = [
    'f', 'g', 'd/h', '../outside/secret', '/etc/passwd', 'link/secret', 'link', '.git/config', 'd/../../outside/secret', 'a\\..\\b', '', '.', '..', 'f/g',
    '.mission_control/tasks.json', '.mission_control/patch-manager/txn/x/record.json', 'x' * 300, 'n\0ul', '\ud800', 'C:\\x', '-rf', '~', 'd', '.GIT/x',
]
VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2, 2**31, 2**53, 10**400, -0.0, 1.5, 1e308, float('inf'), float('nan'), '', 'x', 'x\n', '\0', '\ud800', '\u2028', [], {},
    [[]], [{}], {'': {}}, 'A', 'part', 'X', 'append', 'replace-block', 'block-insert-after', '0' * 40, '0' * 64, '100755', '120000', 'modify', 'create', DIFF,
]
KEYS = [
    'op', 'operation', 'file', 'target_file', 'start', 'end', 'line', 'block', 'content', 'new_block', 'blockFile', 'anchor', 'marker', 'start_marker',
    'end_marker', 'includeMarkers', 'openSpace', 'taskId', 'task_id', 'expected_hash', 'base_commit', 'patches', 'files', 'path', 'from', 'mode', 'change',
    'base_blob', 'result_blob', 'patch_set_id', 'metadata', 'summary', 'execution_id', 'orderId', 'diff', 'unidiffPatch', 'baseCommitId', '__proto__',
]
GOOD: list[Any] = [
    {'op': 'insert_after', 'file': 'f', 'line': 1, 'block': 'x\n', 'openSpace': False, 'taskId': 'A'},
    {'op': 'replace_block', 'target_file': 'f', 'marker': 'part', 'new_block': 'x\n', 'includeMarkers': True},
    {'op': 'replace_block', 'file': 'f', 'start_marker': 'START', 'end_marker': 'END', 'block': 'x\n', 'expected_hash': blob(BASE.encode())},
    {'orderId': 'O', 'requester': 'r', 'patches': [{'op': 'insert_before', 'file': 'f', 'anchor': '2', 'content': 'x\n'}, append('g', 'y\n')]},
    {'operation': 'append', 'file': 'new', 'blockFile': 'g', 'metadata': {'provider': 'x'}},
    {'diff': DIFF, 'baseCommitId': '1' * 40, 'task_id': 'A'},
    patch_set(
        [change('f', 'modify', (BASE.encode(), BASE.replace('2', 'two').encode())), change('h', 'rename', (b'g\n', b'g\n'), **{'from': 'g'})],
        [replace('f', 3, 3, 'two\n')],
    ),
]
TASKS = {'tasks': [{'uuid': 'A', 'file': 'f', 'status': 'open', 'allowed_spans': [{'file': 'f', 'start': 1, 'end': 4}]}]}


class Hostile(TreeCase):
    place = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None

    def setUp(self) -> None:
        super().setUp()
        self.random = random.Random(11)
        self.outside = os.path.join(self.folder, 'outside')
        write_tree(self.outside, text(secret='secret\n'))
        self.start()

    def start(self) -> None:
        self.fill(text(f=BASE, g='g\n', **{'d/h': 'h\n', '.mission_control/tasks.json': json.dumps(TASKS)}))
        os.symlink(self.outside, os.path.join(self.root, 'link'))

    def check(self, answer: Answer, shown: object) -> None:
        self.assertIn(answer.code, (0, 1, 2), shown)
        self.assertEqual(answer.json['ok'], answer.code == 0)
        self.assertNotEqual(answer.error, 'INTERNAL', (answer.json, shown))
        self.assertEqual(read_tree(self.outside), text(secret='secret\n'), shown)

    def mutated(self, value: Any) -> Any:
        value = copy.deepcopy(value)
        for _ in range(self.random.randrange(1, 4)):
            at, parent = value, None
            while isinstance(at, dict | list) and at and (parent is None or self.random.random() < 0.8):
                key = self.random.choice(list(at)) if isinstance(at, dict) else self.random.randrange(len(at))
                parent, at = (at, key), at[key]
            new = self.random.choice([*VALUES, *PATHS])
            if parent is None:
                return new
            holder, key = parent
            fate = self.random.randrange(6)
            if fate == 0:
                del holder[key]
            elif fate == 1 and isinstance(holder, dict):
                holder[self.random.choice(KEYS)] = new
            elif fate == 2 and isinstance(holder, list):
                holder.append(copy.deepcopy(at))
            elif fate == 3 and isinstance(holder, dict) and key in ('file', 'path', 'from', 'target_file', 'blockFile'):
                holder[key] = self.random.choice(PATHS)
            else:
                holder[key] = new
        return value

    def test_mutated_requests(self) -> None:
        landed = 0
        for count in range(900):
            value = self.mutated(self.random.choice(GOOD))
            command = self.random.choice(['apply', 'apply', 'validate', 'remake'])
            answer = self.run_on(command, value)
            self.check(answer, value)
            if answer.code == 0 and command != 'validate':
                landed += 1
                self.start()
        self.assertGreater(landed, 30)

    def random_json(self, depth: int) -> Any:
        kind = self.random.randrange(5) if depth else 4
        if kind < 2:
            return {self.random.choice(KEYS): self.random_json(depth - 1) for _ in range(self.random.randrange(6))}
        if kind == 2:
            return [self.random_json(depth - 1) for _ in range(self.random.randrange(4))]
        return copy.deepcopy(self.random.choice([*VALUES, *PATHS, *GOOD]))

    def test_random_json(self) -> None:
        for _ in range(400):
            value = self.random_json(4)
            self.check(self.run_on('validate', value), value)

    def test_mutated_bytes(self) -> None:
        """Of diffs and of JSON texts."""
        path = os.path.join(self.folder, 'raw')
        seeds = [DIFF.encode(), DIFF.replace('index 1234567..89abcde 100644\n', '').encode(), *(json.dumps(value).encode() for value in GOOD)]
        for _ in range(500):
            data = bytearray(self.random.choice(seeds))
            for _ in range(self.random.randrange(1, 6)):
                at = self.random.randrange(len(data) + 1)
                data[at:at + self.random.randrange(4)] = self.random.choice([b'', b'\n', b'\xff', b'9' * 30, b'@@ -1 +1 @@\n', b'"', b'\\', b'--- ', b'{', b'\0'])
            with open(path, 'wb') as file:
                file.write(data)
            answer = call('apply', path, '--root', self.root)
            self.check(answer, bytes(data))
            if answer.code == 0:
                self.start()

    def test_mutated_command_lines(self) -> None:
        words = [
            'apply', 'revert', 'list', 'blame', 'task', 'get', 'notify', 'merge-file', 'append', 'replace-block', '--file', 'f', '--root', '--block', 'x', '--start',
            '1', '--end', '--marker', 'part', '--anchor', '2', '--task-id', 'A', '--line', '99999999999999999999', '-', '--', '', '--dry-run', '../x', '\0', '\udcff',
            '--expected-hash', '0' * 40, '--base-commit', 'list-markers', 'list-tasks', '--apply', '[]', 'apply-batch', '--state-dir',
        ]
        for _ in range(600):
            argv = [self.random.choice(words) for _ in range(self.random.randrange(1, 8))]
            if '-' in argv or '--state-dir' in argv or '--root' in argv:
                # Standard input belongs to the test runner, and other places to others.
                continue
            self.check(call(*argv, '--root', self.root), argv)

    def test_planted_records(self) -> None:
        """A repository can bring its own state. Its paths are held inside like all others, and its types are not believed."""
        self.assertEqual(self.run_on('apply', replace('f', 1, 1, 'one\n'), '--task-id', 'A').code, 0)
        home = os.path.join(self.root, '.mission_control/patch-manager')
        key = os.listdir(os.path.join(home, 'applied'))[0]
        with open(os.path.join(home, 'applied', key, 'record.json'), encoding='utf-8') as file:
            record = json.load(file)
        kept = os.path.join(self.folder, 'kept')
        shutil.copytree(self.root, kept, symlinks=True)
        for _ in range(250):
            shutil.rmtree(self.root)
            shutil.copytree(kept, self.root, symlinks=True)
            planted = self.mutated(record)
            if self.random.random() < 0.5 and isinstance(planted, dict):
                planted['entries'] = [{**record['entries'][0], 'path': self.random.choice(PATHS), 'old': self.random.choice([None, record['entries'][0]['old']])}]
            where = self.random.choice(['applied', 'txn'])
            place = os.path.join(home, where, key)
            if where == 'txn':
                os.makedirs(os.path.join(home, 'txn'), exist_ok=True)
                shutil.move(os.path.join(home, 'applied', key), place)
            with open(os.path.join(place, 'record.json'), 'w', encoding='utf-8') as file:
                json.dump(planted, file)
            for argv in (['list'], ['revert', key], ['blame', 'f'], ['recover'], ['append', '--file', 'f', '--block', 'x\n']):
                self.check(call(*argv, '--root', self.root), (where, planted))

    def test_planted_tasks(self) -> None:
        for _ in range(250):
            self.start()
            planted = self.mutated(TASKS)
            write_tree(self.root, {'.mission_control/tasks.json': (json.dumps(planted).encode(), '100644')})
            for argv in (
                ['list-tasks'], ['task', 'get', 'A'], ['task', 'complete', 'A'], ['append', '--file', 'f', '--block', 'x\n', '--task-id', 'A'],
                ['replace-block', '--file', 'f', '--block', 'x\ny\n', '--task-id', 'A', '--start', '2', '--end', '3'],
            ):
                self.check(call(*argv, '--root', self.root), planted)

    def test_planted_links(self) -> None:
        secret = os.path.join(self.outside, 'secret')
        self.assertEqual(self.run_on('apply', append('f', 'x\n')).code, 0)
        for name in ('patch_log.jsonl', 'patches', '.gitignore', 'tasks.json', 'tasks.json.new', 'patch-manager/events.jsonl', 'patch-manager/staging'):
            full = os.path.join(self.root, '.mission_control', name)
            if os.path.isdir(full):
                shutil.rmtree(full)
            elif os.path.lexists(full):
                os.unlink(full)
            os.symlink(self.outside if name in ('patches', 'patch-manager/staging') else secret, full)
            for argv in (['append', '--file', 'f', '--block', 'x\n', '--task-id', 'A'], ['list-tasks'], ['notify', '--orchestrator-url', 'http://127.0.0.1:9']):
                self.check(call(*argv, '--root', self.root), name)
            self.assertEqual(os.listdir(self.outside), ['secret'])


if __name__ == '__main__':
    unittest.main()
