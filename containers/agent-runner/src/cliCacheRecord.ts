import { execFileSync } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { startEmulator } from '@shared/testing/emulator'
import { CLI_NAMES, defaultCacheDir, ensureCLI, type CLIName } from './cliCache.ts'
import { runTrial } from './cliCacheTrial.ts'

// node src/cliCacheRecord.ts [cli or case ...]
// Runs the real CLIs against the model emulator and writes what they print to fixtures/transcripts/<cli>-<case>.{jsonl,stderr,
// usage.json}, without paths, ids, times and ports of this machine. To be run when a pinned version changes, with RECORD_DIR naming
// a neutral new directory such as /workspace: streamed pieces may end in the middle of a path, where nothing can be replaced.

const OUTPUT = join(import.meta.dirname, '../fixtures/transcripts')
const ROOT = process.env['RECORD_DIR'] ?? join(tmpdir(), 'workspace')
const EDIT_STEPS = [
	{ say: 'I will fix the sign.' },
	{ edit: { path: 'src/add.js', old: 'a - b', new: 'a + b' } },
	{ write: { path: 'notes/NOTES.md', content: 'fixed add\n' } },
	{ write: { path: 'README.md', content: '# demo, rewritten\n' } },
	{ shell: 'echo ran > shell.txt && cat src/add.js' },
	{ say: 'Fixed add.' },
]
const CASES: Record<string, { steps?: unknown[]; fault?: unknown; isKeyWrong?: true }> = {
	success: { steps: EDIT_STEPS },
	'no-change': { steps: [{ say: 'There is nothing to change.' }] },
	'edit-failed': { steps: [{ edit: { path: 'src/add.js', old: 'not there at all', new: 'x' } }, { say: 'Done.' }] },
	'wrong-key': { isKeyWrong: true },
	'401': { fault: { status: 401 } },
	'429': { fault: { status: 429 } },
	'500': { fault: { status: 500 } },
	cut: { fault: { cut: true } },
	garbage: { fault: { garbage: true } },
}

const wanted = process.argv.slice(2)
await mkdir(OUTPUT, { recursive: true })
for (const name of CLI_NAMES) {
	for (const id of Object.keys(CASES)) {
		if (wanted.length === 0 || wanted.includes(name) || wanted.includes(id)) await record(name, id)
	}
}

async function record(name: CLIName, id: string): Promise<void> {
	const { isKeyWrong, ...scenario } = CASES[id] ?? {}
	const emulator = await startEmulator({
		scenarios: [{ name: id, match: 'add', ...scenario }],
		...(isKeyWrong ? { apiKeys: { [name]: 'another-key' } } : {}),
	})
	const workDir = await repository()
	const homeDir = join(ROOT, 'home')
	await mkdir(homeDir)
	const installed = await ensureCLI(name)
	const startedAt = Date.now()
	const result = await runTrial({ name, installed, url: `${emulator.url}/p/${name}`, prompt: 'Please fix the add function', workDir, homeDir })
	const scrub = createScrubber([
		[homeDir, '/home/agent'],
		[workDir, '/workspace/repo'],
		[workDir.replaceAll('/', '-'), '-workspace-repo'],
		[join(defaultCacheDir(process.env), 'clis'), '/opt/clis'],
		[dirname(process.execPath), '/usr/bin'],
		[emulator.url, 'http://127.0.0.1:8900'],
	])
	const outputs = { jsonl: result.stdout, stderr: result.stderr, 'usage.json': result.usageJSON ?? '' }
	for (const [extension, text] of Object.entries(outputs)) {
		const file = join(OUTPUT, `${name}-${id}.${extension}`)
		if (text === '') await rm(file, { force: true })
		else await writeFile(file, scrub(text))
	}
	await rm(workDir, { recursive: true })
	await emulator.close()
	process.stdout.write(`${name} ${id}: exit ${result.exitCode}, ${emulator.requests.length} requests, ${Date.now() - startedAt} ms\n`)
}

function createScrubber(replacements: [from: string, to: string][]): (text: string) => string {
	const ids = new Map<string, string>()
	const numbered = (id: string): string => {
		const known = ids.get(id) ?? `00000000-0000-4000-8000-${String(ids.size + 1).padStart(12, '0')}`
		ids.set(id, known)
		return known
	}
	return (text) =>
		replacements
			.reduce((rest, [from, to]) => rest.replaceAll(from, to), text)
			.replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, numbered)
			.replaceAll(/20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)/g, '2026-01-01T00:00:00.000Z')
			.replaceAll(/20\d\d-\d\d-\d\dT\d\d-\d\d-\d\d-\d+Z/g, '2026-01-01T00-00-00-000Z')
			.replaceAll(/_emulator_[0-9a-f]{12}|(?<=emulator-)[0-9a-f]{12}/g, (id) => id.replace(/[0-9a-f]{12}$/, (hex) => numbered(hex).slice(-6)))
			.replaceAll(/"([a-zA-Z_]*duration[a-zA-Z_]*|ttft_ms|ttft_stream_ms|time_to_request_ms)":\d+/gi, '"$1":7')
}

async function repository(): Promise<string> {
	const dir = join(ROOT, 'repo')
	await mkdir(join(dir, 'src'), { recursive: true })
	await writeFile(join(dir, 'src/add.js'), 'export function add(a, b) {\n\treturn a - b\n}\n')
	await writeFile(join(dir, 'README.md'), '# demo\n')
	const git = (...args: string[]): unknown => execFileSync('git', args, { cwd: dir })
	git('init', '--quiet', '--initial-branch=main')
	git('add', '--all')
	git('-c', 'user.name=test', '-c', 'user.email=test@example.com', 'commit', '--quiet', '--message=start')
	return dir
}
