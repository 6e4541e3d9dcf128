"""The project's own `tsc --noEmit`, where there is one. Its word is reported; an edit falls by it only on request."""
from __future__ import annotations

import os
import re

PATIENCE_S = 120
MAX_OUTPUT = 4000
_EXTENSIONS = ('.ts', '.tsx', '.mts', '.cts')
_ERROR = re.compile(r'^(.+?)\(\d+,\d+\): (error TS\d+: .*)$')


class TsCheck:
    """`errors`: file and message, without line numbers, because an edit moves lines."""

    __slots__ = ('is_ok', 'output', 'errors')

    def __init__(self, is_ok: bool, output: str) -> None:
        self.is_ok = is_ok
        self.output = output[-MAX_OUTPUT:]
        self.errors = sorted(f'{match[1]}: {match[2]}' for line in output.split('\n') if (match := _ERROR.match(line)))


def is_for(paths: list[str]) -> bool:
    return any(path.endswith(_EXTENSIONS) for path in paths)


def find_tsc(root: str, changed: list[str]) -> str | None:
    """A compiler that came with the edit is not run."""
    tsc = os.path.join(root, 'node_modules', '.bin', 'tsc')
    is_ours = any(path.startswith('node_modules/') for path in changed)
    return tsc if not is_ours and os.access(tsc, os.X_OK) and os.path.isfile(os.path.join(root, 'tsconfig.json')) else None


def run_tsc(root: str, tsc: str) -> TsCheck | None:
    """None if it cannot be run to its end. It gets none of the credentials in the environment."""
    import signal
    import subprocess

    env = {name: value for name, value in os.environ.items() if name in ('PATH', 'HOME', 'LANG', 'LC_ALL', 'TMPDIR')}
    try:
        process = subprocess.Popen(
            [tsc, '--noEmit', '--pretty', 'false', '-p', '.'], cwd=root, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
        )
    except OSError:
        return None
    try:
        output, _ = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None
    return TsCheck(process.returncode == 0, output.decode('utf-8', 'replace'))


def new_errors(before: TsCheck, after: TsCheck) -> list[str]:
    """Those that the edit brought: each counts as often as there are more of it."""
    known: dict[str, int] = {}
    for error in before.errors:
        known[error] = known.get(error, 0) + 1
    found: list[str] = []
    for error in after.errors:
        if known.get(error, 0):
            known[error] -= 1
        else:
            found.append(error)
    return found
