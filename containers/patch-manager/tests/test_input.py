"""The forms of a request, and everything that is not one."""
from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import unittest

from support import FOLDER, TreeCase, append, call, change, patch_set, replace, text


class Forms(TreeCase):
    def setUp(self) -> None:
        super().setUp()
        self.fill(text(f='1\n2\n3\n', g='g\n'))

    def test_single_array_and_batch(self) -> None:
        one = {'task_id': 't', **replace('f', 2, 2, 'TWO\n'), 'metadata': {'provider': 'claude', 'confidence': 0.5}}
        batch = {
            'orderId': 'ORD-1', 'requester': 'me', 'reason': 'why', 'branch': 'b',
            'patches': [{'op': 'insert_after', 'file': 'f', 'line': 1, 'block': '1b\n', 'taskId': 't', 'openSpace': True}, append('g', 'h\n')],
        }
        for value, f in ((one, '1\nTWO\n3\n'), ([one], '1\nTWO\n3\n'), (batch, '1\n1b\n2\n3\n')):
            self.fill(text(f='1\n2\n3\n', g='g\n'))
            answer = self.run_on('apply', value)
            self.assertEqual(answer.code, 0, answer.json)
            self.assertEqual(self.tree()['f'][0].decode(), f)
        listed = call('list', '--root', self.root).json['patches'][-1]
        self.assertEqual([listed[key] for key in ('order_id', 'requester', 'reason', 'branch', 'task_id')], ['ORD-1', 'me', 'why', 'b', 't'])

    def test_block_file_and_null_fields(self) -> None:
        self.fill(text(f='1\n', part='x\ny\n'))
        answer = self.run_on('apply', {'patches': [{'op': 'prepend', 'file': 'f', 'blockFile': 'part', 'line': None, 'block': None}]})
        self.assertEqual((answer.code, self.tree()['f'][0]), (0, b'x\ny\n1\n'))

    def test_append_and_prepend_make_a_file_others_do_not(self) -> None:
        self.assertEqual(self.run_on('apply', append('new/file', 'x\n')).json['files'][0]['change'], 'create')
        answer = self.run_on('apply', [append('new/file', 'y\n'), replace('missing', 1, 1, 'x\n')])
        self.assertEqual((answer.code, answer.error), (1, 'PATCH_STALE'))
        self.assertEqual(self.tree()['new/file'][0], b'x\n')

    def test_normalised_only_when_hand_written(self) -> None:
        cases = [
            ('1\n2\n', [replace('f', 1, 1, 'x')], 'x\n2\n', True),
            ('1\r\n2\r\n', [replace('f', 1, 1, 'x')], 'x\r\n2\r\n', True),
            ('1\n2\n', [replace('f', 2, 2, 'x')], '1\nx', False),
            ('1\n2', [append('f', 'x\n')], '1\n2\nx\n', True),
            ('1\r\n2', [append('f', 'x\n')], '1\r\n2\r\nx\n', True),
            ('1\n', [append('f', 'x'), append('f', 'y')], '1\nx\ny', True),
            ('1\n2', [replace('f', 2, 2, ''), append('f', 'x')], '1\nx', False),
            ('', [append('f', 'x')], 'x', False),
            ('1\n', [replace('f', 1, 1, 'a\nb\n')], 'a\nb\n', False),
            ('1\n2\n', [replace('f', 1, 1, '')], '2\n', False),
        ]
        for base, patches, result, is_normalised in cases:
            self.fill(text(f=base))
            answer = self.run_on('apply', patches)
            self.assertEqual((answer.code, self.tree()), (0, text(f=result)), patches)
            self.assertEqual(answer.json['files'][0].get('normalised', False), is_normalised, patches)
            self.assertEqual(any(item.get('normalised') for item in answer.json['operations']), is_normalised)

    def test_not_text(self) -> None:
        self.fill({'f': (b'\xff\n', '100644'), 'n': (b'\0\n', '100644')})
        for patch in (append('f', 'x\n'), append('n', 'x\n'), append('new', '\0')):
            self.assertEqual(self.run_on('apply', patch).error, 'PATCH_BINARY_UNSUPPORTED')


