"""Nothing outside the root is read into it or written, whatever lies on the disk."""
from __future__ import annotations

import os
import socket
import unittest

from support import TreeCase, append, blob, call, change, patch_set, read_tree, replace, text, write_tree


class Jail(TreeCase):
    def setUp(self) -> None:
        super().setUp()
        self.outside = os.path.join(self.folder, 'outside')
        write_tree(self.outside, text(secret='secret\n'))
        write_tree(self.root, text(f='1\n2\n'))

    def refused(self, patch: dict, code: str, rule: str) -> None:
        before = read_tree(self.root)
        for command in ('apply', 'validate', 'remake'):
            answer = self.run_on(command, patch)
            self.assertEqual((answer.code, answer.error, answer.rule), (1, code, rule), command)
        self.assertEqual(read_tree(self.root), before)
        self.assertEqual(read_tree(self.outside), text(secret='secret\n'))

    def test_symlinked_parent(self) -> None:
        os.symlink(self.outside, os.path.join(self.root, 'link'))
        self.refused(append('link/new', 'x\n'), 'PATCH_POLICY', 'path-symlink')
        self.refused(append('link/deeper/new', 'x\n'), 'PATCH_POLICY', 'path-symlink')
        self.refused(patch_set([change('link/secret', 'delete', (b'secret\n', None))], []), 'PATCH_POLICY', 'path-symlink')

    def test_symlinked_file(self) -> None:
        os.symlink(os.path.join(self.outside, 'secret'), os.path.join(self.root, 'link'))
        os.symlink('nowhere', os.path.join(self.root, 'dangling'))
        self.refused(append('link', 'x\n'), 'PATCH_FILE_UNSUPPORTED', 'file-type')
        self.refused(append('dangling', 'x\n'), 'PATCH_FILE_UNSUPPORTED', 'file-type')
        taken = patch_set([change('g', 'rename', (b'secret\n', b'secret\n'), **{'from': 'link'})], [])
        self.refused(taken, 'PATCH_FILE_UNSUPPORTED', 'file-type')

    def test_symlink_and_submodule_modes(self) -> None:
        for mode in ('120000', '160000'):
            bad = patch_set([change('new', 'create', (None, b'x'), mode=mode)], [append('new', 'x')])
            self.refused(bad, 'PATCH_FILE_UNSUPPORTED', 'mode')

    def test_other_kinds_of_files(self) -> None:
        os.mkfifo(os.path.join(self.root, 'fifo'))
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.path.join(self.root, 'socket'))
            for name in ('fifo', 'socket'):
                answer = self.run_on('apply', append(name, 'x\n'))
                self.assertEqual((answer.code, answer.error, answer.rule), (1, 'PATCH_FILE_UNSUPPORTED', 'file-type'))

    def test_directory(self) -> None:
        os.mkdir(os.path.join(self.root, 'd'))
        self.refused(append('d', 'x\n'), 'PATCH_FILE_UNSUPPORTED', 'file-type')
        answer = self.run_on('apply', patch_set([change('d', 'create', (None, b''))], []))
        self.assertEqual((answer.code, answer.error), (1, 'PATCH_STALE'))

    def test_directory_with_other_files_stays(self) -> None:
        self.fill(text(**{'d/mine': 'x\n', 'd/yours': 'y\n'}))
        both = patch_set([change('d', 'create', (None, b'')), change('d/mine', 'delete', (b'x\n', None))], [])
        answer = self.run_on('apply', both)
        self.assertEqual((answer.code, answer.error), (1, 'PATCH_STALE'))
        self.assertEqual(self.tree(), text(**{'d/mine': 'x\n', 'd/yours': 'y\n'}))

    def test_other_repository(self) -> None:
        write_tree(self.root, text(**{'sub/.git': 'gitdir: elsewhere\n', 'sub/f': 'x\n'}))
        self.refused(append('sub/f', 'x\n'), 'PATCH_FILE_UNSUPPORTED', 'submodule')

    def test_git_directory_by_any_name(self) -> None:
        names = ['.git/config', 'a/.git/config', '.GIT/config', '.gIt', 'GIT~1/x', '.git /x', '.git./x', '.git . ./x', '.git::$DATA']
        for name in [*names, '.g\u200bit', '.gi\u200ct/x', '\ufeff.git/x', '.git\u206f/x', 'a\\.git\\x']:
            answer = self.run_on('apply', append(name, 'x\n'))
            is_allowed = name == '.g\u200bit'
            self.assertEqual((answer.code, answer.error), (0, None) if is_allowed else (1, 'PATCH_POLICY'), ascii(name))
        for name in ('.gitignore', '.github/x', 'git', 'digit/.gitattributes', '.git-x', 'x.git'):
            self.assertEqual(self.run_on('apply', append(name, 'x\n')).code, 0, name)

    def test_paths_of_direct_edits(self) -> None:
        for path in ('/etc/passwd', '../outside/secret', 'a/../../outside/secret', '.git/config', './f', ''):
            answer = call('append', '--root', self.root, '--file', path, '--block', 'x\n')
            self.assertNotEqual(answer.code, 0, path)
        self.assertEqual(read_tree(self.outside), text(secret='secret\n'))

    def test_block_file_of_a_batch_is_held_inside(self) -> None:
        os.symlink(self.outside, os.path.join(self.root, 'link'))
        for path in (os.path.join(self.outside, 'secret'), '../outside/secret', 'link/secret', 'missing'):
            answer = self.run_on('apply', {'patches': [{'op': 'append', 'file': 'f', 'blockFile': path}]})
            self.assertEqual(answer.code, 1, path)
        self.assertEqual(self.tree()['f'][0], b'1\n2\n')

    def test_hard_link_keeps_the_other_name(self) -> None:
        for command in ('apply', 'remake'):
            self.fill(text(f='1\n2\n'))
            other = os.path.join(self.folder, f'other-{command}')
            os.link(os.path.join(self.root, 'f'), other)
            self.assertEqual(self.run_on(command, replace('f', 1, 1, 'ONE\n')).code, 0)
            with open(other, encoding='utf-8') as file:
                self.assertEqual(file.read(), '1\n2\n')
            self.assertEqual(self.tree(), text(f='ONE\n2\n'))

    def test_own_state(self) -> None:
        own = '.mission_control/patch-manager'
        for path in (own, f'{own}/applied/x', '.mission_control/tasks.json', '.mission_control/patch_log.jsonl', '.Mission_Control/Patch-Manager/txn/x/record.json', '.patchmgr-staging/x'):
            answer = self.run_on('apply', append(path, 'x\n'))
            self.assertEqual((answer.code, answer.rule), (1, 'path-state'), path)

    def test_planted_state_directory(self) -> None:
        os.symlink(self.outside, os.path.join(self.root, '.mission_control'))
        answer = self.run_on('apply', append('f', 'x\n'))
        self.assertEqual((answer.code, answer.rule), (1, 'state-directory'))
        self.assertEqual(os.listdir(self.outside), ['secret'])

    def test_permissions_are_kept(self) -> None:
        full = os.path.join(self.root, 'f')
        os.chmod(full, 0o640)
        for command in ('apply', 'remake'):
            self.assertEqual(self.run_on(command, append('f', f'{command}\n')).code, 0)
            self.assertEqual(os.stat(full).st_mode & 0o7777, 0o640)
        with open(full, 'rb') as file:
            data = file.read()
        made = patch_set([change('f', 'mode', (data, data), mode='100755')], [])
        self.assertEqual(self.run_on('apply', made).code, 0)
        self.assertEqual(os.stat(full).st_mode & 0o7777, 0o750)
        self.assertEqual(blob(data), self.run_on('apply', made).json['files'][0]['blob'])


if __name__ == '__main__':
    unittest.main()
