"""Anchors, markers, the indentation rule: the place is there exactly once, or the operation is refused."""
from __future__ import annotations

import unittest

from support import Answer, TreeCase, call, text

FINAL = 'a\n###FINAL_MILE_PROMPT__BODY###\nwrite it\n###END_BODY###\nz\n'
BEGIN = 'a\n  /* <<<BEGIN:part-1>>> */\n  old\n  /* <<<END:part-1>>> */\nz\n'
START = 'a\n/* START: part */\nold\n/* END: part */\nz\n'
EMPTY = 'a\n/* START: part */\n/* END: part */\nz\n'
TASK = 'a\n/* TASK_ID:11-22 - see .mission_control/tasks.json */\n' + FINAL[2:]
TASK_LINE = 'a\n/* TASK_ID:11-22 - see .mission_control/tasks.json */\nhere\nz\n'
PATCH = 'a\n// PATCH_MARKER: here\nz\n'
BRACES = 'a\n{{PLACEHOLDER_X}}\nz\n'
INLINE = 'a\nconst x = {{PLACEHOLDER_X}};\nz\n'
AGENT = 'a\n/** agent: write the thing **/\n/** PLACEHOLDER_X **/\nz\n'


class Places(TreeCase):
    def edit(self, base: str, **operation: object) -> Answer:
        self.fill(text(f=base))
        return self.run_on('apply', {'patches': [{'file': 'f', 'block': 'new\n', 'openSpace': True, **operation}]})

    def check(self, base: str, after: str, **operation: object) -> None:
        answer = self.edit(base, **operation)
        self.assertEqual((answer.code, self.tree()), (0, text(f=after)), (operation, answer.json.get('error')))

    def refused(self, base: str, rule: str, **operation: object) -> None:
        answer = self.edit(base, **operation)
        self.assertEqual((answer.code, answer.rule, self.tree()), (1, rule, text(f=base)), operation)

    def test_markers(self) -> None:
        new = 'a\n###FINAL_MILE_PROMPT__BODY###\nnew\n###END_BODY###\nz\n'
        outer = {'includeMarkers': True}
        cases: list[tuple[str, str, str, dict, str]] = [
            (FINAL, 'BODY', 'replace_block', {}, new), (FINAL, 'BODY', 'replace_block', outer, 'a\nnew\nz\n'),
            (BEGIN, 'part-1', 'block-replace', {}, BEGIN.replace('  old', 'new')), (START, 'part', 'replace-block', {}, START.replace('old', 'new')),
            (START, 'part', 'insert_before', {}, 'a\nnew\n' + START[2:]), (START, 'part', 'insert_after', {}, START[:-2] + 'new\nz\n'),
            (START, 'part', 'block-insert-before', {}, START.replace('old', 'new\nold')), (START, 'part', 'block-insert-after', {}, START.replace('old', 'old\nnew')),
            (START, 'part', 'block-insert-before', outer, 'a\nnew\n' + START[2:]), (START, 'part', 'block-insert-after', outer, START[:-2] + 'new\nz\n'),
            (EMPTY, 'part', 'replace-block', {}, 'a\n/* START: part */\nnew\n/* END: part */\nz\n'),
            (TASK, '11-22', 'replace-block', {}, TASK.replace('write it', 'new')), (TASK, '11-22', 'replace-block', outer, 'a\nnew\nz\n'),
            (TASK_LINE, '11-22', 'replace-block', {}, TASK_LINE.replace('here', 'new')),
            (PATCH, 'here', 'replace-line', {}, 'a\nnew\nz\n'), (PATCH, 'here', 'insert-after', {}, PATCH[:-2] + 'new\nz\n'),
            (BRACES, 'PLACEHOLDER_X', 'replace-block', {}, 'a\nnew\nz\n'), (BRACES, 'X', 'replace-block', {}, 'a\nnew\nz\n'),
            (INLINE, 'X', 'replace-block', {}, 'a\nconst x = new;\nz\n'), (INLINE, 'X', 'replace-line', {}, 'a\nnew\nz\n'),
            (AGENT, 'X', 'replace-block', {}, 'a\n/** agent: write the thing **/\nnew\nz\n'), (AGENT, 'X', 'replace-block', outer, 'a\nnew\nz\n'),
        ]
        for base, name, op, more, after in cases:
            with self.subTest(base, op=op, more=more):
                self.check(base, after, op=op, marker=name, **more)

    def test_anchors(self) -> None:
        base = 'one\ntwo\nthree\n  two and a half\n'
        self.check(base, 'one\ntwo\nthree\nnew\n  two and a half\n', op='insert_after', anchor='three')
        self.check(base, 'one\ntwo\nnew\nthree\n  two and a half\n', op='insert_before', anchor='ree')
        self.check(base, 'one\nnew\n  two and a half\n', op='replace_block', anchor='two\nthree')
        self.check(base, 'one\nnew\n  two and a half\n', op='replace_block', anchor='two\nthree\n')
        self.check('a\r\nb\r\nc\r\n', 'a\r\nb\r\nnew\nc\r\n', op='insert_after', anchor='a\nb')
        self.check(base, 'one\nnew\n  two and a half\n', op='replace_block', start_marker='one', end_marker='two and')
        self.check(base, 'new\n', op='replace_block', start_marker='one', end_marker='two and', includeMarkers=True)
        self.refused(base, 'anchor-ambiguous', op='insert_after', anchor='two')
        self.refused(base, 'anchor-missing', op='insert_after', anchor='four')
        self.refused(base, 'anchor-empty', op='insert_after', anchor=' \n')
        self.refused(base, 'marker-unpaired', op='replace_block', start_marker='three', end_marker='one')

    def test_older_keys(self) -> None:
        self.fill(text(f='1\n2\n3\n'))
        value = {'op': 'replace_block', 'target_file': 'f', 'start_line': 1, 'end_line': 2, 'new_block': 'x\n'}
        self.assertEqual((self.run_on('apply', value).code, self.tree()), (0, text(f='x\n3\n')))
        self.assertEqual(self.run_on('apply', {'op': 'insert_after', 'target_file': 'f', 'anchor': '3', 'content': 'y\n'}).code, 0)
        self.assertEqual(self.tree(), text(f='x\n3\ny\n'))
        self.assertEqual(self.run_on('apply', {**value, 'file': 'f'}).rule, 'unknown-field')

    def test_markers_that_are_not_there_once(self) -> None:
        self.refused(FINAL, 'marker-missing', op='replace-block', marker='OTHER')
        self.refused(FINAL + FINAL, 'marker-ambiguous', op='replace-block', marker='BODY')
        self.refused(PATCH + PATCH, 'marker-ambiguous', op='replace-block', marker='here')
        self.refused(START.replace('/* END: part */\n', ''), 'marker-unpaired', op='replace-block', marker='part')
        self.refused('/* END: part */\n' + START, 'marker-unpaired', op='replace-block', marker='part')
        self.refused(TASK_LINE[:-7], 'marker-unpaired', op='replace-block', marker='11-22')
        self.refused('TASK_ID: x\na\n' * 2, 'marker-ambiguous', op='replace-block', marker='x')

    def test_two_ways_of_saying_where(self) -> None:
        for more in (
            {'anchor': 'a', 'marker': 'BODY'}, {'anchor': 'a', 'start': 1, 'end': 1}, {'start_marker': 'a'}, {'op': 'append', 'anchor': 'a'},
            {'op': 'block-insert-after', 'line': 1}, {'marker': 'BODY', 'op': 'prepend'}, {'marker': ''}, {'marker': 5}, {'includeMarkers': 'yes', 'marker': 'BODY'},
        ):
            answer = self.edit(FINAL, **{'op': 'replace-block', **more})
            self.assertEqual((answer.code, answer.error, self.tree()), (1, 'PATCH_INVALID', text(f=FINAL)), more)

    def test_markers_of_one_batch_count_in_the_base(self) -> None:
        self.fill(text(f=FINAL + START.replace('part', 'BODY2')))
        batch = [{'op': 'replace-block', 'file': 'f', 'marker': name, 'block': '1\n2\n3\n'} for name in ('BODY2', 'BODY')]
        self.assertEqual(self.run_on('apply', batch).code, 0)
        self.assertEqual(self.tree()['f'][0].count(b'1\n2\n3\n'), 2)

    def test_first_line_takes_the_indentation(self) -> None:
        base = 'a\n\t  b\n\nc\n'
        for more, after in (
            ({'op': 'insert_after', 'line': 2}, 'a\n\t  b\n\t  x\ny\n\nc\n'), ({'op': 'insert_before', 'line': 2}, 'a\n\t  x\ny\n\t  b\n\nc\n'),
            ({'op': 'replace_block', 'start': 2, 'end': 3}, 'a\n\t  x\ny\nc\n'), ({'op': 'insert_after', 'line': 2, 'openSpace': True}, 'a\n\t  b\nx\ny\n\nc\n'),
            ({'operation': 'insert-after', 'line': 2}, 'a\n\t  b\nx\ny\n\nc\n'), ({'op': 'insert_after', 'line': 3}, 'a\n\t  b\n\nx\ny\nc\n'),
            ({'op': 'insert_after', 'line': 2, 'block': '    x\n'}, 'a\n\t  b\n\t  x\n\nc\n'),
        ):
            self.fill(text(f=base))
            answer = self.run_on('apply', {'patches': [{'file': 'f', 'block': 'x\ny\n', **more}]})
            self.assertEqual((answer.code, self.tree()), (0, text(f=after)), more)

    def test_open_space_replace_removes_the_old_block(self) -> None:
        self.fill(text(f='1\n2\n3\n'))
        place = ('--root', self.root, '--file', 'f')
        call('replace-block', *place, '--start', '2', '--end', '2', '--block', 'x', '--open-space')
        self.assertEqual(self.tree(), text(f='1\nx\n3\n'))

    def test_command_line(self) -> None:
        self.fill(text(f=START))
        place = ('--root', self.root, '--file', 'f', '--block', 'new\n')
        self.assertEqual(call('replace-block', *place, '--marker', 'part').code, 0)
        self.assertEqual(call('insert-after', *place, '--anchor', 'z').code, 0)
        self.assertEqual(call('replace-block', *place, '--start-marker', 'START', '--end-marker', 'END', '--include-markers').code, 0)
        self.assertEqual(self.tree(), text(f='a\nnew\nz\nnew\n'))
        for more in (['--marker', 'x', '--start', '1'], ['--start-marker', 'x'], ['--anchor', 'x', '--marker', 'y']):
            self.assertEqual(call('replace-block', *place, *more).code, 2)
        self.fill(text(f=TASK))
        found = [item['name'] for item in call('list-markers', 'f', '--root', self.root).json['markers']]
        self.assertEqual(found, ['11-22', 'BODY'])


if __name__ == '__main__':
    unittest.main()
