// Runners in real containers, started by the pool: what their agents write lands, and what befalls them costs no work.
import { describe, expect, it } from 'vitest'
import type { LogEntry, Page } from '@shared/contracts'
import { linesOf, makeWorkspace, order, place } from '../e2e/support/stack.ts'
import type { SettledOrder } from '../e2e/support/stack.ts'
import { createGate, docker, inside, running, sharedContainerStack, until } from './support/containerStack.ts'

// Small times, so that minutes of care pass in seconds. Longer than a slow disk takes from a run to its validation is only the idle one.
const QUICK = { max: 3, upCooldownMs: 0, downCooldownMs: 500, idleMs: 5000, fastProbeIntervalMs: 300, probeIntervalMs: 700, probeTimeoutMs: 1500, stuckMs: 1500, signOfLifeMs: 3000, backoffMs: 200, killAfterMs: 4000 }
const shared = sharedContainerStack(QUICK)

const write = (path: string, content: string) => ({ write: { path, content } })
const isAtWork = ({ state }: { state: string }) => state === 'running' || state === 'starting' || state === 'unhealthy'
const claimsOf = ({ log }: SettledOrder) => linesOf(log, 'queue.claimed').map(({ details }) => details['assignedTo'])
const empty = () => shared.stack.untilPool('the pool is empty', (instances) => !instances.some((instance) => isAtWork(instance) || instance.isDraining) && running().length === 0)

describe('work in containers', () => {
	it('starts one, runs a real CLI in it, lands what it wrote, and the container sleeps when there is no more', async () => {
		expect(running()).toEqual([])
		const done = await order(shared.stack, { provider: 'codex', files: { 'a.txt': 'one\n' }, validate: ['test "$(cat a.txt)" = two'], scenario: { steps: [{ shell: 'echo two > a.txt; id -un > who.txt' }, { say: 'Changed.' }] } })
		expect(done.execution).toMatchObject({ status: 'completed', error: null })
		expect(await (await done.clone()).tree()).toEqual({ 'a.txt': 'two\n', 'who.txt': 'agent\n' })
		expect(claimsOf(done)).toEqual(['vibehq-orchestrator:runner-0', 'vibehq-orchestrator:runner-0'])
		await empty()
		const again = await order(shared.stack, { provider: 'codex', base: done.base, scenario: { steps: [write('b.txt', 'again\n')] } })
		expect(again.execution.status).toBe('completed')
	})

	it('lets out to the orchestrator and to hosts that the workspace allows, and to nothing else', async () => {
		const { stack } = shared
		const base = await makeWorkspace(stack)
		await stack.client.call('PUT', `/api/workspaces/${base.workspace.workspaceId}/policy`, { body: { allowedHosts: ['allowed.example.com'] } })
		const tries = ['https://denied.example.com/', 'http://denied.example.com/', 'https://allowed.example.com/', 'http://allowed.example.com/', 'http://198.51.100.7/']
		const program = `
			const asked = ${JSON.stringify(tries)}
			const look = (url) => fetch(url).then(async (a) => a.status + ((await a.text()).match(/HOST_[A-Z_]+/) ?? ''), () => null)
			const said = []
			for (const url of asked) said.push((await look(url)) ?? (await look(url)) ?? (await look(url)) ?? 'no connection')
			const { writeFileSync } = await import('node:fs')
			writeFileSync('out.txt', said.join(' | '))
			const { connect } = await import('node:net')
			const tcp = await new Promise((resolve) => connect(53, '1.1.1.1').setTimeout(3000, () => resolve('silence')).on('data', () => resolve('an answer')).on('error', () => resolve('refused')).on('close', () => resolve('closed')).write('xx'))
			writeFileSync('tcp.txt', tcp)
			process.exit(0)`
		const done = await order(stack, { provider: 'codex', base, scenario: { steps: [write('try.mjs', program), { shell: 'node try.mjs 2>&1; rm try.mjs' }] } })
		expect(done.execution).toMatchObject({ status: 'completed', error: null })
		const tree = await (await done.clone()).tree()
		// Nothing answers there: whoever is let out gets an error of the network, wherever it comes from.
		expect(tree['out.txt']?.replaceAll(/50\d(HOST_UNREACHABLE)?|no connection/g, 'let out').split(' | ')).toEqual(['403HOST_NOT_ALLOWED', '403HOST_NOT_ALLOWED', 'let out', 'let out', '403HOST_NOT_ALLOWED'])
		expect(tree['tcp.txt']).toMatch(/^(silence|refused|closed)$/)
	})
})