class Bad(TreeCase):
    def setUp(self) -> None:
        super().setUp()
        self.fill(text(f='1\n2\n3\n'))

    def test_not_json(self) -> None:
        for data in (b'', b'{', b'\xff', b'[' * 200_000, b'{"a":1}x'):
            with open(os.path.join(self.folder, 'raw'), 'wb') as file:
                file.write(data)
            answer = call('apply', '--root', self.root, os.path.join(self.folder, 'raw'))
            self.assertEqual((answer.code, answer.error), (1, 'INVALID_JSON'), data[:10])

    def test_not_a_request(self) -> None:
        good = append('f', 'x\n')
        bad: list[object] = [
            None, 1, 'x', {}, [1], [[]], {'patches': 1}, {'patches': [], 'more': 1}, {'patches': [good], 'orderId': 5},
            {**good, 'extra': 1}, {**good, 'op': 'append'}, {**good, 'line': 1}, {**good, 'block': 5}, {**good, 'file': 5}, {**good, 'file': ''},
            {'file': 'f', 'operation': 'append'}, {**good, 'blockFile': 'f'}, {**good, 'operation': 'anchor'}, {**good, 'operation': None},
            {**replace('f', 1, 1, ''), 'start': True}, {**replace('f', 1, 1, ''), 'start': '1'}, {**replace('f', 1, 1, ''), 'end': 2.5},
            replace('f', 2, 1, ''), replace('f', 4, 4, ''), replace('f', 0, 1, ''), [replace('f', 1, 2, ''), replace('f', 2, 3, '')],
            {**good, 'block': '\ud800'}, [append('new', 'x'), append('new/x', 'x')],
        ]
        for value in bad:
            answer = self.run_on('apply', value)
            self.assertEqual(answer.code, 1, value)
            self.assertIn(answer.error, ('PATCH_INVALID', 'PATCH_POLICY'), value)
        self.assertEqual(self.tree(), text(f='1\n2\n3\n'))

    def test_not_a_patch_set(self) -> None:
        good = patch_set([change('f', 'modify', (b'1\n2\n3\n', b'1\n2\n3\nx\n'))], [append('f', 'x\n')])
        self.assertEqual(self.run_on('validate', good).code, 0)
        spoilt = [
            ('base_commit', 'x'), ('base_commit', None), ('base_commit', 'A' * 40), ('files', {}), ('patches', None), ('summary', 1),
            ('metadata', {}), ('metadata', None), ('extra', 1), ('task_id', 1), ('patch_set_id', 'x' * 201), ('execution_id', None),
        ]
        for key, value in spoilt:
            self.assertEqual(self.run_on('validate', {**good, key: value}).error, 'PATCH_INVALID', key)
        for part, key, value in (
            ('files', 'mode', '100600'), ('files', 'mode', None), ('files', 'change', 'copy'), ('files', 'path', None), ('files', 'extra', 1),
            ('files', 'base_blob', 'zz'), ('files', 'result_blob', 5), ('patches', 'metadata', None), ('patches', 'task_id', None),
            ('patches', 'line', 1), ('patches', 'operation', 'insert_after'),
        ):
            bad = copy.deepcopy(good)
            bad[part][0][key] = value
            self.assertEqual(self.run_on('validate', bad).error, 'PATCH_INVALID', (part, key, value))
        for key in good:
            if key != 'order_id':
                missing = {name: value for name, value in good.items() if name != key}
                self.assertEqual(self.run_on('validate', missing).code, 1, key)

    def test_too_many(self) -> None:
        many = patch_set([change(str(number), 'create', (None, b'')) for number in range(10_001)], [])
        self.assertEqual(self.run_on('validate', many).error, 'PATCH_TOO_LARGE')


