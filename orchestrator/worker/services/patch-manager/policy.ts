import { AppError } from '@shared/contracts'
import type { PatchSet } from '@shared/contracts'
import { pathProblem } from '@shared/ai-patch'
import { findSecrets } from './secretScan.ts'

/** What a workspace lets land. */
export interface Policy {
	maxFiles: number
	/** Sum of all blocks, UTF-8 bytes. */
	maxBlockBytes: number
	/** Secret values that must not appear in a patch in any common spelling; those under 8 characters are not looked for. */
	tripwires: readonly string[]
}
export const DEFAULT_POLICY: Policy = { maxFiles: 500, maxBlockBytes: 4 * 1024 * 1024, tripwires: [] }

/** One rule that a patch set breaks, and where. It never quotes a secret. */
export interface PolicyHit {
	rule: string
	path: string
	[figure: string]: string | number
}

/** What a hit without a file is about. */
export const WHOLE_SET = '(patch set)'
export const SUMMARY = '(summary)'

const MAX_REPORTED = 50

/** Throws PATCH_POLICY with `details: { rule, path, hits, hitCount }`; the first hit is also the rule and path of the whole. */
export function checkPolicy(set: PatchSet, policy: Policy = DEFAULT_POLICY): void {
	const hits = findPolicyHits(set, policy)
	const first = hits[0]
	if (first === undefined) return
	const figures = Object.entries(first).flatMap(([name, value]) => (name === 'rule' || name === 'path' ? [] : [`${name} ${value}`]))
	const more = hits.length === 1 ? '' : `, and ${hits.length - 1} more`
	throw new AppError(
		'PATCH_POLICY',
		`The patch set is not allowed to land: ${first.rule} at ${first.path}${figures.length === 0 ? '' : ` (${figures.join(', ')})`}${more}. It is kept; the workspace is as it was.`,
		{ ...first, hits: hits.slice(0, MAX_REPORTED), hitCount: hits.length },
	)
}

/** Every rule that the set breaks, whole-set rules first. Needs nothing but the set: what only the base shows is refused when the candidate is made. */
export function findPolicyHits(set: PatchSet, policy: Policy): PolicyHit[] {
	return [...sizeHits(set, policy), ...pathHits(set), ...markerHits(set), ...secretHits(set, policy)]
}

function sizeHits(set: PatchSet, policy: Policy): PolicyHit[] {
	const hits: PolicyHit[] = []
	if (set.files.length > policy.maxFiles) hits.push({ rule: 'file-count', path: WHOLE_SET, files: set.files.length, limit: policy.maxFiles })
	const encoder = new TextEncoder()
	const bytes = set.patches.reduce((sum, patch) => sum + encoder.encode(patch.block).length, 0)
	if (bytes > policy.maxBlockBytes) hits.push({ rule: 'block-bytes', path: WHOLE_SET, bytes, limit: policy.maxBlockBytes })
	return hits
}

function pathHits(set: PatchSet): PolicyHit[] {
	const paths = new Set(set.files.flatMap((file) => (file.from === undefined ? [file.path] : [file.path, file.from])))
	for (const { file } of set.patches) paths.add(file)
	return Array.from(paths).flatMap((path) => {
		const rule = pathProblem(path)
		return rule === null ? [] : [{ rule, path: path.slice(0, 300) }]
	})
}

/** The three lines that an unresolved merge leaves, in their order, in one block. A rule of equals signs alone is ordinary text. */
const MARKER = /^(?:<{7} |={7}\r?$|>{7} )/gm

function markerHits(set: PatchSet): PolicyHit[] {
	return set.patches.flatMap(({ file, block }) => (hasConflict(block) ? [{ rule: 'conflict-markers', path: file }] : []))
}

// One pass, because a block is as long and as hostile as its writer likes.
function hasConflict(block: string): boolean {
	const order = ['<', '=', '>']
	let seen = 0
	for (const [marker] of block.matchAll(MARKER)) {
		if (marker[0] === order[seen]) seen += 1
		if (seen === order.length) return true
	}
	return false
}

function secretHits(set: PatchSet, policy: Policy): PolicyHit[] {
	const scan = findSecrets(policy.tripwires)
	const inFiles = set.patches.flatMap(({ file, block }) => scan(block).map(({ kind, line }) => ({ rule: 'secret', path: file, kind, blockLine: line })))
	const inPaths = set.files.flatMap(({ path }) => scan(path).map(({ kind }) => ({ rule: 'secret', path: '(file name)', kind })))
	// The summary becomes the commit message.
	const inSummary = scan(set.summary).map(({ kind, line }) => ({ rule: 'secret', path: SUMMARY, kind, line }))
	return [...inFiles, ...inPaths, ...inSummary]
}
