import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { agentEnv } from '../agentEnv.ts'
import { execute } from '../execute.ts'
import type { Executed } from '../execute.ts'
import { projectRoot } from '../options.ts'
import { createRun } from '../runDirs.ts'
import { bubblewrapArgs, canBubblewrap, createBubblewrapIsolation } from './bubblewrap.ts'
import { findMarked } from './processTree.ts'

describe('bubblewrapArgs', () => {
	const spec = {
		runId: 'r',
		bin: '/bin/true',
		args: ['a'],
		env: {},
		dirs: { root: '/home/u/.cache/v/runs/r', work: '/home/u/.cache/v/runs/r/work', home: '/home/u/.cache/v/runs/r/home', tmp: '/home/u/.cache/v/runs/r/tmp' },
		readOnly: ['/home/u/.cache/v/mirrors/m.git', '/usr/lib/x'],
	}
	const args = bubblewrapArgs(spec, { hidden: ['/home/u/.cache/v/', '/srv/checkout/', '/srv/token', '/srv/checkout/inner/'], exists: () => true })
	const pairs = (flag: string): string[] => args.flatMap((arg, index) => (arg === flag ? [args[index + 1] ?? ''] : []))

	it('hides homes, sockets, temporary files and what it is told to, each once', () => {
		expect(pairs('--tmpfs')).toEqual(expect.arrayContaining(['/tmp', '/run', '/home', '/root', '/srv/checkout']))
		expect(pairs('--tmpfs')).not.toContain('/home/u/.cache/v')
		expect(pairs('--tmpfs')).not.toContain('/srv/checkout/inner')
		expect(args.join(' ')).toContain('--ro-bind /dev/null /srv/token')
	})

	it('shows again what the program needs, writable only its own three directories', () => {
		expect(pairs('--bind')).toEqual([spec.dirs.work, spec.dirs.home, spec.dirs.tmp])
		expect(pairs('--ro-bind')).toContain('/home/u/.cache/v/mirrors/m.git')
		expect(pairs('--ro-bind')).not.toContain('/usr/lib/x')
		expect(args.slice(-3)).toEqual(['--', '/bin/true', 'a'])
	})
})

const isAvailable = await canBubblewrap()

// Where bwrap does not work there is nothing to test; the run then shows these as skipped.
describe.skipIf(!isAvailable)('a program in bubblewrap', () => {
	let cache: string
	const secrets = mkdtempSync(join(tmpdir(), 'vibehq-test-secret-'))
	beforeAll(() => {
		cache = mkdtempSync(join(homedir(), '.vibehq-test-cache-'))
		mkdirSync(join(cache, 'mirrors/other.git'), { recursive: true })
		mkdirSync(join(cache, 'mirrors/own.git'))
		writeFileSync(join(cache, 'mirrors/other.git/HEAD'), 'secret')
		writeFileSync(join(cache, 'mirrors/own.git/HEAD'), 'own')
		writeFileSync(join(secrets, 'token'), 'secret')
	})
	afterAll(() => {
		rmSync(cache, { recursive: true, force: true })
		rmSync(secrets, { recursive: true, force: true })
	})

	async function run(script: string, more: { wallClockMs?: number } = {}): Promise<Executed & { root: string }> {
		const isolation = createBubblewrapIsolation({ hidden: [`${cache}/`, `${projectRoot() ?? '/nonexistent'}/`, join(secrets, 'token')], shown: [join(projectRoot() ?? '', '.vibehq/toolchain')] })
		const { id, dirs } = await createRun(join(cache, 'runs'))
		const executed = await execute({
			isolation,
			spec: { runId: id, bin: '/bin/sh', args: ['-c', script], env: agentEnv(dirs), dirs, readOnly: [join(cache, 'mirrors/own.git')] },
			wallClockMs: 20_000,
			signal: new AbortController().signal,
			...more,
		})
		expect(await findMarked(id, dirs.root)).toEqual([])
		return { ...executed, root: dirs.root }
	}

	it('sees its own directories and node, and none of the rest', async () => {
		const script = [
			'pwd; ls -A ..; node -e "console.log(process.version)"',
			`cat ${join(cache, 'mirrors/own.git/HEAD')}; echo`,
			`for each in ${join(cache, 'mirrors/other.git')} ${join(projectRoot() ?? '', 'package.json')} ${join(secrets, 'token')} /run/docker.sock; do [ -s "$each" ] && echo "SEES $each"; done`,
			`touch /usr/x ${join(cache, 'mirrors/own.git/x')} 2>/dev/null && echo WRITES; ls -A ${homedir()}; cat /etc/shadow 2>/dev/null || true`,
			'grep -l VIBEHQ_TEST_PARENT /proc/[0-9]*/environ 2>/dev/null; ls -d /proc/[0-9]* | wc -l',
		].join('\n')
		process.env['VIBEHQ_TEST_PARENT'] = '1'
		const { stdoutTail, exitCode, stderrTail, root } = await run(script)
		expect([exitCode, stderrTail]).toEqual([0, ''])
		const [pwd, ...lines] = stdoutTail.trim().split('\n')
		expect(pwd).toBe(join(root, 'work'))
		expect(lines.slice(0, 5)).toEqual(['home', 'tmp', 'work', process.version, 'own'])
		expect(stdoutTail).not.toMatch(/SEES|WRITES|environ|root:/)
		expect(Number(lines.at(-1))).toBeLessThan(8)
	})

	it('cannot leave a daemon behind, nor outlive its time', async () => {
		const marker = join(cache, 'alive')
		const { ending } = await run(`trap '' TERM; setsid sh -c 'trap "" TERM; sleep 2; touch ${marker}' & sleep 60`, { wallClockMs: 500 })
		expect(ending).toBe('timeout')
		await new Promise((resolve) => setTimeout(resolve, 2200))
		expect(existsSync(marker)).toBe(false)
	})

	it('reaches the network, for the gateway', async () => {
		const { createServer } = await import('node:http')
		const server = createServer((_request, response) => response.end('hello'))
		await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
		const address = server.address()
		const port = typeof address === 'object' ? address?.port : 0
		const { stdoutTail } = await run(`node -e 'fetch("http://127.0.0.1:${port}").then((r) => r.text()).then(console.log)'`)
		server.close()
		expect(stdoutTail).toBe('hello\n')
	})
})
