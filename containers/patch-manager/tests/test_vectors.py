"""The vectors that both engines must agree on."""
from __future__ import annotations

import json
import os
import unittest

from support import FOLDER, Answer, TreeCase, call, from_json

VECTORS = FOLDER.parent.parent / '@shared' / 'ai-patch' / 'vectors' / 'apply.json'


class Vectors(TreeCase):
    def setUp(self) -> None:
        super().setUp()
        self.vectors = json.loads(VECTORS.read_text(encoding='utf-8'))
        self.assertGreater(len(self.vectors), 50)

    def check_answer(self, vector: dict, answer: Answer, writes: bool) -> None:
        base, expect = from_json(vector['base']), vector['expect']
        if 'error' in expect:
            self.assertEqual((answer.code, answer.error), (1, expect['error']), answer.json.get('error'))
            if 'rule' in expect:
                self.assertEqual(answer.rule, expect['rule'])
            self.assertEqual(self.tree(), base)
            self.assertEqual(answer.json['succeeded'], 0)
        else:
            self.assertEqual(answer.code, 0, answer.json.get('error'))
            self.assertEqual(self.tree(), from_json(expect['files']) if writes else base)

    def test_every_vector(self) -> None:
        for vector in self.vectors:
            for command in ('validate', 'remake', 'apply'):
                with self.subTest(vector['name'], command=command):
                    self.fill(from_json(vector['base']))
                    answer = self.run_on(command, vector['patch_set'])
                    self.check_answer(vector, answer, command != 'validate')
                    if command != 'apply':
                        self.assertNotIn('.mission_control', os.listdir(self.root))

    def test_again_is_nothing_and_revert_is_exact(self) -> None:
        for vector in self.vectors:
            if 'error' in vector['expect'] or not vector['patch_set']['files']:
                continue
            with self.subTest(vector['name']):
                self.fill(from_json(vector['base']))
                first = self.run_on('apply', vector['patch_set'])
                again = self.run_on('apply', vector['patch_set'])
                self.assertEqual((again.code, set(again.statuses)), (0, {'already-applied'}))
                self.assertEqual(self.tree(), from_json(vector['expect']['files']))
                self.revert(vector, first)

    def revert(self, vector: dict, first: Answer) -> None:
        reverted = call('revert', '--root', self.root, first.json['patch_id'])
        self.assertEqual(reverted.code, 0, reverted.json)
        self.assertEqual(self.tree(), from_json(vector['base']))
        again = call('revert', '--root', self.root, first.json['patch_id'])
        self.assertEqual((again.code, set(again.statuses)), (0, {'already-applied'}))


if __name__ == '__main__':
    unittest.main()
