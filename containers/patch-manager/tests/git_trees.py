"""Random trees and their patch sets, made by git's own diff with no context and read by its hunk headers alone."""
from __future__ import annotations

import os
import random
import subprocess
from typing import Any

from support import Files, blob, change, patch_set

_PIECES = ['a', 'b', '}', '', 'x\r', '\ttab', 'é\u2028', '--- a', '+++ b', '@@ -1 +1 @@', '\\ No newline at end of file', 'f\x0c\x0b\x85']
_NAMES = ['f', 'd/g', 'd/e/h', 'with space', 'quo"te', 'tab\tname', 'é', '-rf', 'back\\slash', 'new\nline']


def random_text(random_: random.Random, most: int = 40) -> bytes:
    lines = [random_.choice(_PIECES) + '\n' for _ in range(random_.randrange(most))]
    if lines and random_.random() < 0.3:
        lines[-1] = lines[-1].rstrip('\n') or 'z'
    return ''.join(lines).encode()


def changed_text(random_: random.Random, data: bytes) -> bytes:
    lines = data.decode().split('\n')
    for _ in range(random_.randrange(1, 5)):
        at = random_.randrange(len(lines) + 1)
        drop = random_.randrange(3)
        lines[at:at + drop] = [random_.choice(_PIECES) for _ in range(random_.randrange(3))]
    return '\n'.join(lines).encode()


def random_trees(random_: random.Random) -> tuple[Files, Files]:
    old: Files = {}
    new: Files = {}
    for name in random_.sample(_NAMES, random_.randrange(1, len(_NAMES))):
        mode = random_.choice(['100644', '100755'])
        data = random_text(random_)
        fate = random_.choice(['keep', 'change', 'change', 'change', 'create', 'delete', 'mode', 'rename'])
        if fate != 'create':
            old[name] = (data, mode)
        if fate == 'rename':
            longer = data + b'the same long line\n' * 30
            old[name] = (longer, mode)
            new[name + '-renamed'] = (changed_text(random_, longer), mode)
        elif fate != 'delete':
            new_mode = random_.choice(['100644', '100755']) if fate == 'mode' else mode
            new[name] = (changed_text(random_, data) if fate == 'change' else data, new_mode)
    return old, new


def operations_of(old: bytes, new: bytes, folder: str, file: str) -> list[dict[str, Any]]:
    """From the hunk headers of `git diff -U0` and the lines of `new`: an independent reading of the conversion rules."""
    paths = [os.path.join(folder, 'old.txt'), os.path.join(folder, 'new.txt')]
    for path, data in zip(paths, (old, new), strict=True):
        with open(path, 'wb') as out:
            out.write(data)
    run = subprocess.run(['git', 'diff', '--no-index', '--no-color', '--text', '-U0', *paths], capture_output=True, check=False)
    base_count = len(old.split(b'\n')) - (old.endswith(b'\n') or not old)
    new_lines = new.split(b'\n')
    new_lines = [line + b'\n' for line in new_lines[:-1]] + [line for line in new_lines[-1:] if line]
    found: list[dict[str, Any]] = []
    for line in run.stdout.split(b'\n'):
        if not line.startswith(b'@@ '):
            continue
        (start, count), (new_start, new_count) = (_span(part) for part in line.split(b' ')[1:3])
        block = b''.join(new_lines[max(new_start - 1, 0):new_start - 1 + new_count]).decode() if new_count else ''
        operation: dict[str, Any] = {'file': file, 'block': block}
        if count:
            operation.update(operation='replace-block', start=start, end=start + count - 1)
        elif start == base_count:
            operation.update(operation='append')
        elif start == 0:
            operation.update(operation='insert-before', line=1)
        else:
            operation.update(operation='insert-after', line=start)
        found.append(operation)
    return found


def _span(part: bytes) -> tuple[int, int]:
    start, _, count = part[1:].partition(b',')
    return int(start), int(count or b'1')


def set_of(old: Files, new: Files, folder: str) -> dict[str, Any]:
    files: list[dict[str, Any]] = []
    patches: list[dict[str, Any]] = []
    for path in sorted({*old, *new}):
        before, after = old.get(path), new.get(path)
        source = path.removesuffix('-renamed')
        if before == after or path + '-renamed' in new:
            continue
        if path.endswith('-renamed') and after:
            files.append(change(path, 'rename', (old[source][0], after[0]), mode=after[1], **{'from': source}))
            patches += operations_of(old[source][0], after[0], folder, path)
        elif before and after and before[0] != after[0]:
            files.append(change(path, 'modify', (before[0], after[0]), mode=after[1]))
            patches += operations_of(before[0], after[0], folder, path)
        elif before and after:
            files.append(change(path, 'mode', (before[0], after[0]), mode=after[1]))
        elif before:
            files.append(change(path, 'delete', (before[0], None), mode=before[1]))
        elif after:
            files.append(change(path, 'create', (None, after[0]), mode=after[1]))
            patches += [{'file': path, 'operation': 'append', 'block': after[0].decode()}] if after[0] else []
    random.Random(blob(repr(files).encode())).shuffle(patches)
    return patch_set(files, patches)
