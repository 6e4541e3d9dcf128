"""The commands. Exit 0: all that was asked for holds. 1: refused. 2: the command line cannot be understood."""
from __future__ import annotations

import os
import sys

from .args import COMMANDS, Invocation, parse
from .errors import Refusal, Usage
from .model import Operation
from .plan import Plan, make_plan
from .report import Result, error_body, failure, success
from .requests import request_of
from .tree import Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .state import State


def main(argv: list[str]) -> int:
    try:
        invocation = parse(argv)
        if invocation.command == 'help':
            result, code = _help(), 0
        else:
            result = _Run(invocation).run()
            code = 0 if result['ok'] else 1
    except Usage as usage:
        result, code = {'ok': False, 'success': False, 'error': error_body('INVALID_INPUT', str(usage))}, 2
    except KeyboardInterrupt:
        return 130
    _print(result)
    return code


def _print(result: Result) -> None:
    import json

    error = result.get('error')
    if isinstance(error, dict):
        sys.stderr.write(f'{error["code"]}: {ascii(error["message"])[1:-1]}\n')
    try:
        sys.stdout.write(json.dumps(result, separators=(',', ':')) + '\n')
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
        self.patch_id: str | None = None
        self.operations: list[Operation] = []
        self.meta: dict[str, str] = {}
        self.recovered: list[dict[str, object]] = []

    def run(self) -> Result:
        try:
            tree = Tree(find_root(self.invocation))
            try:
                result = self._dispatch(tree)
            finally:
                tree.close()
        except Refusal as refusal:
            result = failure(refusal, self.patch_id, self.operations)
        except OSError as error:
            result = failure(_os_refusal(error), self.patch_id, self.operations)
        if self.recovered:
            result['recovered'] = self.recovered
        return result

    def _dispatch(self, tree: Tree) -> Result:
        command = self.invocation.command
        if command == 'remake':
            return self._remake(tree)
        if command in ('list', 'recover', 'revert'):
            return {'list': self._list, 'recover': self._recover, 'revert': self._revert}[command](tree)
        return self._apply(tree, command == 'validate' or self.invocation.has('--dry-run'))

    def _remake(self, tree: Tree) -> Result:
        from .remake import remake

        plan = self._plan(tree, is_exact=True)
        remake(tree, plan.targets)
        return success(self.patch_id, plan, self.operations, has_diffs=False)

    def _plan(self, tree: Tree, is_exact: bool = False) -> Plan:
        request = request_of(self.invocation, tree)
        self.patch_id = request.patch_id
        self.operations = request.operations
        self.meta = request.meta
        return make_plan(tree, request, is_exact)

    def _state(self, tree: Tree) -> State:
        """The state directory, locked, with nothing left under way."""
        from .recovery import recover
        from .state import State, lock

        state = State(tree, self.invocation.get('--state-dir'))
        lock(tree)
        self.recovered = recover(state)
        return state

    def _apply(self, tree: Tree, is_dry: bool) -> Result:
        from .state import free_key, new_patch_id

        state = self._state(tree)
        try:
            plan = self._plan(tree)
            for target in plan.targets:
                state.check_not_own(target.path)
            if self.patch_id is None:
                self.patch_id = new_patch_id()
            result = success(self.patch_id, plan, self.operations, has_diffs=True)
            if is_dry:
                result['dry_run'] = True
            elif plan.targets:
                key = free_key(state, self.patch_id)
                self._land(state, key, plan, {'patch_id': self.patch_id, 'operations': len(self.operations), **self.meta})
                result['patch_id'] = key
                result['diff_path'] = state.shown('applied', key, 'patch.diff')
            return result
        finally:
            state.close()

    def _land(self, state: State, key: str, plan: Plan, about: dict[str, object]) -> None:
        import time

        from .diff import FileDiff
        from .landing import land

        diff = b''.join(FileDiff(outcome).whole() for outcome in plan.outcomes if outcome.status == 'applied')
        land(state, key, plan.targets, {'at': int(time.time() * 1000), **about}, diff)

    def _revert(self, tree: Tree) -> Result:
        from .history import plan_revert

        self.patch_id = self.invocation.positional[0]
        state = self._state(tree)
        try:
            reversal = plan_revert(state, self.patch_id)
            result = success(reversal.key, reversal.plan, [], has_diffs=True)
            result['reverts'] = reversal.undoes
            if self.invocation.has('--dry-run'):
                result['dry_run'] = True
            elif reversal.plan.targets:
                self._land(state, reversal.key, reversal.plan, {'patch_id': reversal.key, 'reverts': reversal.undoes, **self._meta_flags()})
                result['diff_path'] = state.shown('applied', reversal.key, 'patch.diff')
            return result
        finally:
            state.close()

    def _meta_flags(self) -> dict[str, object]:
        flags = {flag: self.invocation.get(flag) for flag in ('--task-id', '--requester', '--reason', '--branch', '--order-id')}
        return {flag[2:].replace('-', '_'): value for flag, value in flags.items() if value}

    def _list(self, tree: Tree) -> Result:
        from .history import list_applied

        state = self._state(tree)
        try:
            patches = list_applied(state)
        finally:
            state.close()
        return {'ok': True, 'success': True, 'patches': patches, 'total': len(patches)}

    def _recover(self, tree: Tree) -> Result:
        self._state(tree).close()
        return {'ok': True, 'success': True, 'recovered': self.recovered}


def _os_refusal(error: OSError) -> Refusal:
    """The file system said no; which file and why is all that a caller can use."""
    name = error.filename
    shown = '' if name is None else f' ({name!a})'
    return Refusal('INTERNAL', f'The file system refused: {error.strerror}{shown}.')
