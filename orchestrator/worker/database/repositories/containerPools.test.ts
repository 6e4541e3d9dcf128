import { env } from 'cloudflare:workers'
import type { ContainerInstance } from '@shared/contracts'
import type { Compilable } from 'kysely'
import { beforeEach, describe, expect, it } from 'vitest'
import { createDatabase, sql } from '../client.ts'
import { appendChecksStatement, checksQuery, forgetChecksStatement, listChecks } from './containerHealthChecks.ts'
import { forgetStoppedStatement, instancesQuery, listInstances, logChangesStatement, mirrorStatement } from './containerInstances.ts'
import { busyQuery, countWaiting, listBusy, waitingQuery } from './containerPoolLoad.ts'

const db = createDatabase(env.DB)
const NOW = 1000

beforeEach(async () => {
	await db.batch([sql.deleteFrom('container_instances'), sql.deleteFrom('container_health_checks'), sql.deleteFrom('container_tasks'), sql.deleteFrom('operation_logs')])
})

const instance = (change: Partial<ContainerInstance> = {}): ContainerInstance => ({
	instanceId: 'runner-0', workerName: 'factory', containerName: 'runner', state: 'running', isDegraded: false, isDraining: false, isExternal: false, inFlight: 0,
	port: 8080, generation: 1, lastHealthCheck: null, detail: null, createdAt: 1, updatedAt: 10, ...change,
})
const mirror = (instances: ContainerInstance[], at = 100) => db.batch([logChangesStatement(instances, at), mirrorStatement(instances)])
const logged = () => db.all(sql.selectFrom('operation_logs').select(['source', 'operation', 'level', 'worker_name', 'container_name', 'created_at', 'details']).orderBy('id'))

describe('the mirror of instances', () => {
	it('has the newest of each, in whatever order they come', async () => {
		await mirror([instance({ updatedAt: 20, state: 'unhealthy', detail: "it's ill" })])
		await mirror([instance({ updatedAt: 10, state: 'starting' })])
		await mirror([instance({ workerName: 'other', state: 'failed' }), instance({ instanceId: 'runner-1', isDraining: true, isDegraded: true })])
		expect((await listInstances(db, { limit: 10 })).map(({ workerName, instanceId, state, isDraining, isDegraded, detail }) => [workerName, instanceId, state, isDraining, isDegraded, detail])).toEqual([
			['factory', 'runner-0', 'unhealthy', false, false, "it's ill"],
			['factory', 'runner-1', 'running', true, true, null],
			['other', 'runner-0', 'failed', false, false, null],
		])
		expect(await listInstances(db, { workerName: 'factory', after: ['factory', 'runner-0'], limit: 1 })).toMatchObject([{ instanceId: 'runner-1' }])
	})

	it('writes a line for each change, and none for what stays or comes late', async () => {
		await mirror([instance()])
		await mirror([instance({ updatedAt: 11, lastHealthCheck: 11 })])
		await mirror([instance({ updatedAt: 5, state: 'starting' })])
		await mirror([instance({ updatedAt: 12, isDraining: true, detail: 'by hand' }), instance({ instanceId: 'runner-1', state: 'failed', detail: 'exit code 1' })], 200)
		await mirror([instance({ updatedAt: 13, generation: 2 })])
		const lines = await logged()
		expect(lines.map(({ operation, level, container_name }) => [operation, level, container_name])).toEqual([
			['container.running', 'info', 'runner-0'],
			['container.draining', 'info', 'runner-0'],
			['container.failed', 'warn', 'runner-1'],
			['container.running', 'info', 'runner-0'],
		])
		expect(lines[1]).toMatchObject({ source: 'orchestrator.containers', worker_name: 'factory', created_at: 200 })
		expect(JSON.parse(lines[1]?.details ?? '')).toEqual({ instanceId: 'runner-0', from: 'running', state: 'running', isDegraded: false, generation: 1, detail: 'by hand' })
	})

	it('takes a thousand at once', async () => {
		const many = Array.from({ length: 1000 }, (_, index) => instance({ instanceId: `runner-${index}` }))
		await mirror(many)
		expect((await listInstances(db, { limit: 2000 })).length).toBe(1000)
		expect((await logged()).length).toBe(1000)
	})

	it('forgets what stopped long ago, in one pool', async () => {
		await mirror([instance({ state: 'stopped' }), instance({ instanceId: 'b', state: 'stopped', updatedAt: 99 }), instance({ instanceId: 'c' }), instance({ workerName: 'other', state: 'stopped' })])
		await db.run(forgetStoppedStatement('factory', 50))
		expect((await listInstances(db, { limit: 9 })).map(({ workerName, instanceId }) => `${workerName}/${instanceId}`)).toEqual(['factory/b', 'factory/c', 'other/runner-0'])
	})
})

