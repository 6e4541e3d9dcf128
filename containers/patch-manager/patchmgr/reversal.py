"""Taking a landing back and keeping what came later: a three-way merge in which the landing's result is the base."""
from __future__ import annotations

from .blobs import blob_id
from .conflicts import Conflict, conflict, merged_content, refuse_conflicts
from .diff import replaced
from .disk import read_file
from .edits import assemble, line_starts
from .errors import Refusal
from .model import FileChange
from .plan import ALREADY, MERGED, New, Outcome, Plan, Target
from .records import Entry, Side, original
from .tree import ABSENT, REGULAR, Seen, Tree
from .unified import edits_of, parse_diff


class Reverser:
    """`own` is the directory of the record."""

    def __init__(self, tree: Tree, own: int, key: str, entries: list[Entry] | None = None) -> None:
        self.tree = tree
        self.own = own
        self.key = key
        self.entries: dict[str, Entry] = {entry.path: entry for entry in entries or []}
        self.conflicts: list[Conflict] = []
        self._results: dict[str, bytes] | None = None

    def plan(self, entries: list[Entry], is_undone: bool) -> Plan:
        """Raises PATCH_CONFLICT, PATCH_CORRUPT. With `is_undone`, files that are no longer as they were are nobody's business."""
        plan = Plan()
        self.entries = {entry.path: entry for entry in entries}
        moved = {entry.source for entry in entries if entry.source and self._is_moved_with_later_work(entry)}
        for entry in entries:
            if entry.path in moved:
                continue
            if entry.source in moved:
                self._rename(plan, entry, self.entries[entry.source or ''], is_undone)
            else:
                self._file(plan, entry, is_undone)
        refuse_conflicts(self.conflicts)
        return plan

    def _is_moved_with_later_work(self, entry: Entry) -> bool:
        source = self.entries.get(entry.source or '')
        if source is None or source.old is None or source.new is not None or entry.new is None:
            return False
        seen = self.tree.read(entry.path)
        return seen.kind == REGULAR and not is_at(seen, entry.new) and entry.old is None

    def _file(self, plan: Plan, entry: Entry, is_undone: bool) -> None:
        seen = self.tree.read(entry.path)
        outcome = _outcome(entry, seen)
        plan.outcomes.append(outcome)
        if is_at(seen, entry.old) or (is_undone and not is_at(seen, entry.new)):
            outcome.status = ALREADY
            outcome.result = seen.data
            return
        if not is_at(seen, entry.new):
            self._later_work(plan, outcome, entry, seen)
        elif entry.old is None:
            outcome.edits = replaced(seen.data, b'')
            plan.targets.append(Target(entry.path, seen, None))
        else:
            outcome.result = self._original(entry)
            outcome.edits = replaced(seen.data, outcome.result)
            plan.targets.append(Target(entry.path, seen, _restored(outcome.result, entry.old, seen)))

    def _later_work(self, plan: Plan, outcome: Outcome, entry: Entry, seen: Seen) -> None:
        old, new = entry.old, entry.new
        if old is None or new is None or seen.kind != REGULAR:
            kind = 'delete-modify' if old is None else 'add-add' if new is None else 'modify-delete'
            self.conflicts.append(conflict(entry.path, kind, f'it has changed since {self.key!a} was applied'))
            return
        theirs = self._original(entry)
        base = seen.data if seen.blob == new.blob else self._result(entry, new)
        content = merged_content(entry.path, base, seen.data, theirs)
        if isinstance(content, dict):
            self.conflicts.append(content)
            return
        outcome.status = MERGED
        outcome.result, outcome.edits = content.data, content.edits
        mode = seen.mode if old.mode == new.mode else old.mode
        outcome.change.mode = mode
        outcome.change.result_blob = blob = blob_id(content.data)
        if not seen.is_at(blob) or mode != seen.mode:
            plan.targets.append(Target(entry.path, seen, New(content.data, blob, mode, seen)))

    def _rename(self, plan: Plan, entry: Entry, source: Entry, is_undone: bool) -> None:
        """The file goes back under its old name, with what was written into it since."""
        seen, before = self.tree.read(entry.path), self.tree.read(source.path)
        for item, found in ((source, before), (entry, seen)):
            plan.outcomes.append(_outcome(item, found))
        back, gone = plan.outcomes[-2:]
        if is_undone:
            back.status = gone.status = ALREADY
            back.result, gone.result = before.data, seen.data
            return
        if before.kind != ABSENT or entry.new is None or source.old is None:
            self.conflicts.append(conflict(source.path, 'rename-target', 'there is another file of that name'))
            return
        theirs = self._original(source)
        base = seen.data if seen.blob == entry.new.blob else self._result(entry, entry.new)
        content = merged_content(entry.path, base, seen.data, theirs)
        if isinstance(content, dict):
            self.conflicts.append(content)
            return
        mode = seen.mode if source.old.mode == entry.new.mode else source.old.mode
        back.status = gone.status = MERGED
        back.result, back.edits = content.data, replaced(b'', content.data)
        back.change.mode = mode
        back.change.result_blob = blob_id(content.data)
        gone.edits = replaced(seen.data, b'')
        plan.targets.append(Target(source.path, before, New(content.data, blob_id(content.data), mode, seen), entry.path))
        plan.targets.append(Target(entry.path, seen, None))

    def _original(self, entry: Entry) -> bytes:
        data = original(self.own, entry)
        if data is None:
            raise Refusal('PATCH_CORRUPT', f'The kept original of {entry.path!r} is damaged or missing.', path=entry.path)
        return data

    def original_of(self, entry: Entry) -> bytes:
        """Nothing where there was no file."""
        return b'' if entry.old is None else self._original(entry)

    def result_of(self, entry: Entry) -> bytes:
        """Nothing where there is no file any more."""
        return b'' if entry.new is None else self._result(entry, entry.new)

    def _result(self, entry: Entry, new: Side) -> bytes:
        data = self.result(entry)
        if data is None or blob_id(data) != new.blob:
            raise Refusal('PATCH_CORRUPT', f'The kept diff of {entry.path!r} does not lead to what was written.', path=entry.path)
        return data

    def result(self, entry: Entry) -> bytes | None:
        """What the landing wrote: the original with the kept diff."""
        if self._results is None:
            self._results = {}
            for file in parse_diff(read_file(self.own, 'patch.diff') or b'') if self.entries else []:
                source = self.entries.get((file.old or b'').decode('utf-8', 'replace'))
                base = self._original(source) if source is not None and source.old is not None else b''
                edits = edits_of(file, base)
                if file.new is not None and edits is not None:
                    self._results[file.new.decode('utf-8', 'replace')] = assemble(base, line_starts(base), edits)
        return self._results.get(entry.path)


def is_at(seen: Seen, side: Side | None) -> bool:
    """For None: a directory may stand where the file of this entry gave way to files below its name, or the reverse."""
    return seen.kind != REGULAR if side is None else seen.is_at(side.blob) and seen.mode == side.mode


def _outcome(entry: Entry, seen: Seen) -> Outcome:
    change = FileChange(entry.path, 'create' if entry.new is None else 'delete' if entry.old is None else 'modify', '100644')
    outcome = Outcome(change)
    outcome.base = seen.data
    outcome.old_mode = seen.mode or '100644'
    shown = entry.old or entry.new
    change.mode = shown.mode if shown else '100644'
    change.result_blob = entry.old.blob if entry.old else None
    return outcome


def _restored(data: bytes, old: Side, seen: Seen) -> New:
    made = New(data, old.blob, old.mode, seen)
    made.permissions = old.permissions
    return made
