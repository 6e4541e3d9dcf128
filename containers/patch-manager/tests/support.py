"""Trees on disk, patch sets made from two of them, and the command line called in this process."""
from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import os
import pathlib
import shutil
import stat
import sys
import tempfile
import unittest
from typing import Any

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = HERE.parent
sys.path.insert(0, str(FOLDER))
# What the shell of the person who runs the tests has set must not be told of them.
for name in ('ORCHESTRATOR_URL', 'ORCHESTRATOR_TOKEN', 'ORCHESTRATOR_API_KEY'):
    os.environ.pop(name, None)

from patchmgr.cli import main  # noqa: E402

# What a tree holds: path -> (content, git mode).
Files = dict[str, tuple[bytes, str]]
OWN = {'.mission_control', '.git', '.patchmgr-staging'}


def blob(data: bytes) -> str:
    return hashlib.sha1(b'blob %d\0' % len(data) + data).hexdigest()


def write_tree(root: str, files: Files) -> None:
    for path, (data, mode) in files.items():
        full = os.path.join(os.fsencode(root), path.encode())
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, 'wb') as file:
            file.write(data)
        os.chmod(full, 0o755 if mode == '100755' else 0o644)


def read_tree(root: str) -> Files:
    found: Files = {}
    for folder, names, files in os.walk(root):
        if folder == root:
            names[:] = [name for name in names if name not in OWN]
        for name in files:
            full = os.path.join(folder, name)
            info = os.lstat(full)
            path = os.fsencode(os.path.relpath(full, root)).decode()
            if stat.S_ISLNK(info.st_mode):
                found[path] = (os.fsencode(os.readlink(full)), '120000')
                continue
            with open(full, 'rb') as file:
                found[path] = (file.read(), '100755' if info.st_mode & 0o100 else '100644')
    return found


def text(**files: str) -> Files:
    return {name: (content.encode(), '100644') for name, content in files.items()}


def from_json(files: dict[str, dict[str, str]]) -> Files:
    return {
        path: (base64.b64decode(file['base64']) if 'base64' in file else file['text'].encode(), file['mode']) for path, file in files.items()
    }


def patch_set(files: list[dict[str, Any]], patches: list[dict[str, Any]], set_id: str = 'PST-0000000000000001') -> dict[str, Any]:
    metadata = {'provider': 'codex'}
    return {
        'patch_set_id': set_id,
        'task_id': 'TSK-1',
        'execution_id': 'EXE-1',
        'base_commit': '0' * 40,
        'files': files,
        'patches': [{'task_id': 'TSK-1', 'metadata': metadata, **patch} for patch in patches],
        'summary': '',
        'metadata': metadata,
    }


def change(path: str, kind: str, blobs: tuple[bytes | None, bytes | None], **more: str) -> dict[str, Any]:
    """`blobs`: the content before and after."""
    base, result = (None if data is None else blob(data) for data in blobs)
    return {'path': path, 'change': kind, 'mode': '100644', 'base_blob': base, 'result_blob': result, **more}


def replace(file: str, start: int, end: int, block: str) -> dict[str, Any]:
    return {'file': file, 'operation': 'replace-block', 'start': start, 'end': end, 'block': block}


def append(file: str, block: str) -> dict[str, Any]:
    return {'file': file, 'operation': 'append', 'block': block}


class Answer:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.err = err
        self.json: dict[str, Any] = json.loads(out)

    @property
    def error(self) -> str | None:
        error = self.json.get('error')
        return None if error is None else error['code']

    @property
    def rule(self) -> str | None:
        return self.json['error'].get('details', {}).get('rule')

    @property
    def statuses(self) -> list[str]:
        return [file['status'] for file in self.json['files']]


def call(*argv: str) -> Answer:
    """The command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(list(argv))
    return Answer(code, out.getvalue(), err.getvalue())


class TreeCase(unittest.TestCase):
    """A fresh folder with an empty work tree for every test."""

    place: str | None = None

    def setUp(self) -> None:
        self.folder = tempfile.mkdtemp(prefix='patchmgr-', dir=self.place)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.root = os.path.join(self.folder, 'root')
        os.mkdir(self.root)

    def fill(self, files: Files) -> None:
        shutil.rmtree(self.root)
        os.mkdir(self.root)
        write_tree(self.root, files)

    def file(self, value: object) -> str:
        path = os.path.join(self.folder, 'input.json')
        with open(path, 'w', encoding='utf-8') as file:
            json.dump(value, file)
        return path

    def run_on(self, command: str, value: object, *more: str) -> Answer:
        return call(command, '--root', self.root, self.file(value), *more)

    def tree(self) -> Files:
        return read_tree(self.root)
