"""SIGKILL at every single change to the disk: afterwards the tree is whole, old or new, and the record agrees."""
from __future__ import annotations

import json
import os
import shutil
import unittest
import unittest.mock

from crashing import dies_at
from support import Files, TreeCase, append, call, change, patch_set, read_tree, replace, write_tree

OLD: Files = {
    'keep': (b'keep\n', '100644'),
    'edit/me': (b'1\n2\n3\n', '100755'),
    'gone/only': (b'gone\n', '100644'),
    'old-name': (b'name\n', '100644'),
    'becomes-directory': (b'file\n', '100644'),
    'becomes-file/inner': (b'inner\n', '100644'),
    'tool': (b'#!\n', '100644'),
}
NEW: Files = {
    'keep': (b'keep\n', '100644'),
    'edit/me': (b'1\nTWO\n3\n', '100755'),
    'new/deep/er': (b'new\n', '100644'),
    'moved/name': (b'name\nmore\n', '100644'),
    'becomes-directory/inner': (b'x\n', '100644'),
    'becomes-file': (b'y\n', '100644'),
    'tool': (b'#!\n', '100755'),
}
SET = patch_set(
    [
        change('edit/me', 'modify', (b'1\n2\n3\n', b'1\nTWO\n3\n'), mode='100755'),
        change('gone/only', 'delete', (b'gone\n', None)),
        change('new/deep/er', 'create', (None, b'new\n')),
        change('moved/name', 'rename', (b'name\n', b'name\nmore\n'), **{'from': 'old-name'}),
        change('becomes-directory', 'delete', (b'file\n', None)),
        change('becomes-directory/inner', 'create', (None, b'x\n')),
        change('becomes-file/inner', 'delete', (b'inner\n', None)),
        change('becomes-file', 'create', (None, b'y\n')),
        change('tool', 'mode', (b'#!\n', b'#!\n'), mode='100755'),
    ],
    [
        replace('edit/me', 2, 2, 'TWO\n'),
        append('new/deep/er', 'new\n'),
        append('moved/name', 'more\n'),
        append('becomes-directory/inner', 'x\n'),
        append('becomes-file', 'y\n'),
    ],
)


