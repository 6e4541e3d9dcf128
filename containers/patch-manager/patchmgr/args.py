"""The command line, without argparse: its import alone would double the start-up time."""
from __future__ import annotations

from .errors import Usage

_WITH_VALUE = frozenset((
    '--root', '--project-root', '--state-dir', '--apply', '--file', '--task-id', '--block', '--block-file', '--start', '--end', '--line',
    '--requester', '--reason', '--branch', '--order-id', '--orchestrator-url', '--anchor', '--marker', '--start-marker', '--end-marker',
    '--expected-hash', '--base-commit', '--max-changed', '--git-dir', '--base',
))
_SWITCHES = frozenset((
    '--dry-run', '--open-space', '--json', '--help', '--notify-only', '--include-markers', '--ts-check', '--no-ts-check', '--rollback-on-ts-error',
))
_PLACE = frozenset(('--root', '--project-root', '--state-dir', '--json', '--help'))
_META = frozenset(('--task-id', '--requester', '--reason', '--branch', '--order-id', '--orchestrator-url'))
_WRITE = _PLACE | _META | {'--dry-run', '--max-changed', '--ts-check', '--no-ts-check', '--rollback-on-ts-error'}
_APPLY = _WRITE | {'--notify-only', '--base-commit'}
_EDIT = _WRITE | {'--file', '--block', '--block-file', '--open-space', '--expected-hash', '--base-commit'}
_ANCHORED = _EDIT | {'--anchor', '--marker'}


class Command:
    """Which flags a command takes and the names of its positional arguments; those in brackets may be left out."""

    __slots__ = ('flags', 'needs', 'least')

    def __init__(self, flags: frozenset[str], *needs: str) -> None:
        self.flags = flags
        self.needs = needs
        self.least = sum(not name.startswith('[') for name in needs)


COMMANDS = {
    'apply': Command(_APPLY, 'FILE|-'),
    'apply-batch': Command(_APPLY, 'JSON'),
    'validate': Command(_PLACE | _META | {'--base-commit'}, 'FILE|-'),
    'remake': Command(_PLACE - {'--state-dir'} | {'--git-dir', '--base'}, 'FILE|-'),
    'merge-file': Command(frozenset(('--json', '--help')), 'BASE', 'OURS', 'THEIRS'),
    'list': Command(_PLACE),
    'blame': Command(_PLACE, 'PATH'),
    'recover': Command(_PLACE),
    'replay': Command(_WRITE, 'PATCH_ID'),
    'revert': Command(_PLACE | _META | {'--dry-run'}, 'PATCH_ID'),
    'notify': Command(_PLACE | {'--orchestrator-url'}, '[PATCH_ID]'),
    'list-tasks': Command(_PLACE | {'--task-id', '--order-id', '--file'}),
    'list-markers': Command(_PLACE, 'PATH'),
    'task': Command(_PLACE, 'get|status|complete|list', '[ID]'),
    'replace-block': Command(_ANCHORED | {'--start', '--end', '--start-marker', '--end-marker', '--include-markers'}),
    'insert-before': Command(_ANCHORED | {'--line'}),
    'insert-after': Command(_ANCHORED | {'--line'}),
    'append': Command(_EDIT),
    'prepend': Command(_EDIT),
}


class Invocation:
    def __init__(self, command: str, flags: dict[str, str], positional: list[str]) -> None:
        self.command = command
        self.flags = flags
        self.positional = positional

    def get(self, flag: str) -> str | None:
        return self.flags.get(flag)

    def has(self, flag: str) -> bool:
        return flag in self.flags


def parse(argv: list[str]) -> Invocation:
    """Raises Usage."""
    flags, words = _split(argv)
    if '--help' in flags:
        return Invocation('help', flags, words)
    if '--apply' in flags:
        # The older form has no command word.
        words = ['apply', flags.pop('--apply'), *words]
    if not words:
        raise Usage(f'No command. Commands: {", ".join(COMMANDS)}.')
    name, *positional = words
    command = COMMANDS.get(name)
    if command is None:
        raise Usage(f'Unknown command {name!a}. Commands: {", ".join(COMMANDS)}.')
    for flag in flags:
        if flag not in command.flags:
            raise Usage(f'{name} takes no {flag}.')
    if not command.least <= len(positional) <= len(command.needs):
        raise Usage(f'{name} takes {" ".join(command.needs) or "no arguments"}; {len(positional)} given.')
    return Invocation(name, flags, positional)


def _split(argv: list[str]) -> tuple[dict[str, str], list[str]]:
    flags: dict[str, str] = {}
    words: list[str] = []
    at = 0
    while at < len(argv):
        word = argv[at]
        at += 1
        if word == '--':
            return flags, words + argv[at:]
        if not word.startswith('-') or word == '-':
            words.append(word)
            continue
        flag, equals, value = word.partition('=')
        flag = '--help' if flag == '-h' else flag
        if flag in _WITH_VALUE:
            if not equals:
                if at == len(argv):
                    raise Usage(f'{flag} needs a value.')
                value = argv[at]
                at += 1
        elif flag not in _SWITCHES or equals:
            raise Usage(f'Unknown option {word!a}.')
        if flag in flags:
            raise Usage(f'{flag} is given twice.')
        flags[flag] = value
    return flags, words