describe('the history of health checks', () => {
	const check = (checkedAt: number, isHealthy = true) => ({ instanceId: 'runner-0', isHealthy, statusCode: isHealthy ? 200 : null, latencyMs: isHealthy ? 1.6 : null, checkedAt, detail: isHealthy ? null : 'silent' })
	it('is of one instance of one pool, newest first', async () => {
		const names = { workerName: 'factory', containerName: 'runner' }
		await db.run(appendChecksStatement([check(1), check(2, false)], names))
		await db.run(appendChecksStatement([check(3)], { ...names, workerName: 'other' }))
		const checks = await listChecks(db, { workerName: 'factory', instanceId: 'runner-0', limit: 10 })
		expect(checks.map((each) => each.check)).toEqual([check(2, false), { ...check(1), latencyMs: 2 }])
		expect(await listChecks(db, { workerName: 'factory', instanceId: 'runner-0', before: checks[0]?.id, limit: 10 })).toHaveLength(1)
		await db.run(forgetChecksStatement(1, 1))
		expect(await listChecks(db, { workerName: 'factory', instanceId: 'runner-0', limit: 10 })).toHaveLength(1)
		await db.run(forgetChecksStatement(1, 10))
		expect(await listChecks(db, { workerName: 'other', instanceId: 'runner-0', limit: 10 })).toHaveLength(1)
	})
})

describe('the work of a pool', () => {
	const add = (rows: readonly Partial<Record<'task_id' | 'worker_name' | 'target_worker' | 'status' | 'assigned_to' | 'requires' | 'target_container', string> & Record<'run_after' | 'blocked_by' | 'lease_expires_at' | 'updated_at', number>>[]) =>
		db.batch(rows.map((row, index) => sql.insertInto('container_tasks').values({ task_id: `CTK-${index}-${Math.random()}`, task_type: 'command', timeout_ms: 1, worker_name: 'a', created_at: 1, updated_at: 1, ...row })))

	it('is what its Worker, or whoever names it, has ready', async () => {
		await add([{}, {}, { run_after: NOW + 1 }, { blocked_by: 1 }, { status: 'completed' }, { target_worker: 'b' }, { worker_name: 'b' }, { worker_name: 'c' }, { worker_name: 'shared', target_worker: 'a' }])
		expect(await countWaiting(db, { now: NOW, workerName: 'a', except: null, capabilities: null }, 100)).toBe(3)
		expect(await countWaiting(db, { now: NOW, workerName: 'b', except: null, capabilities: null }, 100)).toBe(2)
		// The pool of all others.
		expect(await countWaiting(db, { now: NOW, workerName: 'shared', except: ['a', 'b'], capabilities: null }, 100)).toBe(1)
		expect(await countWaiting(db, { now: NOW, workerName: 'shared', except: [], capabilities: null }, 100)).toBe(4)
		expect(await countWaiting(db, { now: NOW, workerName: 'nobody', except: null, capabilities: null }, 100)).toBe(0)
	})

	it('is what its runners can do', async () => {
		await add([{ requires: 'codex' }, { requires: 'cursor' }, {}, { target_container: 'laptop' }, { requires: 'cursor', target_worker: 'a' }])
		const count = (capabilities: string[] | null) => countWaiting(db, { now: NOW, workerName: 'a', except: null, capabilities }, 100)
		expect([await count(null), await count(['codex']), await count([])]).toEqual([4, 2, 1])
		expect(await countWaiting(db, { now: NOW, workerName: 'shared', except: [], capabilities: ['codex'] }, 100)).toBe(2)
	})

	it('is also what has lapsed or fallen due, which nobody puts back as long as nobody claims', async () => {
		const lapsed = { status: 'running', assigned_to: 'a:runner-0', lease_expires_at: NOW }
		await add([lapsed, { ...lapsed, lease_expires_at: NOW + 1 }, { run_after: NOW }, { run_after: NOW + 1 }, { ...lapsed, target_worker: 'b' }, { run_after: NOW, blocked_by: 1 }])
		expect(await countWaiting(db, { now: NOW, workerName: 'a', except: null, capabilities: null }, 100)).toBe(2)
		expect(await countWaiting(db, { now: NOW, workerName: 'b', except: null, capabilities: null }, 100)).toBe(1)
		expect(await countWaiting(db, { now: NOW, workerName: 'shared', except: ['b'], capabilities: null }, 100)).toBe(2)
	})

	it('is counted no further than the pool can grow', async () => {
		await add(Array.from({ length: 30 }, () => ({})))
		expect(await countWaiting(db, { now: NOW, workerName: 'a', except: null, capabilities: null }, 7)).toBe(7)
	})

	it('is held under leases that run, by the name of the runner', async () => {
		const held = { status: 'running', lease_expires_at: 100 }
		await add([
			{ ...held, assigned_to: 'a:runner-0', updated_at: 7 },
			{ ...held, assigned_to: 'a:runner-0', updated_at: 9 },
			{ ...held, assigned_to: 'a:runner-1', status: 'assigned' },
			{ ...held, assigned_to: 'a:runner-2', lease_expires_at: 50 },
			{ ...held, assigned_to: 'a2:runner-0' },
			{ ...held, assigned_to: 'a:runner-3', status: 'completed' },
		])
		expect(await listBusy(db, 'a', 50)).toEqual([
			{ containerName: 'runner-0', inFlight: 2, lastHeartbeat: 9 },
			{ containerName: 'runner-1', inFlight: 1, lastHeartbeat: 1 },
		])
	})
})

