"""A text and two edits of it: from few and from many different lines, near each other and far apart."""
from __future__ import annotations

import os
import random
import subprocess

Triple = tuple[bytes, bytes, bytes]
_REPEATED = ['}\n', '\n', '\t}\n', 'end\n']


def triple(random_: random.Random, longest: int) -> Triple:
    variety = random_.choice([2, 3, 5, 10, 40, 1000])

    def line() -> str:
        if variety >= 10 and random_.random() < 0.3:
            return random_.choice(_REPEATED)
        return f'line {random_.randrange(variety)}{random_.choice(["", "", "", "", "", "", chr(13), chr(13) + "a"])}\n'

    def edited() -> bytes:
        after = lines[:]
        for _ in range(random_.randrange(1, random_.choice([3, 6, 6, 13]))):
            at = random_.randrange(len(after) + 1)
            added = after[at:at + random_.randrange(6)] if random_.random() < 0.2 else [line() for _ in range(random_.randrange(4))]
            place = random_.randrange(len(after) + 1)
            after[place:place + random_.randrange(3)] = added
        return _ended(random_, after)

    lines = [line() for _ in range(random_.randrange(longest))]
    return _ended(random_, lines), edited(), edited()


def _ended(random_: random.Random, lines: list[str]) -> bytes:
    text = ''.join(lines)
    return (text[:-1] if text.endswith('\n') and random_.random() < 0.1 else text).encode()


def git_merge_file(folder: str, texts: Triple) -> bytes | None:
    """None for a conflict."""
    base, ours, theirs = (os.path.join(folder, name) for name in ('base', 'ours', 'theirs'))
    for path, data in zip((base, ours, theirs), texts):
        with open(path, 'wb') as file:
            file.write(data)
    run = subprocess.run(['git', 'merge-file', '-p', ours, base, theirs], capture_output=True, check=False)
    if not 0 <= run.returncode < 128:
        raise AssertionError(run.stderr)
    return run.stdout if run.returncode == 0 else None
