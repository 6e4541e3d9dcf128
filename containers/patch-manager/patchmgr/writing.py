"""The commands that change the tree, and what follows from a landing: task, log, diff, compiler, events."""
from __future__ import annotations

import time

from .edits import count_lines
from .errors import Refusal, Usage, policy
from .plan import ALREADY, MERGED, Plan
from .report import Result, failure, success
from .session import Session
from .state import State, free_key, new_patch_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .tasks import Tasks
    from .ts_check import TsCheck

_Statuses = dict[str, str | None]


def apply(session: Session) -> Result:
    invocation = session.invocation
    if invocation.has('--notify-only'):
        return _notify_only(session)
    is_dry = invocation.command == 'validate' or invocation.has('--dry-run')
    before = None if is_dry else _compile_before(session)
    state = session.state()
    request = session.read()
    tasks = _tasks_of(session)
    plan = session.plan()
    statuses: _Statuses = {}
    if tasks is not None:
        from .tasks import check_allowed, task_id

        statuses = {task_id(task): _text(task.get('status')) for task in check_allowed(tasks, request, plan)}
    for target in plan.targets:
        state.check_not_own(target.path)
    if invocation.has('--max-changed'):
        _check_share(plan, invocation.get('--max-changed') or '')
    if session.patch_id is None:
        session.patch_id = new_patch_id()
    result = success(session.patch_id, plan, session.operations, has_diffs=True)
    if is_dry:
        result['dry_run'] = True
        if invocation.command == 'validate' and session.url():
            session.tell_unkept([session.event('patch_validated', {'dry_run': True})], session.url())
        return result
    if plan.targets:
        key = free_key(state, session.patch_id)
        about: Result = {'patch_id': session.patch_id, 'operations': len(session.operations), **session.meta}
        if statuses:
            about['task_statuses'] = statuses
        if request.replays is not None:
            result['replays'] = about['replays'] = request.replays
        told = _told(session, key, ['patch_requested', 'patch_applied'])
        result['diff_path'] = _land(state, key, plan, about, {name: 'patched' for name in statuses}, told)
        session.patch_id = result['patch_id'] = key
        return _finish(session, plan, result, before, told)
    return _finish(session, plan, result, None, [])


def _check_share(plan: Plan, most: str) -> None:
    """Raises PATCH_POLICY (max-changed) when more of a file's lines are touched than that many in a hundred."""
    if not (most.isascii() and most.isdigit() and len(most) <= 3):
        raise Usage('--max-changed needs a whole number, in percent.')
    for outcome in plan.outcomes:
        count = count_lines(outcome.base)
        touched = sum(max(edit.hi - edit.lo, count_lines(edit.block)) for edit in outcome.edits)
        if count and touched * 100 > count * int(most):
            path = outcome.change.path
            raise policy('max-changed', f'{path!a}: {touched} lines for {count} are more than {most} %.', path=path)


def _tasks_of(session: Session) -> Tasks | None:
    """The list of tasks, if the request works on one."""
    request = session.read()
    if not (request.meta.get('task_id') or any(operation.task_id for operation in request.operations)):
        return None
    from .tasks import base_commits, read_tasks

    tasks = read_tasks(session.tree)
    if tasks is not None:
        base_commits(tasks, request)
    return tasks


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _told(session: Session, key: str, kinds: list[str], more: Result | None = None) -> list[Result]:
    """What is told of a landing that has not begun; nothing, if nobody wants to know."""
    return [session.event(kind, {**(more or {}), 'patch_id': key}) for kind in kinds] if session.url() else []


def _in_full(events: list[Result], told: list[Result]) -> list[Result]:
    """The events under the ids of what was kept before the landing: whoever has spooled that has said the same thing."""
    return [{**event, 'event_id': kept['event_id']} for event, kept in zip(events, told)] or events


