import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { defaultCacheDir, ensureCLI } from './cliCache.ts'
import clis from './clis.json' with { type: 'json' }

// A stand-in for npm, so that failures, crashes and races can be arranged. The real npm and CLIs have a test of their own.

const CODEX_VERSION = clis.codex.version
const BINARY = `node_modules/@openai/codex-${process.platform}-${process.arch}/vendor/target/bin/codex`

let cacheDir: string
let clisDir: string
let toolsDir: string

beforeEach(async () => {
	cacheDir = await mkdtemp(join(tmpdir(), 'cli-cache-'))
	toolsDir = await mkdtemp(join(tmpdir(), 'cli-npm-'))
	clisDir = join(cacheDir, 'clis')
	return async () => {
		await rm(cacheDir, { recursive: true, force: true })
		await rm(toolsDir, { recursive: true, force: true })
	}
})

/** An npm that notes its calls in `calls.txt` and then runs the given statements; `prefix` and `install()` are at hand. */
async function npm(statements: string): Promise<string[]> {
	const script = `
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
const prefix = process.argv[process.argv.indexOf('--prefix') + 1]
appendFileSync(${JSON.stringify(join(toolsDir, 'calls.txt'))}, process.argv.slice(2).join(' ') + '\\n')
const install = (version = '${CODEX_VERSION}', exitCode = 0) => {
	const file = join(prefix, ${JSON.stringify(BINARY)})
	mkdirSync(dirname(file), { recursive: true })
	writeFileSync(file, '#!/bin/sh\\necho codex-cli ' + version + '\\nexit ' + exitCode + '\\n', { mode: 0o755 })
}
${statements}
`
	const file = join(toolsDir, 'npm.mjs')
	await writeFile(file, script)
	return [process.execPath, file]
}

async function calls(): Promise<string[]> {
	const text = await readFile(join(toolsDir, 'calls.txt'), 'utf8').catch(() => '')
	return text.split('\n').filter(Boolean)
}

describe('ensureCLI', () => {
	it('installs the pinned version without install scripts and returns the native binary', async () => {
		const lines: string[] = []
		const npmCommand = await npm('install(); console.log("added 2 packages")')
		const cli = await ensureCLI('codex', { cacheDir, npmCommand, onProgress: (line) => lines.push(line) })
		expect(cli).toEqual({ bin: join(clisDir, `codex-${CODEX_VERSION}`, BINARY), argvPrefix: [], version: CODEX_VERSION, env: {} })
		const [call = ''] = await calls()
		expect(call).toContain('--ignore-scripts --no-audit --no-fund --include=optional')
		expect(call.endsWith(`@openai/codex@${CODEX_VERSION}`)).toBe(true)
		expect(lines).toEqual([`codex: installing @openai/codex@${CODEX_VERSION}`, 'added 2 packages', `codex: ${CODEX_VERSION} is ready`])
		expect(await readdir(clisDir)).toEqual([`codex-${CODEX_VERSION}`])
	})

	it('lets other users read what it installed', async () => {
		await ensureCLI('codex', { cacheDir, npmCommand: await npm('install()') })
		const { mode } = await stat(join(clisDir, `codex-${CODEX_VERSION}`))
		expect(mode & 0o777).toBe(0o755)
	})

	it('asks npm only once', async () => {
		const npmCommand = await npm('install()')
		const first = await ensureCLI('codex', { cacheDir, npmCommand })
		expect(await ensureCLI('codex', { cacheDir, npmCommand })).toEqual(first)
		expect(await calls()).toHaveLength(1)
	})

	it('lets callers that come at once share one installation', async () => {
		const npmCommand = await npm('await sleep(300); install()')
		const found = await Promise.all([1, 2, 3].map(() => ensureCLI('codex', { cacheDir, npmCommand })))
		expect(new Set(found.map(({ bin }) => bin)).size).toBe(1)
		expect(await calls()).toHaveLength(1)
		expect(await readdir(clisDir)).toEqual([`codex-${CODEX_VERSION}`])
	})

	it('says what npm said and leaves nothing behind', async () => {
		const npmCommand = await npm('console.error("npm error code ENOTFOUND\\nnpm error network getaddrinfo"); process.exitCode = 1')
		await expect(ensureCLI('codex', { cacheDir, npmCommand })).rejects.toMatchObject({
			code: 'UNAVAILABLE',
			message: expect.stringContaining('code ENOTFOUND | network getaddrinfo'),
		})
		expect(await readdir(clisDir)).toEqual([])
	})

	it('succeeds after a failure', async () => {
		await expect(ensureCLI('codex', { cacheDir, npmCommand: await npm('process.exitCode = 1') })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
		await expect(ensureCLI('codex', { cacheDir, npmCommand: await npm('install()') })).resolves.toMatchObject({ version: CODEX_VERSION })
	})

	it('names a missing npm', async () => {
		await expect(ensureCLI('codex', { cacheDir, npmCommand: ['/nonexistent/npm'] })).rejects.toMatchObject({
			code: 'UNAVAILABLE',
			message: expect.stringContaining('/nonexistent/npm could not be started'),
		})
	})

	it('stops an npm that does not end', async () => {
		const npmCommand = await npm('setInterval(() => {}, 1000)')
		await expect(ensureCLI('codex', { cacheDir, npmCommand, installTimeoutMs: 500 })).rejects.toMatchObject({
			code: 'UNAVAILABLE',
			message: expect.stringContaining('no end after 0.5 s'),
		})
	})

	it.each([
		['that is not there', ''],
		['of another version', 'install("9.9.9")'],
		['that does not start', `install("${CODEX_VERSION}", 3)`],
	])('refuses a program %s', async (_case, statements) => {
		await expect(ensureCLI('codex', { cacheDir, npmCommand: await npm(statements) })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
		expect(await readdir(clisDir)).toEqual([])
	})

	it('installs again over a damaged directory and clears what a dead installer left', async () => {
		const npmCommand = await npm('install()')
		const { bin } = await ensureCLI('codex', { cacheDir, npmCommand })
		await rm(bin)
		await mkdir(join(clisDir, `.staging-codex-${CODEX_VERSION}-dead`))
		await expect(ensureCLI('codex', { cacheDir, npmCommand })).resolves.toMatchObject({ bin })
		expect(await readdir(clisDir)).toEqual([`codex-${CODEX_VERSION}`])
	})

	it('reports a cache directory that cannot be made', async () => {
		const file = join(toolsDir, 'file')
		await writeFile(file, '')
		await expect(ensureCLI('codex', { cacheDir: file, npmCommand: await npm('install()') })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
	})
})

describe('defaultCacheDir', () => {
	it.each([
		[{ VIBEHQ_CACHE: '/a', XDG_CACHE_HOME: '/b' }, '/a'],
		[{ XDG_CACHE_HOME: '/b' }, '/b/vibehq'],
	])('of %o is %s', (env, expected) => {
		expect(defaultCacheDir(env)).toBe(expected)
	})

	it('falls back to the home directory', () => {
		expect(defaultCacheDir({ XDG_CACHE_HOME: '' })).toMatch(/\.cache\/vibehq$/)
	})
})
