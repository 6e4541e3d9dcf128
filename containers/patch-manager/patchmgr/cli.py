"""The commands. Exit 0: all that was asked for holds. 1: refused. 2: the command line cannot be understood."""
from __future__ import annotations

import os
import sys

from .args import COMMANDS, Invocation, parse
from .errors import Refusal, Usage, stale
from .plan import Plan
from .report import Result, error_body, failure, success
from .session import Session
from .tree import Tree

_READING = {
    'list': 'list_patches', 'recover': 'recover', 'blame': 'blame', 'notify': 'notify', 'list-tasks': 'list_tasks', 'list-markers': 'list_markers',
    'task': 'task',
}


def main(argv: list[str]) -> int:
    try:
        invocation = parse(argv)
        if invocation.command == 'help':
            result, code = _help(), 0
        elif invocation.command == 'merge-file':
            return _merge_file(invocation.positional)
        else:
            result = _Run(invocation).run()
            code = 0 if result['ok'] else 1
    except Usage as usage:
        result, code = {'ok': False, 'success': False, 'error': error_body('INVALID_INPUT', str(usage))}, 2
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        # A fault of this program. Its place is told, for whoever mends it; the text of it may hold anything.
        result, code = {'ok': False, 'success': False, 'error': error_body('INTERNAL', f'{type(error).__name__} in {_place(error)}.')}, 1
    _print(result)
    return code


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return 'an unknown place' if trace is None else f'{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}'


def _merge_file(names: list[str]) -> int:
    """The merged text on stdout as it is, or the conflict as JSON and exit 1."""
    from .blobs import is_text
    from .merge import merge
    from .requests import read_input

    texts = [read_input(name) for name in names]
    if not all(is_text(text) for text in texts):
        _print(failure(Refusal('PATCH_BINARY_UNSUPPORTED', 'Only UTF-8 text without NUL is merged.'), None, []))
        return 1
    merged = merge(*texts)
    if merged.text is None:
        message = f'The texts conflict in {len(merged.hunks)} place(s).'
        _print({'ok': False, 'success': False, 'error': error_body('PATCH_CONFLICT', message, {'hunks': merged.hunks}), 'hunks': merged.hunks})
        return 1
    _write(merged.text)
    return 0


def _print(result: Result) -> None:
    import json

    error = result.get('error')
    if isinstance(error, dict):
        sys.stderr.write(json.dumps({'ok': False, 'error': f'{error["code"]}: {error["message"]}'}) + '\n')
    _write(json.dumps(result, separators=(',', ':')).encode() + b'\n')


def _write(data: bytes) -> None:
    try:
        if hasattr(sys.stdout, 'buffer'):
            sys.stdout.buffer.write(data)
        else:
            sys.stdout.write(data.decode())
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone; what was done is done. Keeps the interpreter from failing again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _help() -> Result:
    commands = {name: ' '.join([*command.needs, *sorted(command.flags - {'--json', '--help'})]) for name, command in COMMANDS.items()}
    return {'ok': True, 'success': True, 'commands': commands}


def find_root(invocation: Invocation) -> str:
    """The given root, else the top level of the git work tree around the current directory, else that directory."""
    given = invocation.get('--root') or invocation.get('--project-root')
    if given:
        return given
    here = at = os.getcwd()
    while not os.path.lexists(os.path.join(at, '.git')):
        above = os.path.dirname(at)
        if above == at:
            return here
        at = above
    return at


class _Run:
    """One command on one tree. What is known when something fails goes into the answer."""

    def __init__(self, invocation: Invocation) -> None:
        self.invocation = invocation

    def run(self) -> Result:
        try:
            tree = Tree(find_root(self.invocation))
        except Refusal as refusal:
            return failure(refusal, None, [])
        session = Session(self.invocation, tree)
        try:
            result = self._guarded(session)
        finally:
            session.close()
            tree.close()
        if session.recovered:
            result['recovered'] = session.recovered
        if session.told is not None:
            result['events'] = session.told
        return result

    def _guarded(self, session: Session) -> Result:
        try:
            return self._dispatch(session)
        except Refusal as error:
            refusal = error
        except OSError as error:
            refusal = _os_refusal(error)
        except (RecursionError, MemoryError):
            refusal = Refusal('PATCH_TOO_LARGE', 'The request is too large or nested too deeply.')
        from .writing import failed

        failed(session, refusal)
        return failure(refusal, session.patch_id, session.operations)

    def _dispatch(self, session: Session) -> Result:
        command = self.invocation.command
        # Before anything is done: a bad address is a mistake in the command line.
        session.url()
        if command == 'remake':
            return _remake(session)
        reader = _READING.get(command)
        if reader is not None:
            from . import reading

            answer: Result = getattr(reading, reader)(session)
            return answer
        from . import writing

        return writing.revert(session) if command == 'revert' else writing.apply(session)


def _remake(session: Session) -> Result:
    from .remake import remake

    plan = _remade_plan(session)
    remake(session.tree, plan.targets)
    return success(session.patch_id, plan, session.operations, has_diffs=False)


def _remade_plan(session: Session) -> Plan:
    """Without git's objects the tree has to be the base. With them it may have moved on, and the set is proved against its base."""
    git_dir, base = session.invocation.get('--git-dir'), session.invocation.get('--base')
    if git_dir is None:
        if base is not None:
            raise Usage('--base needs --git-dir, where that commit is.')
        return session.plan(is_exact=True)
    request = session.read()
    if request.files is None or request.base_commit is None:
        raise Refusal('PATCH_BASE_REQUIRED', 'Only a patch set, which names its base commit, can be made again on another tree.')
    if base is not None and base != request.base_commit:
        raise stale(f'The set was made against {request.base_commit}, not {base!a}.', expected=request.base_commit, actual=base)
    return session.plan(git_dir=git_dir)


def _os_refusal(error: OSError) -> Refusal:
    """The file system said no; which file and why is all that a caller can use."""
    name = error.filename
    shown = '' if name is None else f' ({name!a})'
    return Refusal('INTERNAL', f'The file system refused: {error.strerror}{shown}.')
