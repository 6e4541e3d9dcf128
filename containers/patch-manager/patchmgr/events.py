"""Telling the orchestrator, at best effort: what cannot be delivered waits in a spool, and no edit waits longer than BUDGET_S."""
from __future__ import annotations

import os
import time

from .disk import read_file, remove_tree, write_new
from .errors import Refusal, Usage
from .state import State, new_patch_id

BUDGET_S = 2.0
MAX_SPOOLED = 200
MAX_SPOOL_BYTES = 1024 * 1024
DEFAULT_URL = 'http://localhost:8787'
_SPOOL = 'events.jsonl'
_PHASES = {'patch_requested': 'PHASE_GENERATED', 'patch_applied': 'PHASE_IMPLEMENTED', 'patch_validated': 'PHASE_VALIDATED'}
# Answers that will not change when the same thing is said again.
_FINAL = range(400, 500)
_RETRIED = (401, 403, 404, 408, 425, 429)

Event = dict[str, object]


class Delivery:
    def __init__(self) -> None:
        self.sent: list[str] = []
        self.dropped: list[str] = []
        self.problem: str | None = None


def make_event(kind: str, about: Event) -> Event:
    """One shape for all kinds; `event_id` makes saying it twice harmless."""
    return {
        'event_id': new_patch_id(), 'event': kind, 'event_type': kind, 'status': kind.removeprefix('patch_'), 'phase': _PHASES.get(kind),
        'at': int(time.time() * 1000), **about,
    }


def endpoint(given: str | None, default: str | None = None) -> str | None:
    """The address to post to; None if no orchestrator is known. Raises Usage for what is no http address."""
    url = given or os.environ.get('ORCHESTRATOR_URL') or default
    if not url:
        return None
    if not url.startswith(('http://', 'https://')) or len(url) > 2000 or not url.isprintable() or ' ' in url:
        if given is None:
            return None
        raise Usage(f'--orchestrator-url must be an http or https address, not {url[:100]!a}.')
    return url.rstrip('/') + '/api/patches/events'


def deliver(url: str, events: list[Event], budget_s: float) -> Delivery:
    """Posts them in order and stops at the first that does not get through. The thread is what bounds it all: names are looked up and
    answers trickle in without any time limit of their own."""
    from threading import Thread

    delivery = Delivery()
    deadline = time.monotonic() + budget_s
    thread = Thread(target=_post_all, args=(url, events, deadline, delivery), daemon=True)
    thread.start()
    thread.join(budget_s)
    if thread.is_alive():
        # What the thread still does to its own object must not be seen half-way.
        late = Delivery()
        late.sent, late.dropped, late.problem = delivery.sent[:], delivery.dropped[:], 'no answer in time'
        return late
    return delivery


def _post_all(url: str, events: list[Event], deadline: float, delivery: Delivery) -> None:
    import json
    from urllib import error, request

    class NoRedirects(request.HTTPRedirectHandler):
        """The token is for this address only."""

        def redirect_request(self, *_: object) -> None:  # type: ignore[override]
            return None

    opener = request.build_opener(NoRedirects)
    token = os.environ.get('ORCHESTRATOR_TOKEN') or os.environ.get('ORCHESTRATOR_API_KEY')
    headers = {'content-type': 'application/json', 'user-agent': 'patch-manager', **({'authorization': f'Bearer {token}'} if token else {})}
    for event in events:
        left = deadline - time.monotonic()
        if left <= 0:
            delivery.problem = 'no time left'
            return
        name = str(event['event_id'])
        try:
            post = request.Request(url, json.dumps(event).encode(), headers, method='POST')
            with opener.open(post, timeout=left):
                delivery.sent.append(name)
        except error.HTTPError as refused:
            refused.close()
            if refused.code not in _FINAL or refused.code in _RETRIED:
                delivery.problem = f'HTTP {refused.code}'
                return
            delivery.dropped.append(name)
        except Exception as failure:
            # Whatever it is, an edit does not fail for it. Only its kind is told: the text may hold the address and its credentials.
            delivery.problem = type(failure).__name__
            return


class Spool:
    """Events on the disk, oldest first, one JSON object a line. The caller holds the lock."""

    def __init__(self, state: State) -> None:
        self.state = state

    def read(self) -> list[Event]:
        home = self.state.open()
        data = None if home is None else read_file(home, _SPOOL)
        if not data:
            return []
        import json

        events: list[Event] = []
        for line in data[-MAX_SPOOL_BYTES:].split(b'\n'):
            try:
                event = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(event, dict) and isinstance(event.get('event_id'), str):
                events.append(event)
        return events[-MAX_SPOOLED:]

    def add(self, events: list[Event]) -> list[Event]:
        """All that waits then. What is there under the same id is replaced: the same thing was said with less."""
        new = {event['event_id'] for event in events}
        waiting = [*(event for event in self.read() if event['event_id'] not in new), *events]
        self.write(waiting)
        return waiting

    def write(self, events: list[Event]) -> None:
        home = self.state.open(make=bool(events))
        if home is None:
            return
        import json

        lines: list[bytes] = []
        size = 0
        for event in reversed(events[-MAX_SPOOLED:]):
            line = json.dumps(event, separators=(',', ':')).encode() + b'\n'
            size += len(line)
            if size > MAX_SPOOL_BYTES:
                break
            lines.append(line)
        remove_tree(home, _SPOOL + '.new')
        if lines:
            write_new(home, _SPOOL + '.new', b''.join(reversed(lines)), 0o600)
            os.rename(_SPOOL + '.new', _SPOOL, src_dir_fd=home, dst_dir_fd=home)
        else:
            remove_tree(home, _SPOOL)


def tell(state: State, url: str, events: list[Event]) -> dict[str, object]:
    """Spools, sends without the lock, and takes what got through out of the spool. The caller holds the lock and loses it."""
    from .state import lock, unlock
    from .untold import forget

    started = time.monotonic()
    spool = Spool(state)
    try:
        waiting = spool.add(events)
        forget(state)
    except (OSError, Refusal):
        # Without a place to keep them they are still sent once.
        waiting = events
    unlock(state.tree)
    delivery = deliver(url, waiting, BUDGET_S * 0.8)
    done = {*delivery.sent, *delivery.dropped}
    if done:
        try:
            lock(state.tree, max(BUDGET_S - (time.monotonic() - started), 0.05))
            spool.write([event for event in spool.read() if event['event_id'] not in done])
        except (OSError, Refusal):
            # They will be sent again, under the same ids.
            delivery.problem = delivery.problem or 'the spool is busy'
    left = len(waiting) - len(done)
    told: dict[str, object] = {'sent': len(delivery.sent), 'dropped': len(delivery.dropped), 'waiting': left}
    if delivery.problem:
        told['problem'] = delivery.problem
    return told