def _land(state: State, key: str, plan: Plan, about: dict[str, object], statuses: _Statuses, told: list[Result]) -> str:
    """Where the diff is kept. List of tasks and events follow the landing, also when this process dies in between."""
    from . import untold
    from .audit import keep_diff
    from .diff import FileDiff
    from .landing import land
    from .settling import finish, keep

    merged = [{'path': item.change.path, 'blob': item.change.result_blob} for item in plan.outcomes if item.status == MERGED]
    if merged:
        about['merged'] = merged
    diff = b''.join(FileDiff(outcome).whole() for outcome in plan.outcomes if outcome.status != ALREADY)
    keep(state, key, plan, statuses)
    untold.keep(state, key, told)
    land(state, key, plan.targets, {'at': int(time.time() * 1000), **about}, diff)
    finish(state)
    return keep_diff(state, key, diff)


def _finish(session: Session, plan: Plan, result: Result, before: TsCheck | None, told: list[Result]) -> Result:
    check = _compile_after(session, plan)
    result['ts_check_ok'] = None if check is None else check.is_ok
    if check is not None:
        result['ts_check_out'] = check.output
    operations = result['operations']
    for operation in operations if isinstance(operations, list) else []:
        operation['ts_check_ok'] = result['ts_check_ok']
    _log(session, plan, result)
    if check is not None and before is not None and not check.is_ok:
        from .ts_check import new_errors

        errors = new_errors(before, check)
        if errors:
            return _roll_back(session, result, errors)
    seen: Result = {key: result.get(key) for key in ('ts_check_ok', 'ts_check_out', 'diff_path')}
    events = _in_full([session.event('patch_requested'), session.event('patch_applied', seen)], told)
    if result['ts_check_ok']:
        events.append(session.event('patch_validated', seen))
    if session.url():
        session.tell(events)
    return result


def _log(session: Session, plan: Plan, result: Result) -> None:
    """A row for each operation, or for each file of a set. A log that cannot be written undoes nothing."""
    if not plan.targets:
        return
    from .audit import append_log, log_row

    meta = {key: session.meta.get(key) for key in ('requester', 'reason', 'branch', 'order_id')}
    common: Result = {'dry_run': False, 'ts_check_ok': result.get('ts_check_ok'), 'ts_check_out': result.get('ts_check_out'), 'meta': meta}
    request = session.request
    task_id = session.meta.get('task_id')
    if request is not None and request.files is None:
        parts: list[Result] = [
            {
                'op': item.kind, 'file': item.file, 'task_id': item.task_id or task_id,
                'open_space': item.open_space or 'open_space' in session.meta,
            }
            for item in request.operations
        ]
    else:
        word = 'revert' if session.invocation.command == 'revert' else None
        parts = [
            {'op': word or outcome.change.change, 'file': outcome.change.path, 'task_id': task_id, 'open_space': False} for outcome in plan.outcomes
        ]
    try:
        append_log(session.state(), [log_row(str(result['patch_id']), {**part, **common}) for part in parts])
    except (OSError, Refusal):
        result['log'] = 'not written'


def _wants_compiler(session: Session) -> bool:
    """A patch set is validated elsewhere, with the workspace's own commands."""
    invocation = session.invocation
    if invocation.has('--no-ts-check'):
        return False
    is_forced = invocation.has('--ts-check') or invocation.has('--rollback-on-ts-error')
    return is_forced or (session.request is not None and session.request.files is None)


def _compile_before(session: Session) -> TsCheck | None:
    """Only where a rollback is asked for: what counts is what the edit makes worse. Runs before the lock is taken."""
    if not session.invocation.has('--rollback-on-ts-error'):
        return None
    from .ts_check import find_tsc, run_tsc

    tsc = find_tsc(session.tree.root, [])
    return run_tsc(session.tree.root, tsc) if tsc else None


def _compile_after(session: Session, plan: Plan) -> TsCheck | None:
    if not plan.targets or not _wants_compiler(session):
        return None
    from .ts_check import find_tsc, is_for, run_tsc

    paths = [target.path for target in plan.targets]
    tsc = find_tsc(session.tree.root, paths) if is_for(paths) else None
    if tsc is None:
        return None
    from .state import lock, unlock

    unlock(session.tree)
    try:
        return run_tsc(session.tree.root, tsc)
    finally:
        try:
            lock(session.tree)
        except Refusal:
            # The landing stands, and what is left to do can be done twice.
            pass


