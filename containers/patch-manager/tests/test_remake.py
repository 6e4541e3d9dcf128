"""Making a candidate again: on the exact base, or with git's objects on a tree that has moved on."""
from __future__ import annotations

import os
import unittest

from support import Answer, Files, TreeCase, append, blob, change, patch_set, replace, text, write_tree
from test_moved import git

BASE = '1\n2\n3\n4\n5\n'
RESULT = '1\ntwo\n3\n4\n5\n'
LATER = '1\n2\n3\n4\nfive\n'
BOTH = '1\ntwo\n3\n4\nfive\n'
CONTESTED = '1\nzwei\n3\n4\n5\n'
X = '100755'
Sides = tuple[bytes | None, bytes | None]


def sides(before: str | None, after: str | None) -> Sides:
    return tuple(None if side is None else side.encode() for side in (before, after))  # type: ignore[return-value]


MODIFY = ([change('f', 'modify', sides(BASE, RESULT))], [replace('f', 2, 2, 'two\n')])
MODIFY_X = ([change('f', 'modify', sides(BASE, RESULT), mode=X)], [replace('f', 2, 2, 'two\n')])
CREATE = ([change('f', 'create', sides(None, 'new\n'))], [append('f', 'new\n')])
DELETE = ([change('f', 'delete', sides(BASE, None))], [])
RENAME = ([change('g', 'rename', sides(BASE, BASE), **{'from': 'f'})], [])
RENAME_X = ([change('g', 'rename', sides(BASE, BASE), mode=X, **{'from': 'f'})], [])
MOVED = ([change('g', 'rename', sides(BASE, RESULT), **{'from': 'f'})], [replace('g', 2, 2, 'two\n')])
MODE = ([change('f', 'mode', sides(BASE, BASE), mode=X)], [])
SWAP = ([change('f', 'delete', sides(BASE, None)), change('f/in', 'create', sides(None, 'in\n'))], [append('f/in', 'in\n')])
Made = tuple[list, list]


def executable(**files: str) -> Files:
    return {name: (content.encode(), X) for name, content in files.items()}


