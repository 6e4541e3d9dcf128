import { createServer } from 'node:http'
import type { RunnerStatus } from './runner.ts'

export interface HealthOptions {
	/** 0 takes any free one. */
	port: number
	status: () => RunnerStatus
	now: () => number
}

/** A long poll takes 20 s, a heartbeat less: after so long without an answer the runner is of no use. */
const MAX_SILENCE_MS = 90_000

/** Answers `GET /health`: 200 while the orchestrator answers this runner and its disk has room, else 503, with the status either way. */
export async function startHealthServer({ port, status, now }: HealthOptions): Promise<{ port: number; close(): void }> {
	const server = createServer((request, response) => {
		const isHealth = request.method === 'GET' && request.url === '/health'
		const current = status()
		const isHealthy = current.hasRoom && now() - (current.lastContactAt ?? current.startedAt) < MAX_SILENCE_MS
		response.writeHead(isHealth ? (isHealthy ? 200 : 503) : 404, { 'content-type': 'application/json' })
		response.end(isHealth ? JSON.stringify({ ok: isHealthy, ...current }) : undefined)
	})
	const { promise, resolve, reject } = Promise.withResolvers<void>()
	server.once('error', reject)
	server.listen(port, resolve)
	await promise
	const address = server.address()
	return { port: typeof address === 'object' && address ? address.port : port, close: () => server.close() }
}
