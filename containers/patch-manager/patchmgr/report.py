"""The JSON object on stdout. Older callers read `success` and `results`, newer ones `ok` and `operations`."""
from __future__ import annotations

from .edits import count_lines
from .errors import Refusal
from .model import Operation
from .plan import ALREADY, MERGED, Outcome, Plan

Result = dict[str, object]


def error_body(code: str, message: str, details: dict[str, object] | None = None) -> Result:
    return {'code': code, 'message': message, **({'details': details} if details else {})}


def failure(refusal: Refusal, patch_id: str | None, operations: list[Operation]) -> Result:
    """Nothing was written, so no operation succeeded."""
    text = f'Not applied, the whole request was refused: {refusal.message}'
    listed = [{'success': False, 'file': operation.file, 'op': operation.kind, 'error': text} for operation in operations]
    return {
        **_counted(False, patch_id, listed),
        'files': [],
        'diff_path': None,
        'error': error_body(refusal.code, refusal.message, refusal.details),
    }


def _counted(is_ok: bool, patch_id: str | None, operations: list[Result]) -> Result:
    total = len(operations)
    return {
        'ok': is_ok,
        'success': is_ok,
        'patch_id': patch_id,
        'operations': operations,
        'results': operations,
        'total': total,
        'succeeded': total if is_ok else 0,
        'failed': 0 if is_ok else total,
    }


def success(patch_id: str | None, plan: Plan, operations: list[Operation], has_diffs: bool) -> Result:
    """`operations` in the order of the request; `files` in the order of the set."""
    listed = _operations(plan, operations, has_diffs) if operations else [_file_operation(outcome, has_diffs) for outcome in plan.outcomes]
    result = _counted(True, patch_id, listed)
    result['files'] = [_file(outcome) for outcome in plan.outcomes]
    result['diff_path'] = None
    if len(plan.outcomes) == 1:
        result['lines_before'] = count_lines(plan.outcomes[0].base)
        result['lines_after'] = count_lines(plan.outcomes[0].result)
    return result


def _file(outcome: Outcome) -> Result:
    change = outcome.change
    file: Result = {'path': change.path, 'change': change.change, 'mode': change.mode, 'blob': change.result_blob, 'status': outcome.status}
    if change.source is not None:
        file['from'] = change.source
    if any(operation.normalised for operation in outcome.operations):
        file['normalised'] = True
    return file


def _operations(plan: Plan, operations: list[Operation], has_diffs: bool) -> list[Result]:
    made: dict[int, Result] = {}
    for outcome in plan.outcomes:
        before, after = count_lines(outcome.base), count_lines(outcome.result)
        differ = None
        if has_diffs:
            from .diff import FileDiff

            differ = FileDiff(outcome)
        edits = {id(edit.operation): edit for edit in outcome.edits}
        for number, operation in enumerate(outcome.operations):
            result: Result = {'success': True, 'file': operation.file, 'op': operation.kind}
            if differ:
                # No edit: the file was at its result before. A merge is told whole, with the first operation.
                edit = edits.get(id(operation))
                shown = outcome.edits if outcome.status == MERGED and number == 0 else [edit] if edit else []
                result['diff'] = differ.of(shown).decode('utf-8', 'replace') if shown else ''
            result['lines_before'] = before
            result['lines_after'] = after
            if operation.normalised:
                result['normalised'] = True
            made[id(operation)] = result
    return [made[id(operation)] for operation in operations]


def _file_operation(outcome: Outcome, has_diffs: bool) -> Result:
    """A change of a whole file counts as one operation where the request has none."""
    result: Result = {'success': True, 'file': outcome.change.path, 'op': outcome.change.change}
    if has_diffs:
        from .diff import FileDiff

        result['diff'] = FileDiff(outcome).whole().decode('utf-8', 'replace') if outcome.status != ALREADY else ''
    result['lines_before'] = count_lines(outcome.base)
    result['lines_after'] = count_lines(outcome.result)
    return result