describe('no query of a pool reads a whole table', () => {
	async function planOf(query: Compilable<unknown>): Promise<string> {
		const { sql: text, parameters } = query.compile()
		const { results } = await env.DB.prepare(`explain query plan ${text}`).bind(...parameters).all<{ detail: string }>()
		return results.map((row) => row.detail).join('\n')
	}
	const SCANS = /SCAN (container_\w+|known|operation_logs)(?! USING)/

	it.each<[string, Compilable<unknown>, RegExp]>([
		['ready tasks of a Worker', waitingQuery({ now: NOW, workerName: 'a', except: null, capabilities: null }, 5), /container_tasks_claim[^]*container_tasks_of_worker_status[^]*container_tasks_lapse[^]*container_tasks_due/],
		['ready tasks of all others', waitingQuery({ now: NOW, workerName: 'a', except: ['b'], capabilities: null }, 5), /container_tasks_claim/],
		['leases of runners', busyQuery('a', 1), /container_tasks_lapse/],
		['changes for the log', logChangesStatement([], 1), /SEARCH known USING INDEX container_instances_name/],
		['the mirror', mirrorStatement([]), /given/],
		['instances of a pool', instancesQuery({ workerName: 'a', limit: 5 }), /container_instances_name/],
		['the next page of all', instancesQuery({ after: ['a', 'b'], limit: 5 }), /container_instances_name/],
		['what stopped long ago', forgetStoppedStatement('a', 1), /container_instances_of_state/],
		['checks of an instance', checksQuery({ workerName: 'a', instanceId: 'b', before: 5, limit: 5 }), /container_health_checks_of_instance/],
		['the oldest checks', forgetChecksStatement(5, 5), /INTEGER PRIMARY KEY/],
	])('%s', async (_name, query, index) => {
		const plan = await planOf(query)
		expect(plan).toMatch(index)
		expect(plan).not.toMatch(SCANS)
	})

	it('is looked at by an expression that can fail', async () => {
		expect(await planOf(sql.selectFrom('container_instances').selectAll().where('port', '=', 1))).toMatch(SCANS)
	})
})
