"""What a landing will be told as. It is kept before the landing, so that a process that dies right after it has still said so: the next
command puts it into the spool. Of a landing that was rolled back nothing is told.
"""
from __future__ import annotations

from .disk import read_file, remove_tree, write_new
from .errors import Refusal
from .state import State

UNTOLD = 'untold.json'

Event = dict[str, object]


def keep(state: State, key: str, events: list[Event]) -> None:
    """To be called before the landing `key` begins. An edit does not fail for it. Not flushed: it is for processes that die."""
    if not events:
        return
    import json

    try:
        home = state.made()
        remove_tree(home, UNTOLD)
        write_new(home, UNTOLD, json.dumps({'key': key, 'events': events}).encode(), 0o600)
    except (OSError, Refusal):
        return


def spool(state: State) -> None:
    """Puts into the spool what is kept, if its landing stands. The caller holds the lock, and nothing is under way."""
    home = state.open()
    try:
        data = None if home is None else read_file(home, UNTOLD)
        if home is None or data is None:
            return
        events = _events_of(state, data)
        if events:
            from .events import Spool

            Spool(state).add(events)
        remove_tree(home, UNTOLD)
    except (OSError, Refusal):
        return


def forget(state: State) -> None:
    """The spool has it, or better."""
    home = state.open()
    if home is not None:
        remove_tree(home, UNTOLD)


def _events_of(state: State, data: bytes) -> list[Event]:
    """It lies where anybody may write: what does not fit is nothing."""
    import json

    from .history import read_record

    try:
        kept = json.loads(data)
    except (ValueError, RecursionError):
        return []
    key, events = (kept.get('key'), kept.get('events')) if isinstance(kept, dict) else (None, None)
    if not isinstance(key, str) or not state.is_key(key) or read_record(state, key) is None or not isinstance(events, list):
        return []
    return [event for event in events if isinstance(event, dict) and isinstance(event.get('event_id'), str)]
