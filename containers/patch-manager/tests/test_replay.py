"""A patch of the log, landed again on the tree as it is now."""
from __future__ import annotations

import os
import unittest

from support import Answer, Files, TreeCase, append, call, change, patch_set, replace, text, write_tree

BASE = '1\n2\n3\n4\n5\n'
RESULT = '1\ntwo\n3\n4\n5\n'
LATER = '1\n2\n3\n4\nfive\n'
BOTH = '1\ntwo\n3\n4\nfive\n'
CONTESTED = '1\nzwei\n3\n4\n5\n'
X = '100755'


def made(kind: str) -> dict:
    base, result = BASE.encode(), RESULT.encode()
    if kind == 'modify':
        return patch_set([change('f', 'modify', (base, result))], [replace('f', 2, 2, 'two\n')])
    if kind == 'create':
        return patch_set([change('d/g', 'create', (None, b'new'), mode=X)], [append('d/g', 'new')])
    if kind == 'delete':
        return patch_set([change('f', 'delete', (base, None))], [])
    if kind == 'mode':
        return patch_set([change('f', 'mode', (base, base), mode=X)], [])
    return patch_set([change('g', 'rename', (base, result), **{'from': 'f'})], [replace('g', 2, 2, 'two\n')])


class Replay(TreeCase):
    def land(self, kind: str, now: Files) -> str:
        """Lands a set on its base, then makes the tree what it is now."""
        self.fill({} if kind == 'create' else text(f=BASE))
        answer = self.run_on('apply', made(kind))
        self.assertEqual(answer.code, 0, answer.json)
        for path in self.tree():
            os.unlink(os.path.join(self.root, path))
        if kind == 'create':
            os.rmdir(os.path.join(self.root, 'd'))
        write_tree(self.root, now)
        return answer.json['patch_id']

    def replay(self, patch_id: str, *more: str) -> Answer:
        return call('replay', '--root', self.root, patch_id, *more)

    def test_lands(self) -> None:
        f = text(f=BASE)
        cases: list[tuple[str, Files, str, Files]] = [
            ('modify', f, 'applied', text(f=RESULT)), ('modify', text(f=LATER, h='h'), 'merged', text(f=BOTH, h='h')),
            ('modify', text(f=BOTH), 'merged', text(f=BOTH)), ('modify', text(f=RESULT), 'already-applied', text(f=RESULT)),
            ('modify', {'f': (LATER.encode(), X)}, 'merged', {'f': (BOTH.encode(), X)}), ('create', {}, 'applied', {'d/g': (b'new', X)}),
            ('create', {'d/g': (b'new', X)}, 'already-applied', {'d/g': (b'new', X)}), ('delete', f, 'applied', {}), ('delete', {}, 'already-applied', {}),
            ('mode', text(f=LATER), 'merged', {'f': (LATER.encode(), X)}), ('moved', f, 'applied', text(g=RESULT)),
            ('moved', text(f=LATER), 'merged', text(g=BOTH)), ('moved', text(g=RESULT), 'already-applied', text(g=RESULT)),
        ]
        for kind, now, status, after in cases:
            with self.subTest(kind, now=now):
                patch_id = self.land(kind, now)
                dry = self.replay(patch_id, '--dry-run')
                self.assertEqual((dry.code, dry.statuses, self.tree()), (0, [status], now), dry.json.get('error'))
                answer = self.replay(patch_id)
                self.assertEqual((answer.code, answer.statuses, self.tree()), (0, [status], after), answer.json.get('error'))
                if after == now:
                    continue
                self.assertEqual((answer.json['patch_id'], answer.json['replays']), (patch_id + '~2', patch_id))
                record = call('list', '--root', self.root).json['patches'][-1]
                self.assertEqual([record[key] for key in ('patch_id', 'replays', 'task_id')], [patch_id + '~2', patch_id, 'TSK-1'])
                self.assertEqual((call('revert', '--root', self.root, patch_id + '~2').code, self.tree()), (0, now))

    def test_conflicts(self) -> None:
        for kind, now, expected in (
            ('modify', text(f=CONTESTED), 'content'), ('modify', {}, 'modify-delete'), ('create', text(**{'d/g': 'other'}), 'add-add'),
            ('create', text(d='file'), 'file-directory'), ('delete', text(f=LATER), 'delete-modify'), ('moved', {}, 'rename-source'),
            ('moved', text(f=BASE, g='other'), 'rename-target'),
        ):
            with self.subTest(kind, now=now):
                answer = self.replay(self.land(kind, now))
                self.assertEqual((answer.code, answer.error, self.tree()), (1, 'PATCH_CONFLICT', now))
                self.assertEqual([item['kind'] for item in answer.json['error']['details']['conflicts']], [expected])

    def test_hand_written_reverted_and_replayed_again(self) -> None:
        self.fill(text(f=BASE))
        patch_id = self.run_on('apply', replace('f', 2, 2, 'two\n'), '--requester', 'me').json['patch_id']
        undo = call('revert', '--root', self.root, patch_id).json['patch_id']
        self.assertEqual((self.replay(patch_id).code, self.tree()), (0, text(f=RESULT)))
        self.assertEqual(call('list', '--root', self.root).json['patches'][-1]['requester'], 'me')
        write_tree(self.root, text(f=LATER))
        self.assertEqual((self.replay(patch_id + '~2', '--requester', 'you').code, self.tree()), (0, text(f=BOTH)))
        self.assertEqual(call('list', '--root', self.root).json['patches'][-1]['requester'], 'you')
        self.assertEqual(self.replay(undo).rule, 'replay')

    def test_unknown_and_damaged(self) -> None:
        for name in ('nothing', '../../x', '', 'x~2', '~', 'a/b'):
            self.assertEqual(self.replay(name).error, 'PATCH_NOT_FOUND', name)
        self.assertEqual(call('replay', '--root', self.root).code, 2)
        for below, damage in (('old/0', b'x'), ('patch.diff', b'x'), ('record.json', b'{"entries": [{"path": "../x"}]}'), ('record.json', b'[]')):
            patch_id = self.land('modify', text(f=LATER))
            with open(os.path.join(self.root, '.mission_control/patch-manager/applied', patch_id, below), 'wb') as file:
                file.write(damage)
            answer = self.replay(patch_id)
            self.assertEqual((answer.code, self.tree()), (1, text(f=LATER)))
            self.assertIn(answer.error, ('PATCH_CORRUPT', 'PATCH_POLICY', 'PATCH_INVALID'))


if __name__ == '__main__':
    unittest.main()
