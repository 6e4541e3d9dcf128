"""Applying again, taking back, restoring; and two at once."""
from __future__ import annotations

import os
import subprocess
import sys
import unittest
import unittest.mock

from support import FOLDER, Answer, TreeCase, append, call, change, patch_set, replace, text

from patchmgr import landing  # after support, which sets the path

SET = patch_set(
    [change('f', 'modify', (b'1\n2\n', b'1\nTWO\n')), change('g', 'create', (None, b'g\n'))], [replace('f', 2, 2, 'TWO\n'), append('g', 'g\n')]
)
OLD = text(f='1\n2\n')
NEW = text(f='1\nTWO\n', g='g\n')


class History(TreeCase):
    def setUp(self) -> None:
        super().setUp()
        self.fill(OLD)

    def revert(self, patch_id: str, *more: str) -> Answer:
        return call('revert', '--root', self.root, patch_id, *more)

    def write(self, path: str, data: str) -> None:
        with open(os.path.join(self.root, path), 'w', encoding='utf-8') as file:
            file.write(data)

    def test_result_shape(self) -> None:
        result = self.run_on('apply', SET).json
        self.assertEqual([result[key] for key in ('ok', 'success', 'total', 'succeeded', 'failed')], [True, True, 2, 2, 0])
        self.assertEqual((result['patch_id'], result['results']), (SET['patch_set_id'], result['operations']))
        counts = [(item['op'], item['lines_before'], item['lines_after']) for item in result['operations']]
        self.assertEqual(counts, [('replace-block', 2, 2), ('append', 0, 1)])
        first = SET['files'][0]
        self.assertEqual(
            result['files'][0], {'path': 'f', 'change': 'modify', 'mode': '100644', 'blob': first['result_blob'], 'status': 'applied'}
        )
        with open(os.path.join(self.root, result['diff_path']), encoding='utf-8') as file:
            self.assertIn('-2\n+TWO\n', file.read())

    def test_partly_there_already(self) -> None:
        self.write('g', 'g\n')
        first = self.run_on('apply', SET)
        self.assertEqual((first.code, first.statuses, self.tree()), (0, ['applied', 'already-applied'], NEW))
        self.assertEqual(self.revert(first.json['patch_id']).code, 0)
        self.assertEqual(self.tree(), text(f='1\n2\n', g='g\n'), 'what was there before stays')

    def test_land_revert_land_revert(self) -> None:
        ids = []
        for _ in range(2):
            ids.append(self.run_on('apply', SET).json['patch_id'])
            self.assertEqual(self.tree(), NEW)
            self.assertEqual(self.revert(SET['patch_set_id']).code, 0)
            self.assertEqual(self.tree(), OLD)
        self.assertEqual(ids, [SET['patch_set_id'], SET['patch_set_id'] + '~2'])
        listed = call('list', '--root', self.root).json['patches']
        self.assertEqual(sum(item['reverted'] for item in listed), 2)
        self.assertEqual(len(listed), 4)

    def test_many_files(self) -> None:
        """Enough of them to be flushed together."""
        many = [change(f'd/{number}', 'create', (None, b'')) for number in range(landing.BULK)]
        first = self.run_on('apply', patch_set(many, []))
        self.assertEqual((first.code, len(self.tree())), (0, landing.BULK + 1))
        self.assertEqual(self.revert(first.json['patch_id']).code, 0)
        self.assertEqual(self.tree(), OLD)

    def test_revert_of_a_revert_restores(self) -> None:
        patch_id = self.run_on('apply', SET).json['patch_id']
        undo = self.revert(patch_id).json['patch_id']
        self.assertEqual(self.revert(undo).code, 0)
        self.assertEqual(self.tree(), NEW)
        self.assertEqual(self.revert(patch_id).code, 0)
        self.assertEqual(self.tree(), OLD)
        self.assertEqual(set(self.revert(patch_id).statuses), {'already-applied'})

    def test_revert_under_later_work_is_refused(self) -> None:
        patch_id = self.run_on('apply', SET).json['patch_id']
        for path, data in (('f', '1\nTWO\nlater\n'), ('g', 'other\n')):
            self.write(path, data)
            before = self.tree()
            answer = self.revert(patch_id)
            self.assertEqual((answer.code, answer.error, self.tree()), (1, 'PATCH_CONFLICT', before))
            self.write(path, NEW[path][0].decode())
        os.chmod(os.path.join(self.root, 'g'), 0o755)
        self.assertEqual(self.revert(patch_id).error, 'PATCH_CONFLICT')

    def test_reverted_and_changed_since(self) -> None:
        patch_id = self.run_on('apply', SET).json['patch_id']
        self.revert(patch_id)
        self.write('f', '1\nTWO\n')
        self.assertEqual(self.revert(patch_id).error, 'PATCH_STALE')

    def test_revert_dry_run(self) -> None:
        patch_id = self.run_on('apply', SET).json['patch_id']
        answer = self.revert(patch_id, '--dry-run')
        self.assertEqual((answer.code, answer.json['dry_run'], self.tree()), (0, True, NEW))

    def test_unknown_and_damaged(self) -> None:
        for name in ('nothing', '../../x', '', 'x~2', '~', 'a/b'):
            self.assertEqual(self.revert(name).error, 'PATCH_NOT_FOUND', name)
        patch_id = self.run_on('apply', SET).json['patch_id']
        with open(os.path.join(self.root, '.mission_control/patch-manager/applied', patch_id, 'old/0'), 'a', encoding='utf-8') as file:
            file.write('x')
        self.assertEqual((self.revert(patch_id).error, self.tree()), ('PATCH_CORRUPT', NEW))

    def test_ids_that_are_no_file_names(self) -> None:
        for name in ('../../evil', 'a/b', '.', 'x' * 200, 'ü~2'):
            self.fill(OLD)
            self.assertEqual(self.run_on('apply', {**SET, 'patch_set_id': name}).code, 0, name)
            self.assertEqual(self.revert(name).code, 0, name)
            self.assertEqual(self.tree(), OLD)

    def test_remake_wants_the_exact_base(self) -> None:
        self.assertEqual(self.run_on('remake', SET).code, 0)
        self.assertEqual(self.tree(), NEW)
        self.assertFalse(os.path.lexists(os.path.join(self.root, '.mission_control')))
        self.assertEqual(self.run_on('remake', SET).error, 'PATCH_STALE')
        gone = patch_set([change('none', 'delete', (b'', None))], [])
        self.assertEqual(self.run_on('remake', gone).error, 'PATCH_STALE')


