import { AppError, PolicyRule } from '@shared/contracts'
import type { PatchSet, ScopeEntry } from '@shared/contracts'
import { describe, expect, it } from 'vitest'
import { DEFAULT_POLICY, judgePolicy, policyError } from './policy.ts'

const BLOB = 'a'.repeat(40)

function setOf(blocks: Record<string, string>, more: Partial<PatchSet> = {}): PatchSet {
	const common = { task_id: 'TSK-000000000000', metadata: { provider: 'codex' } }
	return {
		patch_set_id: 'PST-0000000000000000',
		task_id: 'TSK-000000000000',
		execution_id: 'EXE-0000000000000000',
		base_commit: BLOB,
		files: Object.keys(blocks).map((path) => ({ path, change: 'create', mode: '100644', base_blob: null, result_blob: BLOB })),
		patches: Object.entries(blocks).map(([file, block]) => ({ ...common, file, operation: 'append', block })),
		summary: 'done',
		metadata: { provider: 'codex' },
		...more,
	}
}

const judge = (set: PatchSet, tripwires: string[] = []) => judgePolicy(set, { ...DEFAULT_POLICY, tripwires })
const checkPolicy = (set: PatchSet, tripwires: string[] = []) => {
	const { refused } = judge(set, tripwires)
	if (refused.length > 0) throw policyError(refused)
}
const rules = (set: PatchSet, tripwires: string[] = []) => judge(set, tripwires).refused.map(({ rule, path }) => `${rule} ${path}`)

it('lets an ordinary set pass', () => {
	expect(() => checkPolicy(setOf({ 'src/a.ts': 'const a = 1\n', '.gitignore': 'x\n' }))).not.toThrow()
})

it('judges ten thousand files of long paths, three hundred thousand operations and as many secrets', () => {
	const common = { task_id: 'TSK-000000000000', metadata: { provider: 'codex' } }
	const paths = Array.from({ length: 10_000 }, (_, at) => `${at}/${'a/'.repeat(120)}${'a'.repeat(240)}`)
	const patches = Array.from({ length: 300_000 }, (_, at) => ({ ...common, file: paths[at % 10_000] ?? '', operation: 'insert-after' as const, line: at + 1, block: 'x\n' }))
	const set = setOf({ 'a.txt': 'AKIA0000000000000000\n'.repeat(300_000) })
	const files = paths.map((path) => ({ path, change: 'modify' as const, mode: '100644' as const, base_blob: BLOB, result_blob: BLOB }))
	const policy = { ...DEFAULT_POLICY, scope: [{ path: paths[0] ?? '', start: 1, end: 1 }, { path: 'a.txt' }] }
	const { refused } = judgePolicy({ ...set, files: [...set.files, ...files], patches: [...set.patches, ...patches] }, policy)
	const counts = Object.fromEntries(Array.from(Map.groupBy(refused, ({ rule }) => rule), ([rule, hits]) => [rule, hits.length]))
	expect(counts).toEqual({ 'file-count': 1, 'block-bytes': 1, 'outside-scope': 299_999, secret: 300_000 })
	expect(refused.findLast(({ rule }) => rule === 'secret')).toMatchObject({ blockLine: 300_000 })
}, 60_000)

it('names the rule and the figures of a set that is too large', () => {
	const error = catching(() => checkPolicy(setOf({ 'a.txt': 'é'.repeat(2_500_000) })))
	expect(error).toMatchObject({ code: 'PATCH_POLICY', details: { rule: 'block-bytes', bytes: 5_000_000, limit: 4_194_304 } })
	expect(error.message).toContain('bytes 5000000, limit 4194304')
	const many = setOf(Object.fromEntries(Array.from({ length: 501 }, (_, at) => [`f${at}`, ''])))
	expect(catching(() => checkPolicy(many)).details).toMatchObject({ rule: 'file-count', files: 501, limit: 500, hitCount: 1 })
})

describe('paths', () => {
	it.each(['/etc/passwd', '../x', 'a/../../x', '.git/hooks/pre-commit', 'a/.GIT/config', 'a//b', './a'])('refuses %j', (path) => {
		expect(rules(setOf({ [path]: 'x' }))).toHaveLength(1)
	})

	it('looks at where a rename comes from and at operations on unlisted files', () => {
		const set = setOf({ 'ok.txt': 'x', '../elsewhere': 'x' })
		const rename = { path: 'b', from: '.git/config', change: 'rename', mode: '100644', base_blob: BLOB, result_blob: BLOB } as const
		expect(rules({ ...set, files: [rename] })).toEqual(['path-git-directory .git/config', 'path-escape ../elsewhere'])
	})
})