def _roll_back(session: Session, result: Result, errors: list[str]) -> Result:
    key = str(result['patch_id'])
    undo, told = _take_back(session, key, {'reason': 'the compiler found new errors'})
    refusal = Refusal('PATCH_POLICY', f'The compiler found {len(errors)} new error(s), so {key!a} was taken back.', rule='ts-check', errors=errors[:20])
    session.patch_id = key
    if session.url():
        session.tell([
            session.event('patch_requested'), session.event('patch_failed', {'error': refusal.message, 'code': refusal.code}),
            *_in_full([session.event('patch_reverted', {'reverted_by': undo['patch_id']})], told),
        ])
    kept = {name: result.get(name) for name in ('ts_check_ok', 'ts_check_out')}
    return {**failure(refusal, key, session.operations), **kept, 'rolled_back': True, 'reverted_by': undo['patch_id']}


def revert(session: Session) -> Result:
    session.patch_id = patch_id = session.invocation.positional[0]
    session.state()
    result, told = _take_back(session, patch_id, dict(session.meta), session.invocation.has('--dry-run'))
    if result.get('dry_run'):
        return result
    session.patch_id = str(result['patch_id'])
    if result['diff_path'] and session.url():
        session.tell(_in_full([session.event('patch_reverted', {'reverts': result['reverts'], 'diff_path': result['diff_path']})], told))
    return result


def _take_back(session: Session, patch_id: str, meta: dict[str, object], is_dry: bool = False) -> tuple[Result, list[Result]]:
    from .history import plan_revert

    state = session.state()
    reversal = plan_revert(state, patch_id)
    plan = reversal.plan
    for target in plan.targets:
        state.check_not_own(target.path)
    result = success(reversal.key, plan, [], has_diffs=True)
    result['reverts'] = reversal.undoes
    told: list[Result] = []
    if is_dry:
        result['dry_run'] = True
        return result, told
    if plan.targets:
        then = reversal.record.get('task_statuses')
        statuses: _Statuses = {name: _text(value) for name, value in then.items()} if isinstance(then, dict) else {}
        about: Result = {'patch_id': reversal.key, 'reverts': reversal.undoes, **meta}
        if statuses:
            about['task_statuses'] = _statuses_now(session, statuses)
        told = _told(session, reversal.key, ['patch_reverted'], {'reverts': reversal.undoes})
        result['diff_path'] = _land(state, reversal.key, plan, about, statuses, told)
        _log(session, plan, result)
    return result, told


def _statuses_now(session: Session, statuses: _Statuses) -> _Statuses:
    from .tasks import read_tasks

    try:
        tasks = read_tasks(session.tree)
    except Refusal:
        tasks = None
    return {name: _text((tasks.get(name) or {}).get('status')) if tasks else None for name in statuses}


def _notify_only(session: Session) -> Result:
    """Says what is asked for and changes nothing."""
    from .events import DEFAULT_URL, endpoint

    request = session.read()
    session.patch_id = session.patch_id or request.meta.get('order_id') or new_patch_id()
    url = endpoint(session.invocation.get('--orchestrator-url'), DEFAULT_URL)
    is_heard = session.tell_unkept([session.event('patch_requested')], url)
    result: Result = {
        'ok': is_heard, 'success': is_heard, 'patch_id': session.patch_id, 'notify_only': True, 'operations': [], 'results': [],
        'total': len(request.operations), 'succeeded': 0, 'failed': 0, 'files': [], 'diff_path': None,
    }
    if not is_heard:
        result['error'] = {'code': 'UNAVAILABLE', 'message': 'The orchestrator did not take the event.'}
    return result


def failed(session: Session, refusal: Refusal) -> None:
    """Tells of a refusal, where something was really to be written."""
    if session.request is None or session.invocation.command in ('validate', 'remake') or not session.has_state:
        return
    if session.invocation.has('--dry-run') or session.invocation.has('--notify-only') or not session.url():
        return
    session.tell([session.event('patch_requested'), session.event('patch_failed', {'error': refusal.message[:2000], 'code': refusal.code})])
