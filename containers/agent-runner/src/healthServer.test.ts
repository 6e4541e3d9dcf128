import { expect, it } from 'vitest'
import { startHealthServer } from './healthServer.ts'

it('is healthy while the orchestrator answers and the disk has room, and says so truly', async () => {
	let now = 1_000_000
	let lastContactAt: number | null = null
	let hasRoom = true
	const status = () => ({ startedAt: 1_000_000, lastContactAt, runningTasks: 2, hasRoom, isolation: 'container', agents: ['codex'] })
	const server = await startHealthServer({ port: 0, status, now: () => now })
	const get = async (path: string) => await fetch(`http://127.0.0.1:${server.port}${path}`)
	expect((await get('/health')).status).toBe(200)
	now += 90_000
	expect((await get('/health')).status).toBe(503)
	lastContactAt = now
	const healthy = await get('/health')
	expect([healthy.status, await healthy.json()]).toEqual([200, { ok: true, ...status() }])
	hasRoom = false
	expect((await get('/health')).status).toBe(503)
	expect((await get('/other')).status).toBe(404)
	server.close()
})
