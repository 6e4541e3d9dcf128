import { afterAll, beforeAll, expect, it } from 'vitest'
import { patchSetFromDiff } from './fromDiff.ts'
import { blobId } from './gitObjects.ts'
import { pathProblem } from './paths.ts'
import { applyToTree } from './testing/applyToTree.ts'
import { answerOf } from './testing/doors.ts'
import { fuzzRuns } from './testing/fuzzRuns.ts'
import { bytesOf, createGitRepository, type GitRepository, readFrom, type Tree, treeOf } from './testing/gitRepository.ts'
import { FORBIDDEN_PATHS } from './testing/hostileInput.ts'
import { patchSet } from './testing/patchSet.ts'
import { createRandom, type Random } from './testing/random.ts'
import { encodeText } from './text.ts'

const before = treeOf({ f: 'a\nb\nc\nd\ne\n', 'with "quote"\n': 'q\n', gone: 'g\n', old: 'same\n'.repeat(20), binary: new Uint8Array([0, 1]), open: 'last' })
const after: Tree = new Map([
	...treeOf({ f: 'a\nB\nc\nd\ne\nf\n', 'with "quote"\n': '--- q\n+++ r\n', new: 'n\n', moved: `${'same\n'.repeat(20)}x\n`, open: 'last\n' }),
	['binary', { content: new Uint8Array([0, 1]), mode: '100755' }],
])

let repository: GitRepository
let seeds: { raw: Uint8Array; diff: Uint8Array }
beforeAll(() => {
	repository = createGitRepository()
	const base = repository.store(before)
	repository.store(after)
	seeds = repository.diffFrom(base)
})
afterAll(() => repository.remove())

async function readBase(path: string): Promise<Uint8Array | null> {
	if (pathProblem(path) !== null) throw new Error(`Read outside of the workspace: ${JSON.stringify(path)}`)
	return readFrom(before)(path)
}

const PIECES = ['', '\n', '\0', '\xff', '9'.repeat(40), '@@ -1 +1 @@\n', '@@ -0,0 +1 @@\n', '@@ -1,99999999999999999999 +1 @@\n', '--- a/f\n', '+++ /dev/null\n', 'diff --git a/f b/f\n', '\\ No newline at end of file\n', '+', '-', ' ', 'GIT binary patch\n', '120000', '160000', ':100644 100644 ', ' R100\0', '../../etc/passwd', '.git/config', '-1', 'NaN', '\ud800', '\r\n', '\u2028']

function mutatedBytes(random: Random, bytes: Uint8Array): Uint8Array {
	let made = Buffer.from(bytes)
	for (let count = 1 + random.below(4); count > 0; count -= 1) {
		const at = random.below(made.length + 1)
		const piece = Buffer.from(random.pick(['x', ...PIECES]), random.chance(0.5) ? 'latin1' : 'utf8')
		const copied = made.subarray(random.below(made.length + 1)).subarray(0, random.below(200))
		made = Buffer.concat([made.subarray(0, at), random.chance(0.2) ? copied : piece, made.subarray(at + random.below(random.pick([1, 4, 4, 60])))])
	}
	return new Uint8Array(made)
}

it('what a mutated diff gives is proved by its blob ids, or refused with a code', { timeout: 600_000 }, async () => {
	const random = createRandom(12)
	const seen = new Map<string, number>()
	for (let run = 0; run < fuzzRuns(3000); run += 1) {
		const isRaw = random.chance(0.4)
		const raw = isRaw ? mutatedBytes(random, seeds.raw) : seeds.raw
		const diff = isRaw && random.chance(0.7) ? seeds.diff : mutatedBytes(random, seeds.diff)
		const code = await answerOf(async () => {
			const made = await patchSetFromDiff({ raw, diff, readBase, taskId: 't', provider: 'p' })
			// What came through has to be what git listed: the ids prove it.
			const landed = await answerOf(() => applyToTree(before, patchSet(made.files, made.patches)))
			expect(['ok', 'PATCH_POLICY', 'PATCH_INVALID', 'PATCH_STALE']).toContain(landed)
		})
		seen.set(code, (seen.get(code) ?? 0) + 1)
	}
	expect([...seen.keys()].sort()).toEqual(expect.arrayContaining(['PATCH_BINARY_UNSUPPORTED', 'PATCH_CORRUPT', 'ok']))
})

it('carries the diff that the mutations begin with', async () => {
	const made = await patchSetFromDiff({ ...seeds, readBase, taskId: 't', provider: 'p' })
	const tree = await applyToTree(before, patchSet(made.files, made.patches))
	expect(new Map([...tree].map(([path, file]) => [path, Buffer.from(bytesOf(file)).toString('latin1')]))).toEqual(
		new Map([...after].map(([path, file]) => [path, Buffer.from(bytesOf(file)).toString('latin1')])),
	)
})

it.each(FORBIDDEN_PATHS.filter((path) => path.isWellFormed() && !path.includes('\0')).map((path) => [path]))('never reads a base at %j', async (path) => {
	const [old, result] = [await blobId(encodeText('a\n')), await blobId(encodeText('b\n'))]
	const raw = encodeText(`:100644 100644 ${old} ${result} M\0${path}\0`)
	const diff = encodeText(`diff --git a/f b/f\nindex ${old}..${result} 100644\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n`)
	expect(await answerOf(() => patchSetFromDiff({ raw, diff, readBase, taskId: 't', provider: 'p' }))).toBe('PATCH_POLICY')
})
