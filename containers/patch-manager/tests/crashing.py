"""A child process that dies by SIGKILL at its n-th change to the disk. The product has no hook for this.

Flushing is counted but not done: it matters when the power fails, not when a process dies.
"""
from __future__ import annotations

import io
import os
import signal
import sys
from typing import Any

from support import main

_CHANGES = ('write', 'rename', 'unlink', 'mkdir', 'rmdir', 'fsync', 'fchmod', 'chown')


def _arm(at: int) -> None:
    """From now on the `at`-th change (counted from 1) is the death; a write dies in its middle."""
    left = at

    def counted(name: str, original: Any) -> Any:
        def call(*args: Any, **named: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                if name == 'write':
                    original(args[0], bytes(args[1])[: len(args[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*args, **named)

        return call

    os.fsync = lambda _fd: None
    for name in _CHANGES:
        setattr(os, name, counted(name, getattr(os, name)))
    opened = os.open
    made = counted('open', opened)
    os.open = lambda path, flags, *args, **named: (made if flags & os.O_CREAT else opened)(path, flags, *args, **named)


def dies_at(at: int, argv: list[str]) -> bool:
    """Runs the command line in a child; False if it came to its end before the `at`-th change."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            sys.stdout = sys.stderr = io.StringIO()
            _arm(at)
            status = main(argv)
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    if os.WEXITSTATUS(status) != 0:
        raise AssertionError(f'the command failed with {os.WEXITSTATUS(status)} before change {at}')
    return False
