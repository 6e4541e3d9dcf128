import { pathProblem } from '@shared/ai-patch'
import { AppError, DEFAULT_OUTCOMES, WorkspacePolicy } from '@shared/contracts'
import type { AIPatch, PatchSet, PolicyOutcome, PolicyRule, ScopeEntry } from '@shared/contracts'
import { matchesGlob } from './globs.ts'
import { scopeHits } from './scope.ts'
import { findSecrets } from './secretScan.ts'

/** What a set is judged by: the rules of its workspace, what its task may touch, and values that may stand in no patch. */
export interface Policy {
	rules: WorkspacePolicy
	/** Null: the task may touch anything. */
	scope: readonly ScopeEntry[] | null
	/** Secret values that must not appear in a patch in any common spelling; those under 8 characters are not looked for. */
	tripwires: readonly string[]
}
export const DEFAULT_POLICY: Policy = { rules: WorkspacePolicy.parse({}), scope: null, tripwires: [] }

/** One rule that a patch set breaks, and where. It never quotes a secret. */
export interface PolicyHit {
	/** A PolicyRule, or the name of what is wrong with a path. */
	rule: string
	path: string
	[figure: string]: string | number
}

/** What is to be done with the set. `allowed` are hits that the workspace puts up with. */
export interface Verdict {
	outcome: PolicyOutcome
	refused: PolicyHit[]
	asked: PolicyHit[]
	allowed: PolicyHit[]
}

/** What a hit without a file is about. */
export const WHOLE_SET = '(patch set)'
export const SUMMARY = '(summary)'

const MAX_REPORTED = 50

/** Weighs every hit by the outcomes of the workspace. One refusal outweighs all; what is wrong with a path is always refused. */
export function judgePolicy(set: PatchSet, policy: Policy = DEFAULT_POLICY): Verdict {
	const verdict: Verdict = { outcome: 'allow', refused: [], asked: [], allowed: [] }
	for (const hit of findPolicyHits(set, policy)) {
		const outcome = outcomeOf(policy.rules, hit.rule)
		if (outcome === 'refuse') verdict.refused.push(hit)
		else if (outcome === 'ask') verdict.asked.push(hit)
		else verdict.allowed.push(hit)
	}
	if (verdict.asked.length > 0) verdict.outcome = 'ask'
	if (verdict.refused.length > 0) verdict.outcome = 'refuse'
	return verdict
}

export function outcomeOf({ outcomes }: WorkspacePolicy, rule: string): PolicyOutcome {
	return isRule(rule) ? (outcomes[rule] ?? DEFAULT_OUTCOMES[rule]) : 'refuse'
}

const isRule = (rule: string): rule is PolicyRule => Object.hasOwn(DEFAULT_OUTCOMES, rule)

/** PATCH_POLICY with `details: { rule, path, hits, hitCount }`; the first hit is also the rule and path of the whole. */
export function policyError(hits: readonly PolicyHit[]): AppError {
	const details = { ...hits[0], ...reported(hits) }
	return new AppError('PATCH_POLICY', `The patch set is not allowed to land: ${describeHits(hits)}. It is kept; the workspace is as it was.`, details)
}

/** The hits as far as a record takes them: a set can break a rule in every line. */
export const reported = (hits: readonly PolicyHit[]) => ({ hits: hits.slice(0, MAX_REPORTED), hitCount: hits.length })

/** For people: the first hit with its figures, and how many more there are. */
export function describeHits(hits: readonly PolicyHit[]): string {
	const [first] = hits
	if (first === undefined) return 'nothing'
	const figures = Object.entries(first).flatMap(([name, value]) => (name === 'rule' || name === 'path' ? [] : [`${name} ${value}`]))
	const more = hits.length === 1 ? '' : `, and ${hits.length - 1} more`
	return `${first.rule} at ${first.path}${figures.length === 0 ? '' : ` (${figures.join(', ')})`}${more}`
}

/** Every rule that the set breaks, whole-set rules first. Needs nothing but the set: what only the base shows is refused when the candidate is made. */
function findPolicyHits(set: PatchSet, policy: Policy): PolicyHit[] {
	return [...sizeHits(set, policy.rules), ...pathHits(set), ...fileHits(set, policy.rules), ...scopeHits(set, policy.scope), ...markerHits(set), ...secretHits(set, policy)]
}

function sizeHits(set: PatchSet, rules: WorkspacePolicy): PolicyHit[] {
	const hits: PolicyHit[] = []
	if (set.files.length > rules.maxFiles) hits.push({ rule: 'file-count', path: WHOLE_SET, files: set.files.length, limit: rules.maxFiles })
	const encoder = new TextEncoder()
	const bytes = set.patches.reduce((sum, patch) => sum + encoder.encode(patch.block).length, 0)
	if (bytes > rules.maxBlockBytes) hits.push({ rule: 'block-bytes', path: WHOLE_SET, bytes, limit: rules.maxBlockBytes })
	return hits
}

function pathHits(set: PatchSet): PolicyHit[] {
	return Array.from(pathsOf(set)).flatMap((path) => {
		const rule = pathProblem(path)
		return rule === null ? [] : [{ rule, path: path.slice(0, 300) }]
	})
}

function fileHits(set: PatchSet, { protectedFiles, allowedFiles }: WorkspacePolicy): PolicyHit[] {
	const isAmong = (patterns: readonly string[], path: string) => patterns.some((pattern) => matchesGlob(pattern, path))
	// A longer path than any file system takes is refused by its own rule; matching it would only cost time.
	return Array.from(pathsOf(set)).flatMap((path) => {
		if (path.length > 1024) return []
		const hits: PolicyHit[] = []
		if (isAmong(protectedFiles, path)) hits.push({ rule: 'protected-file', path })
		if (allowedFiles.length > 0 && !isAmong(allowedFiles, path)) hits.push({ rule: 'file-not-allowed', path })
		return hits
	})
}

function pathsOf(set: PatchSet): Set<string> {
	const paths = new Set(set.files.flatMap((file) => (file.from === undefined ? [file.path] : [file.path, file.from])))
	for (const { file } of set.patches) paths.add(file)
	return paths
}

/** The three lines that an unresolved merge leaves, in their order. A rule of equals signs alone is ordinary text. */
const MARKER = /^(?:<{7} |={7}\r?$|>{7} )/gm

/** By file, not by block: the diff of a half-resolved merge has a marker here and a marker there, between lines that were in the base. */
function markerHits(set: PatchSet): PolicyHit[] {
	return Array.from(Map.groupBy(set.patches, ({ file }) => file)).flatMap(([file, patches]) => {
		const blocks = patches.toSorted((a, b) => placeOf(a) - placeOf(b)).map(({ block }) => block)
		return hasConflict(blocks) ? [{ rule: 'conflict-markers', path: file }] : []
	})
}

/** Sorts operations as they stand in the file: what goes after a line, what goes before the next one, that line. */
function placeOf(patch: AIPatch): number {
	switch (patch.operation) {
		case 'replace-block':
			return patch.start
		case 'insert-before':
			return patch.line - 0.4
		case 'insert-after':
			return patch.line + 0.4
		case 'append':
			return Number.MAX_VALUE
	}
}

// One pass, because a block is as long and as hostile as its writer likes.
function hasConflict(blocks: readonly string[]): boolean {
	const order = ['<', '=', '>']
	let seen = 0
	for (const block of blocks) {
		for (const [marker] of block.matchAll(MARKER)) {
			if (marker[0] === order[seen]) seen += 1
			if (seen === order.length) return true
		}
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