class Remake(TreeCase):
    """The base is in a repository of its own; the root has nothing but the tree that the set lands on."""

    def setUp(self) -> None:
        super().setUp()
        self.repository = os.path.join(self.folder, 'repository')
        os.mkdir(self.repository)
        git(self.repository, 'init', '-q')
        self.commits: dict[str, str] = {}

    def commit(self, files: Files) -> str:
        known = repr(sorted(files.items()))
        if known not in self.commits:
            git(self.repository, 'rm', '-rfq', '--ignore-unmatch', '.')
            write_tree(self.repository, files)
            git(self.repository, 'add', '-A')
            git(self.repository, 'commit', '-q', '--allow-empty', '-m', 'base')
            self.commits[known] = git(self.repository, 'rev-parse', 'HEAD')
        return self.commits[known]

    def remake(self, made: Made, base: Files, now: Files, *more: str) -> Answer:
        value = {**patch_set(*made), 'base_commit': self.commit(base)}
        self.fill(now)
        return self.run_on('remake', value, '--git-dir', os.path.join(self.repository, '.git'), *(more or ('--base', value['base_commit'])))

    def test_lands(self) -> None:
        f = text(f=BASE)
        cases: list[tuple[str, Made, Files, Files, str, Files]] = [
            ('base', MODIFY, f, f, 'applied', text(f=RESULT)),
            ('there', MODIFY, f, text(f=RESULT), 'already-applied', text(f=RESULT)),
            ('later work', MODIFY, f, text(f=LATER, h='h'), 'merged', text(f=BOTH, h='h')),
            ('there with more', MODIFY, f, text(f=BOTH), 'merged', text(f=BOTH)),
            ('new', CREATE, {}, text(h='h'), 'applied', text(f='new\n', h='h')),
            ('new and there', CREATE, {}, text(f='new\n'), 'already-applied', text(f='new\n')),
            ('gone', DELETE, f, f, 'applied', {}),
            ('gone already', DELETE, f, {}, 'already-applied', {}),
            ('a directory now', DELETE, f, text(**{'f/in': 'x'}), 'already-applied', text(**{'f/in': 'x'})),
            ('renamed', RENAME, f, f, 'applied', text(g=BASE)),
            ('renamed with later work', RENAME, f, text(f=LATER), 'merged', text(g=LATER)),
            ('renamed already', RENAME, f, text(g=BASE), 'already-applied', text(g=BASE)),
            ('renamed already, in another mode', RENAME, f, executable(g=BASE), 'already-applied', executable(g=BASE)),
            ('renamed already, with its mode', RENAME_X, f, executable(g=BASE), 'already-applied', executable(g=BASE)),
            ('moved', MOVED, f, text(f=LATER), 'merged', text(g=BOTH)),
            ('moved, edited already', MOVED, f, text(f=RESULT), 'merged', text(g=RESULT)),
            ('mode of the branch', MODIFY, f, executable(f=BASE), 'applied', executable(f=RESULT)),
            ('mode of the branch, merged', MODIFY, f, executable(f=LATER), 'merged', executable(f=BOTH)),
            ('mode of the branch, there', MODIFY, f, executable(f=RESULT), 'already-applied', executable(f=RESULT)),
            ('mode of the branch, moved', MOVED, f, executable(f=BASE), 'applied', executable(g=RESULT)),
            ('mode of the set', MODIFY_X, f, text(f=LATER), 'merged', executable(f=BOTH)),
            ('mode of the set, there', MODIFY_X, f, text(f=RESULT), 'merged', executable(f=RESULT)),
            ('mode of both', MODIFY_X, executable(f=BASE), f, 'applied', text(f=RESULT)),
            ('mode alone', MODE, f, text(f=LATER), 'merged', executable(f=LATER)),
            ('mode alone, there', MODE, f, executable(f=BASE), 'already-applied', executable(f=BASE)),
        ]
        for name, made, base, now, status, after in cases:
            with self.subTest(name):
                answer = self.remake(made, base, now)
                self.assertEqual((answer.code, self.tree()), (0, after), answer.json.get('error'))
                self.assertEqual(answer.statuses, [status])
                if after and made[0][0]['change'] != 'delete':
                    file = answer.json['files'][0]
                    self.assertEqual((file['blob'], file['mode']), (blob(after[file['path']][0]), after[file['path']][1]))
                self.assertFalse(os.path.lexists(os.path.join(self.root, '.mission_control')))

    def test_a_file_becomes_a_directory(self) -> None:
        for now in (text(f=BASE), {}):
            answer = self.remake(SWAP, text(f=BASE), now)
            self.assertEqual((answer.code, self.tree()), (0, text(**{'f/in': 'in\n'})), answer.json.get('error'))

    def test_conflicts(self) -> None:
        f = text(f=BASE)
        below = ([change('d/f', 'create', sides(None, 'new\n'))], [append('d/f', 'new\n')])
        cases: list[tuple[Made, Files, Files, str]] = [
            (MODIFY, f, text(f=CONTESTED), 'content'), (MODIFY, f, {}, 'modify-delete'), (MODIFY, f, text(g=BASE), 'modify-delete'),
            (MODIFY, f, text(**{'f/in': 'x'}), 'modify-delete'), (MODIFY, f, text(f='\0'), 'binary'), (CREATE, {}, text(f='other\n'), 'add-add'),
            (CREATE, {}, executable(f='new\n'), 'add-add'), (below, {}, text(d='file\n'), 'file-directory'), (DELETE, f, text(f=LATER), 'delete-modify'),
            (RENAME, f, {}, 'rename-source'), (RENAME, f, text(f=BASE, g='other\n'), 'rename-target'), (MOVED, f, text(f=CONTESTED), 'content'),
            (MODE, f, {}, 'modify-delete'), (RENAME_X, f, text(g=BASE), 'rename-target'), (CREATE, {}, text(**{'f/in': 'x'}), 'file-directory'),
        ]
        for made, base, now, kind in cases:
            with self.subTest(made[0][0]['change'], kind=kind):
                answer = self.remake(made, base, now)
                self.assertEqual((answer.code, answer.error, self.tree()), (1, 'PATCH_CONFLICT', now))
                self.assertEqual([item['kind'] for item in answer.json['error']['details']['conflicts']], [kind])

    def test_the_set_is_proved_against_its_base_first(self) -> None:
        """Also where the tree it lands on would not need the base."""
        f = text(f=BASE)
        lie = (MODIFY[0], [replace('f', 2, 2, 'zwei\n')])
        for now in (f, text(f=RESULT), text(f=LATER)):
            self.assertEqual((self.remake(lie, f, now).error, self.tree()), ('PATCH_CORRUPT', now))
        for made, base in (
            (MODIFY, text(f=LATER)), (MODIFY, {}), (MODIFY, text(**{'f/in': BASE})), (DELETE, {}), (RENAME, text(f=BASE, g='g')), (CREATE, f),
            (([change('d/f', 'create', sides(None, ''))], []), text(d='d')),
        ):
            for now in (text(f=BASE), text(f=RESULT)):
                self.assertEqual((self.remake(made, base, now).error, self.tree()), ('PATCH_STALE', now), made)
        os.symlink('2', os.path.join(self.repository, 'link'))
        base = {'f': (BASE.encode(), '100644')}
        git(self.repository, 'add', '-A')
        git(self.repository, 'commit', '-q', '-m', 'link')
        self.commits[repr(sorted(base.items()))] = git(self.repository, 'rev-parse', 'HEAD')
        self.assertEqual(self.remake(([change('link', 'delete', (b'2', None))], []), base, text(link='2')).error, 'PATCH_STALE')

    def test_what_is_a_link_on_the_branch(self) -> None:
        value = {**patch_set(*MODIFY), 'base_commit': self.commit(text(f=BASE))}
        os.symlink('/etc/passwd', os.path.join(self.root, 'f'))
        answer = self.run_on('remake', value, '--git-dir', os.path.join(self.repository, '.git'))
        self.assertEqual(answer.error, 'PATCH_FILE_UNSUPPORTED')

    def test_bad_options(self) -> None:
        f = text(f=BASE)
        self.assertEqual(self.remake(MODIFY, f, f, '--base', '0' * 40).error, 'PATCH_STALE')
        self.assertEqual(self.remake(MODIFY, f, f, '--base', '--all').error, 'PATCH_STALE')
        missing = {**patch_set(*MODIFY), 'base_commit': '1' * 40}
        place = ('--git-dir', os.path.join(self.repository, '.git'))
        self.assertEqual(self.run_on('remake', missing, *place).error, 'PATCH_STALE')
        self.assertEqual(self.run_on('remake', missing, '--git-dir', self.folder).error, 'PATCH_STALE')
        self.assertEqual(self.run_on('remake', missing, '--base', '1' * 40).code, 2)
        self.assertEqual(self.run_on('remake', replace('f', 2, 2, 'two\n'), *place).error, 'PATCH_BASE_REQUIRED')
        self.assertEqual(self.tree(), f)


if __name__ == '__main__':
    unittest.main()
