// Orders that land through each confinement, by the real CLIs against scripted models, and what an agent can reach from inside.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { freePort, projectRoot, startProcess, startStack } from '@shared/testing/stack'
import type { ManagedProcess, Stack } from '@shared/testing/stack'
import { bundle, docker, IMAGE, whyNoBubblewrap, whyNoImage } from './support/means.ts'
import { land } from './support/orders.ts'
import type { OrderSpec } from './support/orders.ts'

const [noImage, noBubblewrap] = await Promise.all([whyNoImage(), whyNoBubblewrap()])
const TIMEOUT_MS = 120_000

// Says what an agent can do that it must not; the state directory holds the runner's mirrors, the signing key and all tokens.
const PROBE = String.raw`
echo "user $(id -un 2>/dev/null || id -u)"
for each in "$@"; do ls -A "$each" >/dev/null 2>&1 && [ -n "$(ls -A "$each")" ] && echo "sees $each"; done
grep -als "ORCHESTRATOR_TOKEN=" /proc/[0-9]*/environ | sed 's/^/reads /'
sudo -n true 2>/dev/null && echo "becomes root"
sudo -n -u runner true 2>/dev/null && echo "becomes runner"
[ -s /run/docker.sock ] || [ -S /run/docker.sock ] && echo "has docker"
for each in / /usr/local/bin /opt/vibehq /etc; do touch "$each/probe" 2>/dev/null && [ "$(id -u)" != 0 ] && echo "writes $each"; done
setsid sh -c 'trap "" TERM HUP; exec sleep 987' >/dev/null 2>&1 &
sleep 0.2; [ -d /proc/$! ] && echo "leaves a process"
for each in /tmp /var/tmp /dev/shm; do mkdir -p "$each/left/behind" 2>/dev/null && chmod 500 "$each/left"; done
mkdir -p locked/deep && echo x > locked/deep/file && chmod 500 locked/deep locked
chmod +x tool.sh && echo "changes modes"
true
`

const FILES = { 'README.md': 'A greeter.\n', 'src/greeting.js': "export const greeting = 'hello'\n", 'tool.sh': '#!/bin/sh\necho tool\n', 'probe.sh': PROBE }

// Processes come and go while they are listed, which find calls a failure.
const LEFT_BEHIND = 'ls -A /var/lib/vibehq/runs; find / /dev/shm -xdev -user agent 2>/dev/null; find /proc -maxdepth 1 -user agent 2>/dev/null; true'

function change(provider: OrderSpec['provider'], unreachable: string[]): OrderSpec {
	return {
		provider,
		files: FILES,
		steps: [
			{ edit: { path: 'src/greeting.js', old: "'hello'", new: "'good morning'" } },
			{ shell: `sh probe.sh ${unreachable.join(' ')} > probe.txt 2>&1` },
			{ say: 'Greets in the morning.' },
		],
		// Package managers leave directories behind that nobody may write to.
		validate: ['./tool.sh', 'mkdir -p "$HOME/cache/deep" && touch "$HOME/cache/deep/x" && chmod 500 "$HOME/cache/deep" "$HOME/cache"'],
	}
}

let stack: Stack
const stateDir = mkdtempSync(join(tmpdir(), 'vibehq-isolation-'))
const home = mkdtempSync(join(homedir(), '.vibehq-test-'))
writeFileSync(join(home, 'secret'), 'secret')
const runners: ManagedProcess[] = []
if (noImage === null || noBubblewrap === null) {
	beforeAll(async () => {
		// What a stopped runner's last question still gets goes to the next one when its short lease ends.
		stack = await startStack({ stateDir, runners: 0, models: { emulator: [] }, vars: { LEASE_MS: '8000', POLL_MS: '1000' } })
	}, TIMEOUT_MS)
}
afterEach(async () => {
	for (const runner of runners.splice(0)) await runner.stop()
})
afterAll(async () => {
	await stack?.stop()
	for (const folder of [stateDir, home]) rmSync(folder, { recursive: true, force: true })
})

// Of the host. What lies between the root and a mounted directory exists inside as well, but empty.
const unreachable = [...['logs', 'signing-key', 'orchestrator.env'].map((name) => join(stateDir, name)), join(home, 'secret'), join(projectRoot, 'package.json')]

const lines = (text: string | undefined): string[] => (text ?? '').trim().split('\n')

/** A probe that finds nothing says something only about what is there. */
const expectThere = () => expect(unreachable.filter((path) => !existsSync(path))).toEqual([])

async function expectLanded(spec: OrderSpec, isolation: string): Promise<string[]> {
	const { execution, files, log } = await land(stack, spec)
	expect(execution).toMatchObject({ status: 'completed', phase: 'settled', provider: spec.provider })
	expect(files['src/greeting.js']).toBe("export const greeting = 'good morning'\n")
	expect(files['locked/deep/file']).toBe('x\n')
	const phases = log.filter((line) => line.operation === 'agent.phase')
	expect(JSON.stringify(phases)).toContain(`"isolation":"${isolation}"`)
	return lines(files['probe.txt'])
}