class Together(TreeCase):
    def test_a_file_that_moves_while_landing_is_left_alone(self) -> None:
        self.fill(OLD)
        original = landing._Landing._journal

        def meddle(*args: object) -> None:
            original(*args)
            with open(os.path.join(self.root, 'f'), 'w', encoding='utf-8') as file:
                file.write('somebody else\n')

        with unittest.mock.patch.object(landing._Landing, '_journal', meddle):
            answer = self.run_on('apply', SET)
        self.assertEqual((answer.code, answer.error, self.tree()), (1, 'PATCH_STALE', text(f='somebody else\n')))
        self.assertEqual(call('list', '--root', self.root).json['total'], 0)

    def test_a_full_disk_leaves_the_old_tree(self) -> None:
        for name in ('rename', 'mkdir', 'write', 'unlink'):
            committed = 0
            for at in range(1, 40):
                self.fill(text(f='1\n2\n', h='h\n'))
                value = patch_set(
                    [*SET['files'], change('h', 'delete', (b'h\n', None)), change('new/d', 'create', (None, b''))], SET['patches'][:]
                )
                with self.subTest(name=name, at=at), self.failing(name, at) as failed:
                    answer = self.run_on('apply', value)
                if not failed:
                    break
                if answer.code == 0:
                    # It was committed before: what is only told to older tools may be missing.
                    self.assertEqual(self.tree(), text(f='1\nTWO\n', g='g\n', **{'new/d': ''}))
                    committed += 1
                    continue
                self.assertEqual((answer.code, answer.error), (1, 'INTERNAL'))
                self.assertEqual(self.tree(), text(f='1\n2\n', h='h\n'))
            self.assertGreater(at, 1 + committed, name)

    def failing(self, name: str, at: int) -> Failing:
        return Failing(name, at)

    def test_many_at_once(self) -> None:
        self.fill(text(f=''))
        command = [sys.executable, '-I', '-S', str(FOLDER / 'patch_manager.py'), 'append', '--root', self.root, '--file', 'f', '--block']
        running = [subprocess.Popen([*command, f'{number}\n'], stdout=subprocess.DEVNULL) for number in range(8)]
        self.assertEqual([process.wait() for process in running], [0] * 8)
        self.assertEqual(sorted(self.tree()['f'][0].split()), [str(number).encode() for number in range(8)])
        self.assertEqual(call('list', '--root', self.root).json['total'], 8)


class Failing:
    """The `at`-th call of one os function says that the disk is full; the later ones work again."""

    def __init__(self, name: str, at: int) -> None:
        self.name = name
        self.left = at
        self.original = getattr(os, name)

    def __enter__(self) -> list[bool]:
        failed: list[bool] = []

        def call_(*args: object, **named: object) -> object:
            self.left -= 1
            if self.left == 0:
                failed.append(True)
                raise OSError(28, 'No space left on device')
            return self.original(*args, **named)

        setattr(os, self.name, call_)
        return failed

    def __exit__(self, *_: object) -> None:
        setattr(os, self.name, self.original)


if __name__ == '__main__':
    unittest.main()