describe('conflict markers', () => {
	it.each([
		'<<<<<<< HEAD\na\n=======\nb\n>>>>>>> other\n',
		'x\n<<<<<<< HEAD\r\na\r\n||||||| base\r\nc\r\n=======\r\nb\r\n>>>>>>> other\r\n',
	])('are refused: %j', (block) => {
		expect(rules(setOf({ a: block }))).toEqual(['conflict-markers a'])
	})

	it.each(['Title\n=======\n', '<<<<<<< a\n', '>>>>>>> b\n=======\n<<<<<<< a\n', ' <<<<<<< a\n =======\n >>>>>>> b\n'])('are not seen in %j', (block) => {
		expect(rules(setOf({ a: block }))).toEqual([])
	})

	it('are seen where a half-resolved merge leaves them between lines of the base, in whatever order the operations come', () => {
		const common = { file: 'a', task_id: 'TSK-000000000000', metadata: { provider: 'codex' } }
		const patches: PatchSet['patches'] = [
			{ ...common, operation: 'append', block: '>>>>>>> other\n' },
			{ ...common, operation: 'insert-before', line: 7, block: '=======\n' },
			{ ...common, operation: 'replace-block', start: 3, end: 4, block: '<<<<<<< HEAD\nx\n' },
		]
		expect(rules(setOf({}, { patches }))).toEqual(['conflict-markers a'])
		expect(rules(setOf({}, { patches: patches.map((patch, at) => ({ ...patch, file: `f${at}` })) }))).toEqual([])
		const upsideDown: PatchSet['patches'] = [
			{ ...common, operation: 'insert-after', line: 6, block: '>>>>>>> other\n' },
			{ ...common, operation: 'insert-before', line: 7, block: '<<<<<<< HEAD\n=======\n' },
		]
		expect(rules(setOf({}, { patches: upsideDown }))).toEqual([])
	})

	it('are looked for in linear time', () => {
		expect(rules(setOf({ a: `${'<<<<<<< a\n=======\n'.repeat(200_000)}x >>>>>>> b` }))).toEqual([])
	})
})

describe('secrets', () => {
	const secret = 'a-very-secret-value'

	it('are refused in blocks, file names and the summary, by every hit and without the value', () => {
		const set = setOf({ 'a.ts': `\n${secret}`, [`${secret}.txt`]: btoa(secret) }, { summary: `I used ${secret}` })
		const error = catching(() => checkPolicy(set, [secret]))
		expect(error.details).toMatchObject({
			rule: 'secret',
			path: 'a.ts',
			hitCount: 4,
			hits: [{ path: 'a.ts', blockLine: 2 }, { rule: 'secret' }, { path: '(file name)' }, { path: '(summary)' }],
		})
		expect(error.message).not.toContain(secret)
	})
})

describe('outcomes', () => {
	const FILES = { '.github/workflows/ci.yml': 'on: push\n', 'deep/AGENTS.md': 'x', 'package-lock.json': '{}', 'src/a.ts': 'x' }
	const outcome = (change: object, scope: ScopeEntry[] | null = null, set = setOf(FILES)) => {
		const verdict = judgePolicy(set, { ...DEFAULT_POLICY, scope, rules: { ...DEFAULT_POLICY.rules, ...change } })
		return { outcome: verdict.outcome, asked: verdict.asked.map(({ path }) => path), refused: verdict.refused.map(({ rule, path }) => `${rule} ${path}`) }
	}

	it('asks a person about files that run, decide or instruct', () => {
		expect(outcome({})).toEqual({ outcome: 'ask', asked: ['.github/workflows/ci.yml', 'deep/AGENTS.md', 'package-lock.json'], refused: [] })
	})

	it('is what the workspace says', () => {
		expect(outcome({ outcomes: { 'protected-file': 'allow' } })).toMatchObject({ outcome: 'allow', asked: [] })
		expect(outcome({ outcomes: { 'protected-file': 'refuse' } }).outcome).toBe('refuse')
		expect(outcome({ protectedFiles: [] }).outcome).toBe('allow')
		expect(outcome({ protectedFiles: [], allowedFiles: ['src/**', '**/*.json'] }).refused).toEqual(['file-not-allowed .github/workflows/ci.yml', 'file-not-allowed deep/AGENTS.md'])
	})

	it('never lets a path out of the workspace, whatever is set', () => {
		const all = Object.fromEntries(PolicyRule.options.map((rule) => [rule, 'allow']))
		expect(outcome({ outcomes: all }, null, setOf({ '../x': 'y' }))).toMatchObject({ outcome: 'refuse', refused: ['path-escape ../x'] })
	})

	it('holds a task to its scope, line by line', () => {
		const edit = (path: string, operation: object) => {
			const set = setOf({ [path]: 'x' })
			const [file] = set.files
			const [patch] = set.patches
			return { ...set, files: [{ ...file, change: 'modify', base_blob: BLOB }], patches: [{ ...patch, ...operation }] } as PatchSet
		}
		const refused = (set: PatchSet, scope: ScopeEntry[]) => outcome({}, scope, set).refused
		const lines = [{ path: 'a', start: 5, end: 9 }]
		expect(refused(edit('a', { operation: 'replace-block', start: 5, end: 9 }), lines)).toEqual([])
		expect(refused(edit('a', { operation: 'insert-after', line: 9 }), lines)).toEqual([])
		expect(refused(edit('a', { operation: 'replace-block', start: 5, end: 10 }), lines)).toEqual(['outside-scope a'])
		expect(refused(edit('a', { operation: 'insert-after', line: 4 }), lines)).toEqual(['outside-scope a'])
		expect(refused(edit('a', { operation: 'append' }), lines)).toEqual(['outside-scope a'])
		expect(refused(edit('b', { operation: 'append' }), lines)).toEqual(['outside-scope b'])
		expect(refused(edit('src/b', { operation: 'append' }), [{ path: 'src/**' }])).toEqual([])
		expect(refused(setOf({ a: 'x' }), lines)).toEqual(['outside-scope a'])
	})
})

it('lists every hit, the first fifty in full', () => {
	const set = setOf(Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`../${at}`, 'x'])))
	const { details } = catching(() => checkPolicy(set))
	expect(details).toMatchObject({ hitCount: 60 })
	expect(details?.['hits']).toHaveLength(50)
})

function catching(run: () => void): AppError {
	try {
		run()
	} catch (error) {
		if (error instanceof AppError) return error
		throw error
	}
	throw new Error('nothing was thrown')
}
