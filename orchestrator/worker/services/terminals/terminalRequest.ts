import { AppError, SOCKET_PROTOCOL } from '@shared/contracts'
import type { TerminalCall } from './terminals.ts'

const CALL_HEADER = 'x-vibehq-terminal'

/** The request that opens a terminal at a container. Nothing of the client's own request goes along. */
export function terminalRequest({ hasProtocol, ...call }: TerminalCall & { hasProtocol: boolean }): Request {
	const headers = new Headers({ upgrade: 'websocket', [CALL_HEADER]: encodeURIComponent(JSON.stringify(call)) })
	if (hasProtocol) headers.set('sec-websocket-protocol', SOCKET_PROTOCOL)
	return new Request('https://container/terminal', { headers })
}

/** What `terminalRequest` put into a request. */
export function terminalCallOf(request: Request): TerminalCall {
	const call = request.headers.get(CALL_HEADER)
	if (call === null) throw new AppError('INVALID_INPUT', 'A container answers to its pool and to terminals only.')
	return JSON.parse(decodeURIComponent(call)) as TerminalCall
}
