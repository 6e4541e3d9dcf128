"""Files that moved: merged where the base is in the repository, refused with the place where both changed, taken back with later work kept."""
from __future__ import annotations

import os
import subprocess
import unittest

from support import Answer, Files, TreeCase, append, blob, call, change, patch_set, replace, text, write_tree

BASE = '1\n2\n3\n4\n5\n'
RESULT = '1\ntwo\n3\n4\n5\n'
LATER = '1\n2\n3\n4\nfive\n'
BOTH = '1\ntwo\n3\n4\nfive\n'
CONTESTED = '1\nzwei\n3\n4\n5\n'
NO_BASE = '0' * 40


def git(root: str, *words: str) -> str:
    command = ['git', '-c', 'user.name=t', '-c', 'user.email=t@example.org', *words]
    return subprocess.run(command, cwd=root, capture_output=True, check=True).stdout.decode().strip()


class Moved(TreeCase):
    def start(self, base: Files, now: Files) -> str:
        """A repository whose commit is `base` and whose work tree is `now`."""
        self.fill(base)
        git(self.root, 'init', '-q')
        git(self.root, 'add', '-A')
        git(self.root, 'commit', '-q', '--allow-empty', '-m', 'base')
        for path in base:
            os.unlink(os.path.join(self.root, path))
        write_tree(self.root, now)
        return git(self.root, 'rev-parse', 'HEAD')

    def set_of(self, kind: str, **more: str) -> dict:
        contents: dict = {'modify': (BASE, RESULT), 'create': (None, 'new\n'), 'delete': (BASE, None), 'rename': (BASE, BASE), 'moved': (BASE, RESULT)}
        old, new = (None if side is None else side.encode() for side in contents[kind])
        path = 'g' if kind in ('rename', 'moved') else 'f'
        if kind in ('rename', 'moved'):
            more['from'] = 'f'
        patches = {'modify': [replace('f', 2, 2, 'two\n')], 'create': [append('f', 'new\n')], 'moved': [replace('g', 2, 2, 'two\n')]}
        return patch_set([change(path, 'rename' if kind == 'moved' else kind, (old, new), **more)], patches.get(kind, []))

    def test_lands(self) -> None:
        cases = [
            ('modify', {'f': BASE}, 'applied', {'f': RESULT}), ('modify', {'f': RESULT}, 'already-applied', {'f': RESULT}),
            ('modify', {'f': LATER}, 'merged', {'f': BOTH}), ('modify', {'f': BOTH}, 'merged', {'f': BOTH}),
            ('create', {}, 'applied', {'f': 'new\n'}), ('create', {'f': 'new\n'}, 'already-applied', {'f': 'new\n'}),
            ('delete', {'f': BASE}, 'applied', {}), ('delete', {}, 'already-applied', {}),
            ('rename', {'f': LATER}, 'merged', {'g': LATER}), ('moved', {'f': LATER}, 'merged', {'g': BOTH}),
            ('moved', {'f': RESULT}, 'merged', {'g': RESULT}),
        ]
        for kind, now, status, after in cases:
            with self.subTest(kind, now=now):
                self.start({} if kind == 'create' else text(f=BASE), text(**now))
                before = self.tree()
                answer = self.run_on('apply', self.set_of(kind))
                self.assertEqual((answer.code, answer.statuses, self.tree()), (0, [status], text(**after)), answer.json.get('error'))
                if after:
                    self.assertEqual(answer.json['files'][0]['blob'], blob(next(iter(after.values())).encode()))
                if status == 'merged' and self.tree() != before:
                    record = call('list', '--root', self.root).json['patches'][-1]
                    self.assertEqual(record['merged'], [{'path': answer.json['files'][0]['path'], 'blob': answer.json['files'][0]['blob']}])
                if self.tree() != before:
                    self.check_undone(answer, before)

    def check_undone(self, answer: Answer, before: Files) -> None:
        with open(os.path.join(self.root, answer.json['diff_path']), 'rb') as file:
            diff = file.read()
        subprocess.run(['git', 'apply', '-R', '--check', '-'], cwd=self.root, input=diff, check=True)
        undone = call('revert', '--root', self.root, answer.json['patch_id'])
        self.assertEqual((undone.code, self.tree()), (0, before), undone.json.get('error'))

    def test_conflicts(self) -> None:
        cases = [
            ('modify', {'f': CONTESTED}, 'content'), ('modify', {}, 'modify-delete'), ('modify', {'g': BASE}, 'modify-delete'),
            ('modify', {'f': '\0'}, 'binary'), ('create', {'f': 'other\n'}, 'add-add'), ('delete', {'f': LATER}, 'delete-modify'),
            ('rename', {}, 'rename-source'), ('rename', {'f': BASE, 'g': 'other\n'}, 'rename-target'), ('moved', {'f': CONTESTED}, 'content'),
        ]
        for kind, now, expected in cases:
            with self.subTest(kind, now=now):
                self.start({} if kind == 'create' else text(f=BASE), text(**now))
                for command in ('apply', 'validate'):
                    answer = self.run_on(command, self.set_of(kind))
                    self.assertEqual((answer.code, answer.error, self.tree()), (1, 'PATCH_CONFLICT', text(**now)))
                    conflicts = answer.json['error']['details']['conflicts']
                    self.assertEqual([item['kind'] for item in conflicts], [expected])
                    self.assertEqual(len(conflicts[0]['hunks']), 1 if expected == 'content' else 0)
                self.assertEqual(call('list', '--root', self.root).json['total'], 0)
                self.assertEqual(self.run_on('remake', self.set_of(kind)).error, 'PATCH_STALE', 'exact base only')

    def test_all_conflicts_of_all_files_and_nothing_written(self) -> None:
        names = ['a', 'b', 'c']
        self.start(text(**dict.fromkeys(names, BASE)), text(a=CONTESTED, b=LATER))
        made = patch_set(
            [change(name, 'modify', (BASE.encode(), RESULT.encode())) for name in names], [replace(name, 2, 2, 'two\n') for name in names]
        )
        answer = self.run_on('apply', made)
        conflicts = answer.json['error']['details']['conflicts']
        self.assertEqual([(item['path'], item['kind']) for item in conflicts], [('a', 'content'), ('c', 'modify-delete')])
        span = {'start': 2, 'end': 2}
        self.assertEqual(conflicts[0]['hunks'], [{'base': {**span, 'text': '2\n'}, 'ours': {**span, 'text': 'zwei\n'}, 'theirs': {**span, 'text': 'two\n'}}])
        self.assertEqual(self.tree(), text(a=CONTESTED, b=LATER))

    def test_base_that_cannot_be_had(self) -> None:
        self.fill(text(f=LATER))
        self.assertEqual(self.run_on('apply', self.set_of('modify')).error, 'PATCH_STALE')
        self.start(text(f='other\n'), text(f=LATER))
        self.assertEqual(self.run_on('apply', self.set_of('modify')).error, 'PATCH_STALE')

    def test_a_set_that_lies_about_its_base(self) -> None:
        self.start(text(f=BASE), text(f=LATER))
        lie = self.set_of('modify')
        lie['patches'][0]['block'] = 'zwei\n'
        self.assertEqual(self.run_on('apply', lie).error, 'PATCH_CORRUPT')

    def test_the_side_that_changed_the_mode_decides(self) -> None:
        commit = self.start(text(f=BASE), {'f': (LATER.encode(), '100755')})
        made = {**self.set_of('modify'), 'base_commit': commit}
        self.assertEqual(self.run_on('apply', made).json['files'][0]['mode'], '100755')
        self.assertEqual(self.tree(), {'f': (BOTH.encode(), '100755')})
        commit = self.start(text(f=BASE), text(f=LATER))
        mode = patch_set([change('f', 'mode', (BASE.encode(), BASE.encode()), mode='100755')], [])
        self.assertEqual(self.run_on('apply', {**mode, 'base_commit': commit}).statuses, ['merged'])
        self.assertEqual(self.tree(), {'f': (LATER.encode(), '100755')})

    def test_hostile_repository_configuration_runs_nothing(self) -> None:
        self.start(text(f=BASE), text(f=LATER))
        trap = os.path.join(self.folder, 'trap')
        for name in ('core.fsmonitor', 'core.sshCommand', 'core.pager', 'core.editor', 'filter.x.clean', 'diff.external'):
            git(self.root, 'config', name, f'touch {trap}')
        git(self.root, 'config', 'remote.origin.url', f'ext::sh -c "touch {trap}"')
        git(self.root, 'config', 'remote.origin.promisor', 'true')
        git(self.root, 'config', 'protocol.ext.allow', 'always')
        git(self.root, 'config', 'extensions.partialClone', 'origin')
        self.assertEqual(self.run_on('apply', self.set_of('modify')).statuses, ['merged'])
        missing = self.set_of('modify')
        missing['files'][0]['base_blob'] = '1' * 40
        self.assertEqual(self.run_on('apply', missing).error, 'PATCH_STALE')
        self.assertFalse(os.path.lexists(trap))

    def test_hand_written_with_a_base(self) -> None:
        edit = replace('f', 2, 2, 'two\n')
        for name in ('base_commit', 'expected_hash'):
            commit = self.start(text(f=BASE), text(f=LATER))
            base = {name: commit if name == 'base_commit' else blob(BASE.encode())}
            answer = self.run_on('apply', {**edit, **base})
            self.assertEqual((answer.code, answer.statuses, self.tree()), (0, ['merged'], text(f=BOTH)), answer.json.get('error'))
        commit = self.start(text(f=BASE), text(f=CONTESTED))
        for base, error in (
            ({'base_commit': commit}, 'PATCH_CONFLICT'), ({'base_commit': NO_BASE}, 'PATCH_BASE_REQUIRED'), ({'expected_hash': NO_BASE}, 'PATCH_STALE'),
            ({'expected_hash': 'sha256:' + '0' * 64}, 'PATCH_STALE'), ({'expected_hash': 'x' * 40}, 'PATCH_INVALID'),
        ):
            self.assertEqual(self.run_on('apply', {**edit, **base}).error, error)
        self.assertEqual(self.tree(), text(f=CONTESTED))

    def test_verification(self) -> None:
        self.fill(text(f=BASE))
        check = {'op': 'patch_verification', 'file': 'f', 'expected_hash': blob(BASE.encode())}
        self.assertEqual((self.run_on('apply', [check]).code, self.tree()), (0, text(f=BASE)))
        self.assertEqual(self.run_on('apply', [check, append('f', '6\n')]).code, 0)
        self.assertEqual(self.run_on('apply', [check, append('f', '7\n')]).error, 'PATCH_STALE')
        self.assertEqual(self.tree(), text(f=BASE + '6\n'))


