"""One command on one tree: what it knows, and what it leaves behind when it fails."""
from __future__ import annotations

import os

from .args import Invocation
from .model import Operation, Request
from .plan import Plan, make_plan
from .requests import meta_of, request_of
from .state import State, lock
from .tree import Tree

Record = dict[str, object]


class Session:
    def __init__(self, invocation: Invocation, tree: Tree) -> None:
        self.invocation = invocation
        self.tree = tree
        self.patch_id: str | None = None
        self.request: Request | None = None
        self.meta: dict[str, str] = meta_of(invocation)
        self.recovered: list[Record] = []
        self.told: Record | None = None
        self._state: State | None = None

    @property
    def operations(self) -> list[Operation]:
        return self.request.operations if self.request else []

    @property
    def has_state(self) -> bool:
        return self._state is not None

    def state(self) -> State:
        """The state directory, locked, with nothing left under way."""
        if self._state is None:
            from .recovery import recover

            state = State(self.tree, self.invocation.get('--state-dir'))
            lock(self.tree)
            self._state = state
            self.recovered = recover(state)
        return self._state

    def close(self) -> None:
        if self._state is not None:
            self._state.close()

    def read(self) -> Request:
        if self.request is None:
            self.request = self._replayed() if self.invocation.command == 'replay' else request_of(self.invocation, self.tree)
            self.patch_id = self.request.patch_id
            self.meta = self.request.meta
        return self.request

    def _replayed(self) -> Request:
        from .replay import request_of_record

        request = request_of_record(self.state(), self.invocation.positional[0])
        request.meta |= self.meta
        return request

    def plan(self, is_exact: bool = False, git_dir: str | None = None) -> Plan:
        return make_plan(self.tree, self.read(), is_exact, git_dir)

    # What the orchestrator hears.

    def url(self) -> str | None:
        """None if no orchestrator is known. Raises Usage."""
        if not (self.invocation.get('--orchestrator-url') or os.environ.get('ORCHESTRATOR_URL')):
            return None
        from .events import endpoint

        return endpoint(self.invocation.get('--orchestrator-url'))

    def event(self, kind: str, more: Record | None = None) -> Record:
        from .events import make_event

        shown = [{'file': operation.file, 'op': operation.kind} for operation in self.operations[:100]]
        first = shown[0] if shown else {'file': None, 'op': self.invocation.command}
        meta = {key: value for key, value in self.meta.items() if key in ('requester', 'reason', 'branch', 'order_id', 'execution_id')}
        return make_event(kind, {
            'patch_id': self.patch_id, **first, 'task_id': self.meta.get('task_id'), 'operations': shown,
            'meta': {**meta, 'total_operations': len(self.operations)}, **(more or {}),
        })

    def tell(self, events: list[Record]) -> None:
        """Gives up the lock. Never raises for what the orchestrator does."""
        url = self.url()
        if url is not None and events:
            from .events import tell

            self.told = tell(self.state(), url, events)

    def tell_unkept(self, events: list[Record], url: str | None) -> bool:
        """Without a trace on the disk. True if all got through."""
        if url is None:
            return False
        from .events import BUDGET_S, deliver

        delivery = deliver(url, events, BUDGET_S)
        self.told = {'sent': len(delivery.sent), 'dropped': len(delivery.dropped), 'waiting': 0}
        if delivery.problem:
            self.told['problem'] = delivery.problem
        return len(delivery.sent) == len(events)