describe('the size of the pool', () => {
	it('follows the word of an operator, and a container that is busy ends its work first', async () => {
		const { stack } = shared
		await empty()
		await stack.scale(3)
		await stack.untilPool('three run', (instances) => instances.filter(({ state }) => state === 'running').length === 3)
		expect(running()).toHaveLength(3)
		const gate = createGate('drain')
		const placed = await place(stack, { provider: 'codex', scenario: { steps: [{ shell: gate.shell }, write('drained.txt', 'whole\n')] } })
		const busy = await gate.reached()
		await stack.scale(1)
		await until('the others are gone', () => (running().length === 1 ? true : null))
		expect(running()).toEqual([busy])
		await stack.drain(busy.instanceId)
		await stack.untilPool('it drains', (instances) => instances.some(({ instanceId, isDraining }) => instanceId === busy.instanceId && isDraining))
		gate.open(busy.id)
		const done = await placed.settled()
		expect(done.execution).toMatchObject({ status: 'completed', error: null })
		expect(claimsOf(done)[0]).toBe(`vibehq-orchestrator:${busy.instanceId}`)
		await until('the drained one is gone', () => (running().some(({ id }) => id === busy.id) ? null : true))
		await stack.scale('auto')
		await empty()
	})

	it('follows the work by itself', async () => {
		const { stack } = shared
		const gates = ['one', 'two'].map((name) => createGate(name))
		const placed = await Promise.all(gates.map((gate) => place(stack, { provider: 'codex', scenario: { steps: [{ shell: gate.shell }, write('x.txt', 'x\n')] } })))
		const holders = await Promise.all(gates.map((gate) => gate.reached()))
		expect(new Set(holders.map(({ id }) => id)).size).toBe(2)
		gates.forEach((gate, at) => gate.open(holders[at]?.id ?? ''))
		for (const each of placed) expect((await each.settled()).execution.status).toBe('completed')
		await empty()
	})
})

describe('what befalls a container in the middle of a task', () => {
	/** A run stands at a gate in a container, `harm` comes to that, and the work is done in another one. */
	async function survives(name: string, harm: (container: string) => void) {
		const { stack } = shared
		const gate = createGate(name)
		const placed = await place(stack, { provider: 'codex', scenario: { steps: [{ shell: gate.shell }, write('survived.txt', `${name}\n`)] } })
		const first = await gate.reached()
		harm(first.id)
		const second = await gate.reached(first.id)
		gate.open(second.id)
		const done = await placed.settled(90_000)
		expect(done.execution).toMatchObject({ status: 'completed', error: null })
		expect(await (await done.clone()).tree()).toMatchObject({ 'survived.txt': `${name}\n` })
		expect(linesOf(done.log, 'queue.completed').length).toBe(linesOf(done.log, 'queue.submitted').length)
		return { first, second, done }
	}
	const poolLog = async (instanceId: string) => {
		const { items } = await shared.stack.client.call<Page<{ data: LogEntry }>>('GET', '/api/events?feed=containers&limit=1000')
		return items.map(({ data }) => data).filter(({ details }) => details['instanceId'] === instanceId)
	}

	it('SIGKILL: the pool starts it anew, the lease lapses, the task is done once', async () => {
		const { first } = await survives('killed', (container) => void docker('kill', '--signal', 'KILL', container))
		expect((await poolLog(first.instanceId)).length).toBeGreaterThan(0)
		await empty()
	})

	it('answers nothing: it is told from one that is busy, destroyed and started anew', async () => {
		const { first } = await survives('wedged', (container) => expect(inside(container, 'sh', '-c', 'kill -STOP -1; echo stopped')).toBe('stopped'))
		await until('the wedged one is gone', () => (running().some(({ id }) => id === first.id) ? null : true))
		await empty()
	})

	it('a full disk: it takes no work, says so, and is started anew with an empty one', async () => {
		const { stack } = shared
		await stack.scale(1)
		await stack.untilPool('one runs', (instances) => instances.some(({ state }) => state === 'running'))
		const [full] = running()
		if (full === undefined) throw new Error('There is no container.')
		// The one small disk that every container has.
		const runs = '/var/lib/vibehq/runs'
		docker('exec', '--user', '0', full.id, 'sh', '-c', `rm -rf ${runs} && mkdir -m 0711 /dev/shm/runs && chown runner:runner /dev/shm/runs && ln -s /dev/shm/runs ${runs}; dd if=/dev/zero of=${runs}/filler bs=64k 2>&1 | grep -q "No space left"`)
		const done = await order(stack, { provider: 'codex', scenario: { steps: [write('room.txt', 'enough\n')] } })
		expect(done.execution).toMatchObject({ status: 'completed', error: null })
		expect(running().map(({ id }) => id)).not.toContain(full.id)
		expect(inside(running()[0]?.id ?? '', 'ls', `${runs}/filler`)).toBeNull()
		await stack.scale('auto')
		await empty()
	})
})