class Crash(TreeCase):
    more: tuple[str, ...] = ()
    # Hundreds of landings: in memory where the system has such a place.
    place = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None

    def setUp(self) -> None:
        super().setUp()
        for name in ('os.fsync', 'patchmgr.landing.flush_file_system'):
            patcher = unittest.mock.patch(name, lambda _fd: True)
            patcher.start()
            self.addCleanup(patcher.stop)

    def start(self) -> None:
        for name in os.listdir(self.folder):
            if name != 'input.json':
                shutil.rmtree(os.path.join(self.folder, name))
        os.mkdir(self.root)
        write_tree(self.root, OLD)

    def state(self, *below: str) -> str:
        return os.path.join(self.root, '.mission_control', 'patch-manager', *below)

    def check_whole(self, expected_set: bool) -> bool:
        """Runs the next command and looks at what it leaves. Answers whether the set is applied."""
        listed = call('list', '--root', self.root, *self.more)
        self.assertEqual(listed.code, 0, listed.json)
        standing = [item for item in listed.json['patches'] if not item['reverted'] and 'reverts' not in item]
        tree = read_tree(self.root)
        self.assertEqual(tree, NEW if standing else OLD)
        self.assertEqual(os.listdir(self.state('txn')) if os.path.isdir(self.state('txn')) else [], [])
        self.assertEqual(os.listdir(self.state('staging')) if os.path.isdir(self.state('staging')) else [], [])
        self.assertFalse(os.path.lexists(os.path.join(self.root, '.patchmgr-staging')))
        if expected_set:
            self.assertTrue(standing)
        return bool(standing)

    def test_apply(self) -> None:
        argv = ['apply', '--root', self.root, self.file(SET), *self.more]
        seen: list[bool] = []
        at = 1
        while True:
            self.start()
            died = dies_at(at, argv)
            with self.subTest(at=at):
                seen.append(self.check_whole(expected_set=not died))
                again = call(*argv)
                self.assertEqual((again.code, read_tree(self.root)), (0, NEW), again.json)
            if not died:
                break
            at += 1
        self.assertGreater(at, 40)
        self.assertIn(False, seen)
        self.assertEqual(seen, sorted(seen), 'the commit is one moment')

    def test_revert(self) -> None:
        apply = ['apply', '--root', self.root, self.file(SET), *self.more]
        argv = ['revert', '--root', self.root, SET['patch_set_id'], *self.more]
        at = 1
        died = True
        while died:
            self.start()
            self.assertEqual(call(*apply).code, 0)
            died = dies_at(at, argv)
            with self.subTest(at=at):
                self.assertEqual(self.check_whole(expected_set=False), died and read_tree(self.root) == NEW)
                again = call(*argv)
                self.assertEqual((again.code, read_tree(self.root)), (0, OLD), again.json)
            at += 1

    def test_dying_while_rolling_back(self) -> None:
        argv = ['apply', '--root', self.root, self.file(SET), *self.more]
        for first in self.half_way(argv):
            at = 1
            died = True
            while died:
                self.start()
                self.assertTrue(dies_at(first, argv))
                died = dies_at(at, ['recover', '--root', self.root, *self.more])
                with self.subTest(first=first, at=at):
                    self.check_whole(expected_set=False)
                at += 1

    def half_way(self, argv: list[str]) -> list[int]:
        """Two moments of death that leave the tree neither old nor new: in the middle of the steps and near their end."""
        found: list[int] = []
        at = 40
        self.start()
        while dies_at(at, argv):
            if read_tree(self.root) not in (OLD, NEW):
                found.append(at)
            at += 1
            self.start()
        self.assertGreater(len(found), 10)
        return [found[len(found) // 2], found[-1]]


class CrashWithStateOutside(Crash):
    def setUp(self) -> None:
        super().setUp()
        self.more = ('--state-dir', os.path.join(self.folder, 'state'))

    def state(self, *below: str) -> str:
        return os.path.join(self.folder, 'state', *below)


class CrashInBulk(Crash):
    """Many files are flushed together."""

    def setUp(self) -> None:
        super().setUp()
        patcher = unittest.mock.patch('patchmgr.landing.BULK', 1)
        patcher.start()
        self.addCleanup(patcher.stop)

    test_revert = None
    test_dying_while_rolling_back = None


class CrashWithEvents(Crash):
    """Nobody answers, so every event goes through the spool, which is read and written again by every command. Whenever the process
    died, it says what became of the tree, once."""

    def setUp(self) -> None:
        super().setUp()
        patcher = unittest.mock.patch.dict(os.environ, {'ORCHESTRATOR_URL': 'http://127.0.0.1:9'})
        patcher.start()
        self.addCleanup(patcher.stop)

    def check_whole(self, expected_set: bool) -> bool:
        is_applied = super().check_whole(expected_set)
        events: list[dict[str, object]] = []
        if os.path.exists(self.state('events.jsonl')):
            with open(self.state('events.jsonl'), encoding='utf-8') as file:
                events = [json.loads(line) for line in file]
        self.assertEqual(len({event['event_id'] for event in events}), len(events))
        landings = [event['event'] for event in events if event['event'] in ('patch_applied', 'patch_reverted')]
        self.assertEqual(landings[-1:] == ['patch_applied'], is_applied, landings)
        self.assertLessEqual(len(landings), 2)
        self.assertFalse(os.path.lexists(self.state('untold.json')))
        return is_applied

    test_dying_while_rolling_back = None


TASKS = '.mission_control/tasks.json'
SETTLING = '.mission_control/patch-manager/settling.json'


class CrashOfTasks(TreeCase):
    """The list of tasks follows the landing, whenever the process dies."""

    place = Crash.place

    def setUp(self) -> None:
        super().setUp()
        patcher = unittest.mock.patch('os.fsync', lambda _fd: None)
        patcher.start()
        self.addCleanup(patcher.stop)
        edit = self.file({**replace('f', 1, 1, 'a\nb\nc\n'), 'task_id': 'T'})
        self.apply = ['apply', '--root', self.root, edit]

    def start(self) -> None:
        tasks = [{'uuid': 'T', 'file': 'f', 'status': 'pending'}, {'uuid': 'L', 'file': 'f', 'allowed_spans': [{'start': 2, 'end': 3}]}]
        self.fill({'f': (b'1\n2\n3\n', '100644'), TASKS: (json.dumps({'tasks': tasks}).encode(), '100644')})

    def tasks(self) -> tuple[str, int, int]:
        with open(os.path.join(self.root, TASKS), encoding='utf-8') as file:
            task, later = json.load(file)['tasks']
        span = later['allowed_spans'][0]
        return task['status'], span['start'], span['end']

    def check(self) -> bool:
        """Runs the next command. Answers whether the edit is there."""
        self.assertEqual(call('list', '--root', self.root).code, 0)
        is_there = read_tree(self.root)['f'][0] == b'a\nb\nc\n2\n3\n'
        self.assertEqual(self.tasks(), ('patched', 4, 5) if is_there else ('pending', 2, 3))
        self.assertFalse(os.path.lexists(os.path.join(self.root, SETTLING)))
        return is_there

    def test_apply_and_recover(self) -> None:
        at, died, seen = 1, True, []
        while died:
            self.start()
            died = dies_at(at, self.apply)
            is_waiting = read_tree(self.root)['f'][0] != b'1\n2\n3\n' and self.tasks()[0] == 'pending'
            if is_waiting and at % 2:
                # Dying in the recovery, at every one of its steps in turn.
                dies_at(1 + len(seen) % 8, ['recover', '--root', self.root])
            with self.subTest(at=at):
                seen.append(self.check())
            at += 1
        self.assertEqual(seen, sorted(seen), 'the commit is one moment')
        self.assertGreater(seen.count(True), 5)

    def test_revert(self) -> None:
        at, died, seen = 1, True, []
        while died:
            self.start()
            patch_id = call(*self.apply).json['patch_id']
            died = dies_at(at, ['revert', '--root', self.root, patch_id])
            with self.subTest(at=at):
                seen.append(self.check())
            at += 1
        self.assertEqual(seen, sorted(seen, reverse=True))

    def settling(self) -> None:
        """Leaves a landing whose tasks are still to be settled."""
        for at in range(1, 200):
            self.start()
            self.assertTrue(dies_at(at, self.apply))
            if os.path.isdir(os.path.join(self.root, '.mission_control/patch-manager/applied')) and os.listdir(os.path.join(self.root, '.mission_control/patch-manager/applied')):
                self.assertEqual(self.tasks(), ('pending', 2, 3))
                return
        self.fail('never died between the two')

    def test_a_list_that_was_changed_meanwhile_gets_the_status_only(self) -> None:
        self.settling()
        with open(os.path.join(self.root, TASKS), 'a', encoding='utf-8') as file:
            file.write('\n')
        self.assertEqual(call('list', '--root', self.root).code, 0)
        self.assertEqual(self.tasks(), ('patched', 2, 3))

    def test_what_is_kept_is_not_believed(self) -> None:
        self.settling()
        with open(os.path.join(self.root, SETTLING), encoding='utf-8') as file:
            kept = json.load(file)
        for damage in (
            None, 5, [], '\0', {}, {'key': 'other'}, {'key': '../../x'}, {'key': 5}, {'statuses': 5}, {'statuses': {'T': 5}}, {'moves': 5},
            {'moves': {'f': 5}}, {'moves': {'f': [[1]]}}, {'moves': {'f': [[1, 2, 'x']]}},
        ):
            made = {**kept, **damage} if isinstance(damage, dict) and damage else damage
            with open(os.path.join(self.root, SETTLING), 'w', encoding='utf-8') as file:
                json.dump(made, file)
            self.assertEqual(call('list', '--root', self.root).code, 0, damage)
            self.assertEqual(self.tasks(), ('pending', 2, 3), damage)
            self.assertFalse(os.path.lexists(os.path.join(self.root, SETTLING)), damage)
        os.mkfifo(os.path.join(self.root, SETTLING))
        self.assertEqual(call('list', '--root', self.root).code, 0)


class Rescue(TreeCase):
    def test_what_others_wrote_meanwhile_is_set_aside(self) -> None:
        write_tree(self.root, OLD)
        argv = ['apply', '--root', self.root, self.file(SET)]
        at = 60
        while True:
            self.fill(OLD)
            self.assertTrue(dies_at(at, argv), 'never died with a file in place')
            if read_tree(self.root).get('edit/me') == NEW['edit/me']:
                break
            at += 1
        with open(os.path.join(self.root, 'edit/me'), 'w', encoding='utf-8') as file:
            file.write('a person was here\n')
        recovered = call('recover', '--root', self.root).json['recovered'][0]
        self.assertEqual((recovered['action'], len(recovered['rescued'])), ('rolled-back', 1))
        tree = read_tree(self.root)
        self.assertEqual(tree.pop(recovered['rescued'][0])[0], b'a person was here\n')
        self.assertEqual(tree, OLD)


if __name__ == '__main__':
    unittest.main()
