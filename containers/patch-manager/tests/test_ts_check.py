"""The project's compiler: reported, never in the way, and on request the reason to take an edit back. A script stands for it here."""
from __future__ import annotations

import os
import unittest
import unittest.mock

from support import Answer, TreeCase, append, call, change, patch_set, text, write_tree

# Says one error for each line that has BAD in it, and what it finds of the credentials.
TSC = '''#!/bin/sh
echo "credentials: $ORCHESTRATOR_TOKEN"
status=0
for file in *.ts; do
  grep -n BAD "$file" > found && { status=2; while IFS=: read -r line rest; do echo "$file($line,1): error TS1: $rest"; done < found; }
done
rm -f found
exit $status
'''


class TsCheck(TreeCase):
    def setUp(self) -> None:
        super().setUp()
        self.start('fine\n')

    def start(self, content: str) -> None:
        self.fill(text(**{'a.ts': content, 'tsconfig.json': '{}', 'note.md': 'x\n'}))
        write_tree(self.root, {'node_modules/.bin/tsc': (TSC.encode(), '100755')})

    def append(self, block: str, *more: str, file: str = 'a.ts') -> Answer:
        return call('append', '--root', self.root, '--file', file, '--block', block, *more)

    def test_reported(self) -> None:
        with unittest.mock.patch.dict(os.environ, {'ORCHESTRATOR_TOKEN': 'secret'}):
            good, bad = self.append('fine\n').json, self.append('BAD\n').json
        self.assertEqual((good['ok'], good['ts_check_ok'], good['ts_check_out']), (True, True, 'credentials: \n'))
        self.assertEqual((bad['ok'], bad['ts_check_ok'], bad['operations'][0]['ts_check_ok']), (True, False, False))
        self.assertIn('a.ts(3,1): error TS1: BAD', bad['ts_check_out'])

    def test_not_run(self) -> None:
        made = patch_set([change('a.ts', 'modify', (b'fine\n', b'fine\nx\n'))], [append('a.ts', 'x\n')])
        self.assertIsNone(self.run_on('apply', made).json['ts_check_ok'])
        self.assertIsNone(self.append('x\n', file='note.md').json['ts_check_ok'])
        self.assertIsNone(self.append('x\n', '--no-ts-check').json['ts_check_ok'])
        self.assertNotIn('ts_check_ok', self.append('x\n', '--dry-run').json)
        own = [append('a.ts', 'x\n'), append('node_modules/.bin/tsc', '\n')]
        self.assertIsNone(self.run_on('apply', own).json['ts_check_ok'], 'a compiler that came with the edit')
        os.unlink(os.path.join(self.root, 'tsconfig.json'))
        self.assertIsNone(self.append('x\n').json['ts_check_ok'])

    def test_rollback_on_new_errors_only(self) -> None:
        self.start('BAD\n')
        answer = self.append('fine\n', '--rollback-on-ts-error')
        self.assertEqual((answer.code, answer.json['ts_check_ok'], self.tree()['a.ts'][0]), (0, False, b'BAD\nfine\n'))
        answer = self.append('BAD\n', '--rollback-on-ts-error')
        self.assertEqual((answer.code, answer.rule, answer.json['rolled_back']), (1, 'ts-check', True))
        self.assertEqual(self.tree()['a.ts'][0], b'BAD\nfine\n')
        self.assertEqual([item['reverted'] for item in call('list', '--root', self.root).json['patches']], [False, True, False])

    def test_a_compiler_that_hangs_or_cannot_start(self) -> None:
        tsc = os.path.join(self.root, 'node_modules/.bin/tsc')
        for script in ('#!/bin/sh\nsleep 60\n', '#!/nowhere/at/all\n'):
            with open(tsc, 'w', encoding='utf-8') as file:
                file.write(script)
            with unittest.mock.patch('patchmgr.ts_check.PATIENCE_S', 0.2):
                answer = self.append('x\n')
            self.assertEqual((answer.code, answer.json['ts_check_ok']), (0, None))


if __name__ == '__main__':
    unittest.main()
