import type { AIPatch, PatchSet, ScopeEntry } from '@shared/contracts'
import { matchesGlob } from './globs.ts'
import type { PolicyHit } from './policy.ts'

/**
 * Changes outside of what the task may touch. Lines count in the base, which is what the set counts in; a file that is made, moved,
 * deleted or given another mode needs an entry for the whole file.
 */
export function scopeHits(set: PatchSet, scope: readonly ScopeEntry[] | null): PolicyHit[] {
	if (scope === null) return []
	const patchesOf = Map.groupBy(set.patches, ({ file }) => file)
	const hits: PolicyHit[] = []
	for (const { path, from, change } of set.files) {
		const isWhole = isWholeFile(scope, path) && (from === undefined || isWholeFile(scope, from))
		if (isWhole) continue
		if (change !== 'modify') {
			hits.push({ rule: 'outside-scope', path, change })
			continue
		}
		const spans = scope.filter((entry) => entry.path === path)
		const outside = (patchesOf.get(path) ?? []).filter((patch) => !spans.some((span) => isWithin(patch, span)))
		for (const patch of outside) hits.push({ rule: 'outside-scope', path, operation: patch.operation, ...lineOf(patch) })
	}
	return hits
}

const isWholeFile = (scope: readonly ScopeEntry[], path: string) => scope.some((entry) => entry.start === undefined && matchesGlob(entry.path, path))

function isWithin(patch: AIPatch, { start, end }: ScopeEntry): boolean {
	if (start === undefined || end === undefined) return false
	switch (patch.operation) {
		case 'replace-block':
			return start <= patch.start && patch.end <= end
		case 'insert-before':
			return start <= patch.line && patch.line <= end
		case 'insert-after':
			return start <= patch.line && patch.line <= end
		case 'append':
			return false
	}
}

function lineOf(patch: AIPatch): { line?: number } {
	if (patch.operation === 'append') return {}
	return { line: patch.operation === 'replace-block' ? patch.start : patch.line }
}
