"""The commands that look, and those that only touch the state."""
from __future__ import annotations

from .errors import Refusal, Usage
from .report import Result
from .session import Session


def list_patches(session: Session) -> Result:
    from .history import list_applied

    patches = list_applied(session.state())
    return {'ok': True, 'success': True, 'patches': patches, 'total': len(patches)}


def recover(session: Session) -> Result:
    session.state()
    return {'ok': True, 'success': True, 'recovered': session.recovered}


def blame(session: Session) -> Result:
    from .blame import blame_file
    from .names import check_path

    path = session.invocation.positional[0]
    check_path(path)
    lines = blame_file(session.state(), path)
    return {'ok': True, 'success': True, 'file': path, 'lines': lines, 'total': len(lines)}


def list_tasks(session: Session) -> Result:
    from .task_commands import list_tasks as listed

    get = session.invocation.get
    return listed(session.tree, get('--task-id') or get('--order-id'), get('--file'))


def task(session: Session) -> Result:
    from .task_commands import taskctl

    words = session.invocation.positional
    if words[0] not in ('get', 'status', 'complete', 'list') or (len(words) < 2 and words[0] != 'list'):
        raise Usage('Tasks: get ID, status ID, complete ID, list [ID].')
    session.state()
    return taskctl(session.tree, words)


def list_markers(session: Session) -> Result:
    from .blobs import is_text
    from .lines import split_lines
    from .markers import list_markers as listed
    from .names import check_path
    from .tree import REGULAR

    path = session.invocation.positional[0]
    check_path(path)
    seen = session.tree.read(path)
    if seen.kind != REGULAR:
        raise Refusal('PATCH_NOT_FOUND', f'There is no file {path!a}.', path=path)
    if not is_text(seen.data):
        raise Refusal('PATCH_BINARY_UNSUPPORTED', f'{path!a} is not UTF-8 text without NUL.', path=path)
    found = [{'kind': kind, 'name': name, 'line': line} for kind, name, line in listed(split_lines(seen.data))]
    return {'ok': True, 'success': True, 'file': path, 'markers': found, 'total': len(found)}


def notify(session: Session) -> Result:
    """Sends what waits in the spool; with an id, first says again what became of that patch."""
    from .events import DEFAULT_URL, endpoint, tell
    from .history import read_record

    words = session.invocation.positional
    state = session.state()
    events: list[Result] = []
    if words:
        record = read_record(state, words[0]) if state.is_key(words[0]) else None
        if record is None:
            raise Refusal('PATCH_NOT_FOUND', f'No patch {words[0]!a} has been applied here.', patch_id=words[0])
        session.patch_id = words[0]
        session.meta = {key: value for key, value in record.items() if isinstance(value, str)}
        events.append(session.event('patch_reverted' if 'reverts' in record else 'patch_applied', {'op': None, 'repeated': True}))
    url = endpoint(session.invocation.get('--orchestrator-url'), DEFAULT_URL)
    if url is None:
        raise Usage('ORCHESTRATOR_URL is not an http or https address.')
    session.told = told = tell(state, url, events)
    is_ok = told['waiting'] == 0 and told['dropped'] == 0
    result: Result = {'ok': is_ok, 'success': is_ok, 'patch_id': session.patch_id}
    if not is_ok:
        result['error'] = {'code': 'UNAVAILABLE', 'message': f'{told["waiting"]} event(s) wait, {told["dropped"]} were refused.'}
    return result
