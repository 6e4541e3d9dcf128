import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect } from 'vitest'
import { runningProcesses } from './processes.ts'
import { needlesOf } from './secretForms.ts'
import type { Needle } from './secretForms.ts'
import type { Stack } from './stack.ts'

/** What a search looked at, and where it found a secret. A finding never quotes the secret. */
export interface SecretSearch {
	found: string[]
	files: number
	databases: number
	repositories: number
}

/** Written by the launcher, for the owner only: where the secrets of a local system live. */
const HOMES_OF_SECRETS = new Set(['orchestrator.env', 'signing-key'])
/** Folders of the tests themselves. */
const OF_TESTS = /^folder-/
const run = promisify(execFile)

/** Looks for the secrets in everything below a state directory: files, values in databases, and objects in git repositories. */
export async function searchState(stateDir: string, secrets: readonly string[]): Promise<SecretSearch> {
	const needles = needlesOf(secrets)
	const search: SecretSearch = { found: [], files: 0, databases: 0, repositories: 0 }
	const look = (bytes: Buffer, place: string) => search.found.push(...seen(needles, bytes).map((name) => `${name} in ${place}`))
	for (const file of filesBelow(stateDir)) {
		const place = relative(stateDir, file)
		if (HOMES_OF_SECRETS.has(place)) {
			if ((statSync(file).mode & 0o077) !== 0) search.found.push(`${place} can be read by others`)
			continue
		}
		const bytes = readIfThere(file)
		search.files += 1
		look(bytes, place)
		if (bytes.subarray(0, 15).toString('latin1') === 'SQLite format 3') {
			search.databases += 1
			for (const { table, text } of valuesOf(file)) look(text, `${place}, table ${table}`)
		}
		if (isRepositoryHead(file)) {
			search.repositories += 1
			look(await objectsOf(join(file, '..')), `the objects of ${place}`)
		}
	}
	return search
}

// Processes that have secrets in their environment by design: the tests' own git, which pushes as the operator and is told by its
// identity; and wrangler with what it starts, to which it hands on the variables of its --env-file.
const HOLDERS = ['GIT_AUTHOR_EMAIL=vibehq@localhost\0', 'WRANGLER_REGISTRY_PATH=']

/** Secrets in the arguments of all processes of this machine except this one, and in the environments of those that should have none: runners, agents, and all else. */
export function searchProcesses(secrets: readonly string[]): string[] {
	const needles = needlesOf(secrets)
	return runningProcesses().flatMap((each) => {
		const isHolder = HOLDERS.some((mark) => each.environment.includes(mark))
		return [
			...seen(needles, each.arguments).map((name) => `${name} in the arguments of a process`),
			...(isHolder ? [] : seen(needles, each.environment)).map((name) => `${name} in the environment of a process`),
		]
	})
}

const seen = (needles: readonly Needle[], bytes: Buffer) => needles.filter((needle) => bytes.includes(needle.bytes)).map(({ name }) => name)

/** Fails when a secret of the stack is anywhere in its state; also when the search found nothing to look at. */
export async function expectNoSecret(stack: Pick<Stack, 'stateDir'>, secrets: readonly string[]): Promise<void> {
	expect(secrets.length).toBeGreaterThan(0)
	const search = await searchState(stack.stateDir, secrets)
	expect(search.found).toEqual([])
	expect(Math.min(search.files, search.databases, search.repositories), 'a search that looked at nothing').toBeGreaterThan(0)
}

const SAMPLE_MS = 500

/** Watches the processes while the tests of a file run, and looks through the whole state after them. Call it after `sharedStack`. */
export function guardSecrets(shared: { readonly stack: Stack }): void {
	const found = new Set<string>()
	let samples = 0
	let timer: NodeJS.Timeout | undefined
	beforeAll(() => {
		timer = setInterval(() => {
			samples += 1
			for (const finding of searchProcesses(shared.stack.secrets)) found.add(finding)
		}, SAMPLE_MS)
	})
	afterAll(async () => {
		clearInterval(timer)
		expect([...found]).toEqual([])
		expect(samples).toBeGreaterThan(0)
		await expectNoSecret(shared.stack, shared.stack.secrets)
	})
}

function filesBelow(folder: string): string[] {
	const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !OF_TESTS.test(name))
	return entries.flatMap((entry) => {
		const path = join(folder, entry.name)
		if (entry.isDirectory()) return existsSync(path) ? filesBelow(path) : []
		return entry.isFile() ? [path] : []
	})
}

/** Empty for a file that went away while its folder was read: the system goes on working. */
function readIfThere(file: string): Buffer {
	return existsSync(file) ? readFileSync(file) : Buffer.alloc(0)
}

/** All values: in the file itself a long one lies in pieces. */
function valuesOf(file: string): { table: string; text: Buffer }[] {
	const database = new DatabaseSync(file, { readOnly: true })
	try {
		const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all().map(({ name }) => String(name))
		return tables.map((table) => {
			const statement = database.prepare(`SELECT * FROM "${table.replaceAll('"', '""')}"`)
			// Alarms are kept in nanoseconds.
			statement.setReadBigInts(true)
			const values = statement.all().flatMap((row) => Object.values(row))
			return { table, text: Buffer.concat(values.map((value) => (value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(`${String(value)}\n`)))) }
		})
	} finally {
		database.close()
	}
}

const isRepositoryHead = (file: string) => file.endsWith('/HEAD') && existsSync(join(file, '../objects'))

async function objectsOf(cwd: string): Promise<Buffer> {
	const args = ['--git-dir', '.', 'cat-file', '--batch-all-objects', '--batch']
	const { stdout } = await run('git', args, { cwd, encoding: 'buffer', maxBuffer: 1024 * 1024 * 1024, env: { ...process.env, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' } })
	return stdout
}