for (const [what, reason] of [['the image, the container and Docker', noImage], ['orders through bubblewrap', noBubblewrap]]) {
	if (reason === null) continue
	// Reporters keep quiet about a skipped test.
	console.warn(`NOT TESTED: ${what}, because ${reason}.`)
	it.skip(`NOT TESTED: ${what}, because ${reason}`, () => {})
}

describe.skipIf(noImage !== null)('the image', () => {
	it('has a user who is not root, the pinned agents, and what the runner calls', async () => {
		const script = 'id -un; for each in codex claude gemini copilot git python3 rg; do $each --version | head -n1; done; command -v patchctl'
		const said = lines(await docker('run', '--rm', '--network', 'none', '--entrypoint', 'sh', IMAGE, '-c', script))
		expect(said[0]).toBe('runner')
		const clis: Record<string, { version: string }> = (await import('../src/clis.json', { with: { type: 'json' } })).default
		for (const [index, name] of ['codex', 'claude', 'gemini', 'copilot'].entries()) expect(said[index + 1]).toContain(clis[name]?.version)
		expect(said.slice(5)).toEqual([expect.stringMatching(/^git version/), expect.stringMatching(/^Python 3/), expect.stringMatching(/^ripgrep/), '/opt/vibehq/bin/patchctl'])
	}, TIMEOUT_MS)

	it('tells how its program is called', async () => {
		const refused = await docker('run', '--rm', IMAGE, '--no-such-option').catch((error: unknown) => error)
		expect(refused).toMatchObject({ code: 2, stdout: expect.stringContaining('usage: ') })
	}, TIMEOUT_MS)
})

describe.skipIf(noImage !== null)('a runner in a container', () => {
	const name = `vibehq-test-${process.pid}`
	let port: number
	async function startRunner(): Promise<void> {
		port = await freePort()
		const args = [
			...['run', '--rm', '--name', name, '--network', 'host', '--env', 'ORCHESTRATOR_TOKEN', '--env', `HEALTH_PORT=${port}`],
			// The image's own runner may be older than this checkout.
			...['--volume', `${await bundle()}:/opt/vibehq/runner/runner.mjs:ro`, IMAGE],
			...['--orchestrator-url', stack.url, '--worker-name', 'local', '--container-name', 'host', '--providers', 'codex,claude'],
		]
		const env = { ...process.env, ORCHESTRATOR_TOKEN: await stack.mint('runner', 'host') }
		runners.push(startProcess({ name: 'box', command: 'docker', args, cwd: projectRoot, env, logFile: stack.logFile('box') }))
	}

	it('lands orders by an agent of another user, who reaches nothing of the runner and leaves nothing behind', async () => {
		await startRunner()
		const ofRunner = ['/home/runner', '/var/lib/vibehq', '/var/lib/vibehq/runs', '/var/lib/vibehq/mirrors', '/root']
		for (const provider of ['codex', 'claude'] as const) {
			const said = await expectLanded(change(provider, ofRunner), 'container')
			expect(said).toEqual(['user agent', 'leaves a process', 'changes modes'])
			expect(await docker('exec', '--user', '0', name, 'sh', '-c', LEFT_BEHIND)).toBe('')
		}
		// Their own user does see it: the probe looks for something that is there.
		expect(await docker('exec', name, 'sh', '-c', 'grep -als ORCHESTRATOR_TOKEN= /proc/[0-9]*/environ')).toContain('/proc/1/environ')
		const health = await fetch(`http://127.0.0.1:${port}/health`)
		expect([health.status, await health.json()]).toMatchObject([200, { ok: true, isolation: 'container', agents: ['codex', 'claude'] }])
	}, TIMEOUT_MS)
})

describe.skipIf(noImage !== null)('a runner on a host with Docker', () => {
	it('lands an order by an agent in a container of its own', async () => {
		const runner = await stack.addRunner('host', { isolation: 'docker', extraArgs: ['--providers', 'codex'] })
		runners.push(runner)
		expectThere()
		const said = await expectLanded(change('codex', unreachable), 'docker')
		const user = process.getuid?.() === 0 ? 'user agent' : expect.stringMatching(/^user /)
		expect(said).toEqual([user, 'leaves a process', 'changes modes'])
		expect(await docker('ps', '--all', '--quiet', '--filter', `name=vibehq-${runner.pid}-`)).toBe('')
	}, TIMEOUT_MS)
})

describe.skipIf(noBubblewrap !== null)('a runner on a host with bubblewrap', () => {
	it('lands an order by an agent who sees neither the home nor the checkout', async () => {
		runners.push(await stack.addRunner('host', { isolation: 'bubblewrap', extraArgs: ['--providers', 'codex'] }))
		expectThere()
		const said = await expectLanded(change('codex', unreachable), 'bubblewrap')
		expect(said).toEqual([expect.stringMatching(/^user /), 'leaves a process', 'changes modes'])
	}, TIMEOUT_MS)
})
