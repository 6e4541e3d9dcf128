"""Events: one shape, best effort, kept on the disk until they get through, and never in the way of an edit."""
from __future__ import annotations

import json
import os
import socket
import threading
import unittest
import unittest.mock
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from support import Answer, TreeCase, append, call, change, patch_set, replace, text

TOKEN = 'the-token-of-this-test'


class Orchestrator:
    """Answers with `status`; None accepts the connection and says nothing."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.tokens: set[str | None] = set()
        self.status: int | None = 202
        self.released = threading.Event()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers['content-length']))
                if owner.status is None:
                    owner.released.wait(30)
                    return
                if owner.status < 300:
                    owner.events.append(json.loads(body))
                owner.paths.append(self.path)
                owner.tokens.add(self.headers.get('authorization'))
                self.send_response(owner.status)
                self.send_header('location', '/elsewhere')
                self.send_header('content-length', '0')
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self.server.server_port}'
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    @property
    def kinds(self) -> list[str]:
        return [event['event'] for event in self.events]


class Events(TreeCase):
    def setUp(self) -> None:
        super().setUp()
        self.orchestrator = Orchestrator()
        self.addCleanup(self.orchestrator.close)
        patcher = unittest.mock.patch.dict(os.environ, {'ORCHESTRATOR_URL': self.orchestrator.url, 'ORCHESTRATOR_TOKEN': TOKEN})
        patcher.start()
        self.addCleanup(patcher.stop)
        self.fill(text(f='1\n2\n'))

    def edit(self, *more: str) -> Answer:
        return call('append', '--root', self.root, '--file', 'f', '--block', 'x\n', '--task-id', 'T', '--requester', 'r', '--order-id', 'O', *more)

    def spooled(self) -> list[str]:
        path = os.path.join(self.root, '.mission_control/patch-manager/events.jsonl')
        if not os.path.exists(path):
            return []
        with open(path, encoding='utf-8') as file:
            return [json.loads(line)['event'] for line in file]

    def test_life_of_a_patch(self) -> None:
        answer = self.edit()
        self.assertEqual(answer.json['events'], {'sent': 2, 'dropped': 0, 'waiting': 0})
        requested, applied = self.orchestrator.events
        self.assertEqual(self.orchestrator.kinds, ['patch_requested', 'patch_applied'])
        expected = {
            'patch_id': answer.json['patch_id'], 'file': 'f', 'op': 'append', 'task_id': 'T', 'status': 'applied', 'phase': 'PHASE_IMPLEMENTED',
            'ts_check_ok': None, 'diff_path': answer.json['diff_path'], 'operations': [{'file': 'f', 'op': 'append'}],
            'meta': {'requester': 'r', 'order_id': 'O', 'total_operations': 1},
        }
        self.assertEqual({key: applied[key] for key in expected}, expected)
        self.assertNotEqual(requested['event_id'], applied['event_id'])
        self.assertEqual((set(self.orchestrator.paths), self.orchestrator.tokens), ({'/api/patches/events'}, {f'Bearer {TOKEN}'}))
        self.assertEqual(call('revert', '--root', self.root, answer.json['patch_id']).code, 0)
        self.assertEqual(self.orchestrator.kinds[2:], ['patch_reverted'])
        self.assertEqual(self.run_on('apply', replace('f', 9, 9, 'x\n')).error, 'PATCH_INVALID')
        self.assertEqual(self.orchestrator.kinds[3:], ['patch_requested', 'patch_failed'])
        self.assertEqual(self.orchestrator.events[-1]['code'], 'PATCH_INVALID')
        made = patch_set([change('f', 'modify', (b'1\n2\n', b'1\n2\nx\n'))], [append('f', 'x\n')])
        self.assertEqual(self.run_on('validate', made).code, 0)
        self.assertEqual(self.orchestrator.kinds[5:], ['patch_validated'])

    def test_dry_run_says_and_writes_nothing(self) -> None:
        self.assertEqual(self.edit('--dry-run').code, 0)
        self.assertEqual(self.edit('--dry-run', '--expected-hash', '0' * 40).code, 1)
        self.assertEqual((self.orchestrator.kinds, os.listdir(self.root)), ([], ['f']))

    def test_what_does_not_get_through_waits(self) -> None:
        self.orchestrator.status = 503
        for count in (2, 4):
            answer = self.edit()
            self.assertEqual((answer.code, answer.json['events']['waiting'], len(self.spooled())), (0, count, count))
        self.orchestrator.status = 202
        self.assertEqual(call('notify', '--root', self.root).code, 0)
        self.assertEqual(self.orchestrator.kinds, ['patch_requested', 'patch_applied'] * 2)
        self.assertEqual(self.spooled(), [])
        self.assertEqual(len({event['event_id'] for event in self.orchestrator.events}), 4)

    def test_refused_for_good_is_not_said_again(self) -> None:
        self.orchestrator.status = 422
        self.assertEqual(self.edit().json['events'], {'sent': 0, 'dropped': 2, 'waiting': 0})
        self.assertEqual(self.spooled(), [])

    def test_the_token_does_not_follow_redirects(self) -> None:
        for status in (302, 307, 308):
            self.orchestrator.status = status
            self.assertEqual(self.edit().code, 0)
        self.assertEqual(set(self.orchestrator.paths), {'/api/patches/events'})

    def test_the_spool_is_bounded(self) -> None:
        self.orchestrator.status = 503
        with unittest.mock.patch('patchmgr.events.MAX_SPOOLED', 3):
            for _ in range(3):
                self.assertEqual(self.edit().code, 0)
            self.assertEqual(self.spooled(), ['patch_applied', 'patch_requested', 'patch_applied'])
        with unittest.mock.patch('patchmgr.events.MAX_SPOOL_BYTES', 10):
            self.assertEqual((self.edit().code, self.spooled()), (0, []))

    def test_nobody_answers(self) -> None:
        """A server that hangs, a port that is closed, a name that is none: the edit is done all the same."""
        self.orchestrator.status = None
        with unittest.mock.patch('patchmgr.events.BUDGET_S', 0.2):
            self.assertEqual((self.edit().code, len(self.spooled())), (0, 2))
            with socket.socket() as closed:
                closed.bind(('127.0.0.1', 0))
                port = closed.getsockname()[1]
            for url in (f'http://127.0.0.1:{port}', 'http://[', 'http://name.invalid', 'http://127.0.0.1:99999/x'):
                self.assertEqual(self.edit('--orchestrator-url', url).code, 0, url)
        self.assertEqual(self.tree(), text(f='1\n2\n' + 'x\n' * 5))

    def test_addresses_that_are_none(self) -> None:
        for url in ('file:///etc/passwd', 'ftp://x', 'x', 'http://a b', 'http://a\n'):
            self.assertEqual(self.edit('--orchestrator-url', url).code, 2, url)
        with unittest.mock.patch.dict(os.environ, {'ORCHESTRATOR_URL': 'file:///etc/passwd'}):
            self.assertEqual(self.edit().code, 0)
        self.assertEqual((self.orchestrator.kinds, self.tree()), ([], text(f='1\n2\nx\n')))

    def test_notify(self) -> None:
        patch_id = self.edit().json['patch_id']
        self.orchestrator.events.clear()
        self.assertEqual(call('notify', patch_id, '--root', self.root).code, 0)
        self.assertEqual([(event['event'], event['patch_id']) for event in self.orchestrator.events], [('patch_applied', patch_id)])
        self.assertEqual(call('notify', '../x', '--root', self.root).error, 'PATCH_NOT_FOUND')
        self.orchestrator.status = 500
        self.assertEqual(call('notify', patch_id, '--root', self.root).error, 'UNAVAILABLE')

    def test_notify_only(self) -> None:
        answer = self.run_on('apply', {'orderId': 'O', 'patches': [append('f', 'x\n')]}, '--notify-only')
        self.assertEqual((answer.code, self.orchestrator.kinds, os.listdir(self.root)), (0, ['patch_requested'], ['f']))
        self.orchestrator.status = 500
        self.assertEqual(self.run_on('apply', append('f', 'x\n'), '--notify-only').error, 'UNAVAILABLE')

    def test_a_planted_spool(self) -> None:
        self.edit()
        path = os.path.join(self.root, '.mission_control/patch-manager/events.jsonl')
        for planted in (b'\xff\n[1]\n{"event_id": 5}\n' + b'[' * 100_000 + b'\nnull', b''):
            with open(path, 'wb') as file:
                file.write(planted)
            self.assertEqual(self.edit().code, 0)
        os.symlink('/etc/passwd', path)
        self.assertEqual(self.edit().code, 0)


if __name__ == '__main__':
    unittest.main()
