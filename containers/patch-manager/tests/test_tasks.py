"""Tasks: what they allow, what becomes of them, and `taskctl`."""
from __future__ import annotations

import json
import os
import subprocess
import unittest

from support import FOLDER, Answer, TreeCase, append, call, change, patch_set, replace, text, write_tree

LINES = ''.join(f'{number}\n' for number in range(1, 11))
STYLE_A = {
    'uuid': 'A', 'file': 'f', 'placeholder': 'BODY', 'instruction': 'do it', 'status': 'pending', 'allowed_spans': [{'file': 'f', 'start': 3, 'end': 5}],
    'more': ['kept'],
}
LATER = {'uuid': 'L', 'file': 'f', 'status': 'pending', 'allowed_spans': [{'file': 'f', 'start': 8, 'end': 9}]}
STYLE_B = {'id': 'B', 'files': ['f', 'src/'], 'allowedOperations': ['append', 'insert_after']}


class Tasks(TreeCase):
    def setUp(self) -> None:
        super().setUp()
        self.start(STYLE_A, LATER, STYLE_B, {'uuid': 'F', 'file': 'f'})

    def start(self, *tasks: dict) -> None:
        self.fill(text(f=LINES, g='g\n', **{'.mission_control/tasks.json': json.dumps({'version': 1, 'tasks': tasks})}))

    def tasks(self) -> dict[str, dict]:
        with open(os.path.join(self.root, '.mission_control/tasks.json'), encoding='utf-8') as file:
            value = json.load(file)
        self.assertEqual(value['version'], 1)
        return {task.get('uuid') or task['id']: task for task in value['tasks']}

    def edit(self, task: str | None, *patches: dict) -> Answer:
        return self.run_on('apply', [{**patch, **({'task_id': task} if task else {})} for patch in patches])

    def test_spans(self) -> None:
        at = {'file': 'f', 'block': 'x\n'}
        inside = [
            replace('f', 3, 5, 'x\n'), replace('f', 4, 4, ''), {**at, 'operation': 'insert-before', 'line': 3}, {**at, 'operation': 'insert-after', 'line': 5},
        ]
        outside = [
            replace('f', 2, 3, 'x\n'), replace('f', 5, 6, ''), {**at, 'operation': 'insert-before', 'line': 2}, {**at, 'operation': 'insert-after', 'line': 6},
            append('f', 'x\n'), {'operation': 'prepend', **at},
        ]
        for patch in inside:
            self.setUp()
            self.assertEqual(self.edit('A', patch).code, 0, patch)
            self.assertEqual(self.tasks()['A']['status'], 'patched')
        self.setUp()
        before = self.tree()
        for patch in outside:
            for patches in ([patch], [replace('f', 4, 4, 'x\n'), patch]):
                answer = self.edit('A', *patches)
                self.assertEqual((answer.code, answer.error, answer.rule, self.tree()), (1, 'PATCH_POLICY', 'task-span', before), patch)
        self.assertEqual(self.edit('A', append('g', 'x\n')).rule, 'task-file')
        self.assertEqual(self.edit('A', append('new', 'x\n')).rule, 'task-file')
        self.assertEqual(self.tasks()['A'], STYLE_A)

    def test_spans_move_with_their_lines(self) -> None:
        self.assertEqual(self.edit('A', replace('f', 4, 4, 'a\nb\nc\n')).code, 0)
        spans = {name: task['allowed_spans'][0] for name, task in self.tasks().items() if 'allowed_spans' in task}
        self.assertEqual([(spans[name]['start'], spans[name]['end']) for name in ('A', 'L')], [(3, 7), (10, 11)])
        self.assertEqual(self.edit('A', replace('f', 7, 7, 'x\n')).code, 0, 'the edited lines stay its own')
        self.assertEqual(self.edit('L', replace('f', 8, 8, 'x\n')).rule, 'task-span')
        self.assertEqual(self.edit('L', replace('f', 10, 10, 'x\n')).code, 0)

    def test_reversal_brings_status_and_spans_back(self) -> None:
        patch_id = self.edit('A', replace('f', 4, 4, 'a\nb\nc\n')).json['patch_id']
        self.assertEqual(call('revert', '--root', self.root, patch_id).code, 0)
        tasks = self.tasks()
        self.assertEqual((tasks['A'], tasks['L']), (STYLE_A, LATER))
        self.assertEqual(call('revert', '--root', self.root, patch_id + '~revert').code, 0)
        self.assertEqual(self.tasks()['A']['status'], 'patched')

    def test_files_and_operations(self) -> None:
        self.assertEqual(self.edit('B', append('f', 'x\n'), append('src/new', 'x\n')).code, 0)
        self.assertEqual(self.edit('B', replace('f', 1, 1, 'x\n')).rule, 'task-operation')
        self.assertEqual(self.edit('B', append('g', 'x\n')).rule, 'task-file')
        self.assertEqual(self.edit('F', append('g', 'x\n')).rule, 'task-file')
        self.assertEqual(self.edit('F', replace('f', 1, 9, 'x\n')).code, 0)
        self.assertEqual(self.edit('nobody', append('f', 'x\n')).rule, 'task-unknown')
        self.assertEqual(self.edit(None, append('g', 'x\n')).code, 0)

    def test_every_operation_is_held_to_its_own_task(self) -> None:
        both = [{**replace('f', 4, 4, 'x\n'), 'task_id': 'A'}, {**replace('f', 8, 8, 'x\n'), 'taskId': 'L'}]
        swapped = [{**both[0], 'task_id': 'L'}, {**both[1], 'taskId': 'A'}]
        self.assertEqual(self.run_on('apply', swapped).rule, 'task-span')
        self.assertEqual(self.run_on('apply', both).code, 0)
        self.assertEqual([self.tasks()[name]['status'] for name in ('A', 'L')], ['patched', 'patched'])

    def test_patch_set_of_a_task(self) -> None:
        made = patch_set([change('f', 'delete', (LINES.encode(), None))], [])
        self.assertEqual(self.run_on('validate', {**made, 'task_id': 'A'}).rule, 'task-span')
        self.assertEqual(self.run_on('validate', {**made, 'task_id': 'not-in-the-list'}).code, 0)

    def test_flag_and_log(self) -> None:
        place = ('--root', self.root, '--file', 'f', '--task-id', 'A', '--block', 'x\n', '--requester', 'r', '--order-id', 'ORD-1')
        self.assertEqual(call('replace-block', *place, '--start', '1', '--end', '1').rule, 'task-span')
        self.assertEqual(call('replace-block', *place, '--start', '3', '--end', '3', '--dry-run').code, 0)
        self.assertEqual(self.tasks()['A'], STYLE_A)
        answer = call('replace-block', *place, '--start', '3', '--end', '3', '--open-space')
        log = os.path.join(self.root, '.mission_control/patch_log.jsonl')
        with open(log, encoding='utf-8') as file:
            rows = [json.loads(line) for line in file]
        self.assertEqual(len(rows), 1)
        expected = {
            'patch_id': answer.json['patch_id'], 'op': 'replace-block', 'file': 'f', 'task_id': 'A', 'open_space': True, 'dry_run': False,
            'ts_check_ok': None, 'ts_check_out': None, 'meta': {'requester': 'r', 'reason': None, 'branch': None, 'order_id': 'ORD-1'},
        }
        self.assertEqual({key: value for key, value in rows[0].items() if key != 'ts'}, expected)
        self.assertEqual(answer.json['diff_path'], f'.mission_control/patches/{answer.json["patch_id"]}.diff')
        with open(log, 'a', encoding='utf-8') as file:
            file.write('{"half a line')
        self.assertEqual(self.edit(None, append('g', 'x\n')).code, 0)
        with open(log, encoding='utf-8') as file:
            self.assertEqual(json.loads(file.read().split('\n')[-2])['file'], 'g')

    def test_broken_lists_allow_nothing(self) -> None:
        for broken in ('', '[', '{}', '{"tasks": 1}', '{"tasks": [1]}', '\0'):
            write_tree(self.root, text(**{'.mission_control/tasks.json': broken}))
            self.assertEqual(self.edit('A', append('f', 'x\n')).rule, 'tasks', broken)
        for spans in (5, {}, [1], [{'file': 'f', 'start': 'x', 'end': 5}], [{'file': 5, 'start': 1, 'end': 99}], []):
            self.start({**STYLE_A, 'allowed_spans': spans})
            self.assertEqual(self.edit('A', replace('f', 4, 4, 'x\n')).error, 'PATCH_POLICY', spans)
        for key, value in (('files', 5), ('files', [5]), ('allowedOperations', 'append'), ('allowedOperations', [])):
            self.start({**STYLE_B, key: value})
            self.assertEqual(self.edit('B', append('f', 'x\n')).error, 'PATCH_POLICY', (key, value))

    def test_taskctl(self) -> None:
        place = ('--root', self.root)
        listed = call('list-tasks', *place)
        self.assertEqual((listed.code, [task.get('uuid') for task in listed.json['tasks']]), (0, ['A', 'L', None, 'F']))
        self.assertEqual(call('list-tasks', *place, '--file', 'src/').json['total'], 1)
        self.assertEqual(call('task', 'get', 'A', *place).json['task'], STYLE_A)
        self.assertEqual(call('task', 'status', 'A', *place).json['status'], 'pending')
        self.assertEqual(call('task', 'complete', 'A', *place).json['status_before'], 'pending')
        self.assertEqual(self.tasks()['A'], {**STYLE_A, 'status': 'completed'})
        self.assertEqual(call('task', 'get', 'nobody', *place).error, 'PATCH_NOT_FOUND')
        run = subprocess.run([str(FOLDER.parent / 'bin' / 'taskctl'), 'list', 'B', *place], capture_output=True, check=True)
        self.assertEqual(json.loads(run.stdout)['tasks'], [STYLE_B])
        os.unlink(os.path.join(self.root, '.mission_control/tasks.json'))
        self.assertEqual(call('list-tasks', *place).json['tasks'], [])
        self.assertEqual(call('task', 'complete', 'A', *place).error, 'PATCH_NOT_FOUND')


if __name__ == '__main__':
    unittest.main()
