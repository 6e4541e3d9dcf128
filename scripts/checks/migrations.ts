import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { run } from '../lib/run.ts'
import type { Check } from './check.ts'

const FOLDER = 'migrations'
const SQL_FILES = `${FOLDER}/*.sql`
const GENERATE_TIMEOUT_MS = 60_000

/** Statements that lose data on D1: there the pragma has no effect, so dropping a parent table deletes its children. */
const FORBIDDEN: [pattern: RegExp, why: string][] = [
	[/\bDROP\s+TABLE\b/i, 'DROP TABLE deletes the rows of referencing tables on D1; leave the table, or move its rows in a migration of their own'],
	[/\bPRAGMA\s+foreign_keys\s*=\s*OFF/i, 'PRAGMA foreign_keys=OFF has no effect on D1; what follows it deletes child rows'],
	[/\b__new_\w+/, 'a table rebuild (__new_...) deletes child rows on D1; add columns only'],
]

export const migrationsCheck: Check = {
	name: 'migrations',
	remedy: 'change the schema only by adding, then `npm run db:generate`; a migration that exists is never edited',
	async run(root) {
		const sql = readdirSync(join(root, FOLDER)).filter((name) => name.endsWith('.sql')).sort()
		const texts = sql.map((name) => ({ name, text: readFileSync(join(root, FOLDER, name), 'utf8') }))
		const snapshots = readdirSync(join(root, FOLDER, 'meta')).filter((name) => name.endsWith('_snapshot.json'))
		const journal = JSON.parse(readFileSync(join(root, FOLDER, 'meta', '_journal.json'), 'utf8'))
		const problems = [...texts.flatMap(statementProblems), ...journalProblems({ journal, sql, snapshots }), ...rewrittenProblems(root), ...(await drift(root))]
		return { problems, note: `${sql.length} migrations` }
	},
}

export function statementProblems({ name, text }: { name: string; text: string }): string[] {
	const statements = text.replace(/--[^\n]*/g, '')
	return FORBIDDEN.filter(([pattern]) => pattern.test(statements)).map(([, why]) => `${FOLDER}/${name}: ${why}`)
}

export interface MigrationFolder {
	journal: { entries: { idx: number; tag: string }[] }
	sql: readonly string[]
	snapshots: readonly string[]
}

/** The journal, the SQL files and the snapshots name the same migrations, numbered without a gap. */
export function journalProblems({ journal, sql, snapshots }: MigrationFolder): string[] {
	const tags = journal.entries.map(({ tag }) => tag)
	return [
		...tags.filter((tag) => !sql.includes(`${tag}.sql`)).map((tag) => `${FOLDER}/${tag}.sql is in the journal and missing`),
		...sql.filter((name) => !tags.includes(name.slice(0, -4))).map((name) => `${FOLDER}/${name} is not in the journal`),
		...journal.entries.flatMap(({ idx, tag }, index) => (idx === index && tag.startsWith(String(index).padStart(4, '0')) ? [] : [`${FOLDER}: ${tag} is not number ${index}`])),
		...tags.filter((tag) => !snapshots.includes(`${tag.slice(0, 4)}_snapshot.json`)).map((tag) => `${FOLDER}/meta: ${tag} has no snapshot`),
	]
}

/**
 * Migrations that were changed or removed after they were there: in the working tree, or by a commit that the main branch does not
 * have (on the main branch itself: by the last commit). A commit whose message has a line `Migrations-Rewritten: <reason>` is
 * excused: that is for the time before any database holds them.
 */
export function rewrittenProblems(root: string): string[] {
	const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
	const changes = ['--name-only', '--diff-filter=MDR']
	try {
		const uncommitted = git('diff', ...changes, 'HEAD', '--', SQL_FILES).split('\n').filter(Boolean)
		const log = git('log', '--format=%x00%h %(trailers:key=Migrations-Rewritten,valueonly,separator=%x20)', ...changes, ...newCommits(git), '--', SQL_FILES)
		return [
			...uncommitted.map((path) => `${path}: changed since the last commit; migrations are append-only`),
			...log.split('\0').flatMap(rewrites).map(({ path, commit }) => `${path}: changed by commit ${commit}; migrations are append-only`),
		]
	} catch {
		// No commit yet, or not a repository: there is no history to compare with.
		return []
	}
}

/** The range of commits to look at, as arguments of `git log`. */
function newCommits(git: (...args: string[]) => string): string[] {
	try {
		const fork = git('merge-base', 'HEAD', 'origin/main').trim()
		if (fork !== git('rev-parse', 'HEAD').trim()) return [`${fork}..HEAD`]
	} catch {
		// There is no main branch elsewhere to compare with.
	}
	return ['--no-walk', 'HEAD']
}

/** The paths of one entry of the log, none when the commit gives its reason. */
function rewrites(entry: string): { path: string; commit: string }[] {
	const [head = '', ...paths] = entry.split('\n').filter((line) => line.trim() !== '')
	const [commit = '', ...reason] = head.trim().split(' ')
	return reason.length === 0 ? paths.map((path) => ({ path, commit })) : []
}

/** Generates into a copy: anything new there is a schema change without a migration. */
async function drift(root: string): Promise<string[]> {
	const scratch = join(root, '.vibehq', 'tmp')
	mkdirSync(scratch, { recursive: true })
	const copy = mkdtempSync(join(scratch, 'migrations-'))
	try {
		cpSync(join(root, FOLDER), copy, { recursive: true })
		const orchestrator = join(root, 'orchestrator')
		const args = ['generate', '--dialect=sqlite', '--schema=./worker/database/schema.ts', `--out=${relative(orchestrator, copy)}`]
		const { status, output } = await run('drizzle-kit', args, { cwd: orchestrator, timeoutMs: GENERATE_TIMEOUT_MS, env: { NO_COLOR: '1' } })
		if (status !== 0) return [`drizzle-kit generate failed:\n${output.trimEnd()}`]
		const before = readdirSync(join(root, FOLDER))
		const added = readdirSync(copy).filter((name) => !before.includes(name))
		return added.map((name) => `the schema has what no migration makes:\n${readFileSync(join(copy, name), 'utf8').trimEnd()}`)
	} finally {
		rmSync(copy, { recursive: true, force: true })
	}
}