class LaterWork(TreeCase):
    """Reversals; no repository is needed, for the records have it all."""

    def land(self, kind: str) -> str:
        made: Files = {} if kind == 'create' else text(f=BASE)
        self.fill(made)
        answer = self.run_on('apply', Moved.set_of(self, kind))  # type: ignore[arg-type]
        self.assertEqual(answer.code, 0, answer.json)
        return answer.json['patch_id']

    def later(self, now: Files) -> None:
        for path in self.tree():
            os.unlink(os.path.join(self.root, path))
        write_tree(self.root, now)

    def revert(self, patch_id: str) -> Answer:
        return call('revert', '--root', self.root, patch_id)

    def test_kept(self) -> None:
        for kind, now, after in (
            ('modify', {'f': BOTH}, {'f': LATER}), ('moved', {'g': BOTH}, {'f': LATER}), ('rename', {'g': LATER}, {'f': LATER}),
            ('modify', {'f': RESULT, 'h': 'x\n'}, {'f': BASE, 'h': 'x\n'}),
        ):
            with self.subTest(kind):
                patch_id = self.land(kind)
                self.later(text(**now))
                undone = self.revert(patch_id)
                self.assertEqual((undone.code, self.tree()), (0, text(**after)), undone.json.get('error'))
                again = self.revert(undone.json['patch_id'])
                self.assertEqual((again.code, self.tree()), (0, text(**now)), again.json.get('error'))

    def test_restored_with_still_later_work(self) -> None:
        patch_id = self.land('moved')
        self.later(text(g=BOTH))
        undo = self.revert(patch_id).json['patch_id']
        self.later(text(f='0\n' + LATER))
        self.assertEqual((self.revert(undo).code, self.tree()), (0, text(g='0\n' + BOTH)))

    def test_refused(self) -> None:
        for kind, now, expected in (
            ('modify', {'f': CONTESTED}, 'content'), ('modify', {}, 'modify-delete'), ('create', {'f': 'new\nmore\n'}, 'delete-modify'),
            ('delete', {'f': 'other\n'}, 'add-add'), ('moved', {'g': BOTH, 'f': 'other\n'}, 'rename-target'), ('moved', {'g': CONTESTED}, 'content'),
        ):
            with self.subTest(kind, now=now):
                patch_id = self.land(kind)
                self.later(text(**now))
                answer = self.revert(patch_id)
                self.assertEqual((answer.code, answer.error, self.tree()), (1, 'PATCH_CONFLICT', text(**now)))
                self.assertEqual([item['kind'] for item in answer.json['error']['details']['conflicts']], [expected])

    def test_two_sets_taken_back_in_either_order(self) -> None:
        for order in ((0, 1), (1, 0)):
            self.fill(text(f=BASE))
            ids = [self.run_on('apply', replace('f', line, line, f'{line}!\n')).json['patch_id'] for line in (2, 5)]
            for index in order:
                self.assertEqual(self.revert(ids[index]).code, 0)
            self.assertEqual(self.tree(), text(f=BASE))

    def test_blame(self) -> None:
        self.fill(text(f=BASE))
        first = self.run_on('apply', replace('f', 2, 2, 'two\n')).json['patch_id']
        second = self.run_on('apply', append('f', '6\n')).json['patch_id']
        self.later(text(f='0\n' + RESULT + '6\n'))
        lines = call('blame', 'f', '--root', self.root).json['lines']
        self.assertEqual([line['patch_id'] for line in lines], [None, None, first, None, None, None, second])
        self.assertEqual(self.revert(first).code, 0)
        lines = call('blame', 'f', '--root', self.root).json['lines']
        self.assertEqual([line['patch_id'] for line in lines], [None, None, first + '~revert', None, None, None, second])
        self.assertEqual(call('blame', 'none', '--root', self.root).error, 'PATCH_NOT_FOUND')


if __name__ == '__main__':
    unittest.main()
