import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { createEmulator, type Emulator, type EmulatorOptions, type RecordedRequest } from './emulator.ts'

export interface StartEmulatorOptions extends EmulatorOptions {
	/** 0 or absent takes any free port. */
	port?: number
	/** Absent means loopback only. */
	host?: string
}

export interface RunningEmulator {
	/** Base URL without a slash at the end. */
	url: string
	port: number
	/** Every request since the start, oldest first. */
	requests: RecordedRequest[]
	setScenarios(scenarios: unknown): void
	addScenarios: Emulator['addScenarios']
	/** Stops at once; open and stalled connections are cut. */
	close(): Promise<void>
}

/**
 * Serves the emulator over HTTP/1.1.
 * @throws AppError INVALID_INPUT for bad scenarios; Error of node:net when the port is taken.
 */
export async function startEmulator(options: StartEmulatorOptions): Promise<RunningEmulator> {
	const requests: RecordedRequest[] = []
	const emulator = createEmulator({
		...options,
		onRequest(request) {
			requests.push(request)
			options.onRequest?.(request)
		},
	})
	const host = options.host ?? '127.0.0.1'
	const server = createServer((incoming, outgoing) => void serve(emulator.fetch, incoming, outgoing))
	// A stalled answer has to last as long as its scenario wants.
	server.requestTimeout = 0
	const { promise, resolve, reject } = Promise.withResolvers<void>()
	server.once('error', reject)
	server.listen(options.port ?? 0, host, resolve)
	await promise
	const { port } = server.address() as AddressInfo
	return {
		url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
		port,
		requests,
		setScenarios: (scenarios) => emulator.setScenarios(scenarios),
		addScenarios: (scenarios) => emulator.addScenarios(scenarios),
		close() {
			const closed = Promise.withResolvers<void>()
			server.close(() => closed.resolve())
			server.closeAllConnections()
			return closed.promise
		},
	}
}

async function serve(fetch: (request: Request) => Promise<Response>, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
	const gone = new AbortController()
	outgoing.once('close', () => gone.abort())
	try {
		const response = await fetch(toRequest(incoming, gone.signal))
		outgoing.writeHead(response.status, Object.fromEntries(response.headers))
		if (response.body && incoming.method !== 'HEAD') await pipe(response.body, outgoing, gone.signal)
		outgoing.end()
	} catch {
		// A scenario that breaks its answer off, or a caller that is gone: both end the connection, not the process.
		outgoing.destroy()
	}
}

function toRequest(incoming: IncomingMessage, signal: AbortSignal): Request {
	const headers = new Headers()
	for (const [name, value] of Object.entries(incoming.headers)) if (value !== undefined) headers.set(name, String(value))
	const method = incoming.method ?? 'GET'
	const init: RequestInit = { method, headers, signal }
	if (method !== 'GET' && method !== 'HEAD') Object.assign(init, { body: Readable.toWeb(incoming), duplex: 'half' })
	return new Request(new URL(incoming.url ?? '/', 'http://emulator'), init)
}

async function pipe(body: ReadableStream<Uint8Array>, outgoing: ServerResponse, gone: AbortSignal): Promise<void> {
	const reader = body.getReader()
	gone.addEventListener('abort', () => void reader.cancel().catch(() => {}), { once: true })
	for (;;) {
		const { done, value } = await reader.read()
		if (done) return
		await write(outgoing, value)
	}
}

/** Resolves when the kernel has the chunk, so that what was sent before a cut arrives. */
function write(outgoing: ServerResponse, chunk: Uint8Array): Promise<void> {
	const { promise, resolve, reject } = Promise.withResolvers<void>()
	outgoing.once('close', resolve)
	outgoing.write(chunk, (error) => {
		outgoing.off('close', resolve)
		if (error) reject(error)
		else resolve()
	})
	return promise
}