class CommandLine(TreeCase):
    def setUp(self) -> None:
        super().setUp()
        self.fill(text(f='1\n2\n3\n'))

    def test_direct_edits(self) -> None:
        place = ('--root', self.root, '--file', 'f')
        call('replace-block', *place, '--start', '2', '--end', '2', '--block', 'TWO\n')
        call('insert-before', *place, '--line', '1', '--block=zero\n')
        call('insert-after', *place, '--line=4', '--block', '--dashes\n')
        call('append', *place, '--block', 'end\n', '--open-space', '--task-id', 't', '--requester', 'r', '--reason', 'w')
        answer = call('prepend', *place, '--block', 'top\n')
        self.assertEqual((answer.json['lines_before'], answer.json['lines_after']), (6, 7))
        self.assertEqual(self.tree()['f'][0], b'top\nzero\n1\nTWO\n3\n--dashes\nend\n')

    def test_max_changed(self) -> None:
        for most, code in (('32', 1), ('34', 0), ('x', 2), ('-1', 2)):
            answer = call('replace-block', '--root', self.root, '--file', 'f', '--start', '1', '--end', '1', '--block', 'x', '--max-changed', most, '--dry-run')
            self.assertEqual((answer.code, answer.rule if code == 1 else None), (code, 'max-changed' if code == 1 else None), most)

    def test_dry_run_and_validate_write_nothing(self) -> None:
        answer = call('append', '--root', self.root, '--file', 'f', '--block', 'x\n', '--dry-run')
        self.assertEqual((answer.code, answer.json['dry_run'], answer.json['diff_path']), (0, True, None))
        self.assertIn('+x\n', answer.json['operations'][0]['diff'])
        self.assertEqual(self.run_on('validate', append('f', 'x\n')).code, 0)
        self.assertEqual(self.run_on('apply', append('f', 'x\n'), '--dry-run').code, 0)
        self.assertEqual((self.tree(), os.listdir(self.root)), (text(f='1\n2\n3\n'), ['f']))

    def test_older_forms(self) -> None:
        self.assertEqual(call('--apply', self.file(append('f', '4\n')), '--project-root', self.root).code, 0)
        self.assertEqual(call('apply-batch', json.dumps({'patches': [append('f', '5\n')]}), '--root', self.root).code, 0)
        self.assertEqual(self.tree()['f'][0], b'1\n2\n3\n4\n5\n')

    def test_usage(self) -> None:
        for argv in (
            [], ['nonsense'], ['list-tasks', 'x'], ['task'], ['task', 'get'], ['merge-file', 'a', 'b'], ['apply'], ['apply', 'a', 'b'], ['apply', '/nowhere/at/all'], ['append'], ['append', '--file'],
            ['append', '--file', 'f', '--file', 'g'], ['append', '--file', 'f', '--block', 'x', '--block-file', 'y'], ['list', '--file', 'f'],
            ['replace-block', '--file', 'f', '--block', 'x'], ['replace-block', '--file', 'f', '--start', '0', '--end', '1', '--block', 'x'],
            ['insert-after', '--file', 'f', '--line', '-1', '--block', 'x'], ['list', '--nonsense'], ['list', '--json=1'], ['revert'],
        ):
            answer = call(*argv, *([] if '--root' in argv else ['--root', self.root]))
            self.assertEqual((answer.code, answer.error), (2, 'INVALID_INPUT'), argv)
            self.assertIn('INVALID_INPUT', answer.err)

    def test_root_that_is_none(self) -> None:
        self.assertEqual(call('list', '--root', os.path.join(self.folder, 'none')).error, 'INVALID_INPUT')

    def test_as_a_program(self) -> None:
        """Isolated, from a folder inside the work tree, with stdin, through both names on the path."""
        subprocess.run(['git', 'init', '-q', self.root], check=True)
        inner = os.path.join(self.root, 'a', 'b')
        os.makedirs(inner)
        wrappers = FOLDER.parent / 'bin'
        for number, command in enumerate((
            [sys.executable, '-I', '-S', str(FOLDER / 'patch_manager.py')], [str(wrappers / 'patchctl')], [str(wrappers / 'patch_manager.py')],
        )):
            run = subprocess.run([*command, 'append', '--file', 'f'], cwd=inner, input=f'{number}\n'.encode(), capture_output=True, check=True)
            self.assertTrue(json.loads(run.stdout)['ok'])
            batch = subprocess.run([*command, 'apply', '-'], cwd=inner, input=b'[]', capture_output=True, check=True)
            self.assertEqual(json.loads(batch.stdout)['total'], 0)
        self.assertEqual(self.tree()['f'][0], b'1\n2\n3\n0\n1\n2\n')
        status = subprocess.run(['git', 'status', '--porcelain', '-uall'], cwd=self.root, capture_output=True, check=True)
        self.assertEqual(status.stdout, b'?? f\n')


if __name__ == '__main__':
    unittest.main()
