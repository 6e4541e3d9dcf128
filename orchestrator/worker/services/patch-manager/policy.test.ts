import { AppError } from '@shared/contracts'
import type { PatchSet } from '@shared/contracts'
import { describe, expect, it } from 'vitest'
import { checkPolicy, DEFAULT_POLICY, findPolicyHits } from './policy.ts'

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

const rules = (set: PatchSet, tripwires: string[] = []) => findPolicyHits(set, { ...DEFAULT_POLICY, tripwires }).map(({ rule, path }) => `${rule} ${path}`)

it('lets an ordinary set pass', () => {
	expect(() => checkPolicy(setOf({ 'src/a.ts': 'const a = 1\n', '.gitignore': 'x\n' }))).not.toThrow()
})

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

	it('are looked for in linear time', () => {
		expect(rules(setOf({ a: `${'<<<<<<< a\n=======\n'.repeat(200_000)}x >>>>>>> b` }))).toEqual([])
	})
})

describe('secrets', () => {
	const secret = 'a-very-secret-value'

	it('are refused in blocks, file names and the summary, by every hit and without the value', () => {
		const set = setOf({ 'a.ts': `\n${secret}`, [`${secret}.txt`]: btoa(secret) }, { summary: `I used ${secret}` })
		const error = catching(() => checkPolicy(set, { ...DEFAULT_POLICY, tripwires: [secret] }))
		expect(error.details).toMatchObject({
			rule: 'secret',
			path: 'a.ts',
			hitCount: 4,
			hits: [{ path: 'a.ts', blockLine: 2 }, { rule: 'secret' }, { path: '(file name)' }, { path: '(summary)' }],
		})
		expect(error.message).not.toContain(secret)
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
