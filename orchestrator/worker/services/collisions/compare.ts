import { forecastCollisions } from '@shared/ai-patch'
import { isAppError } from '@shared/contracts'
import type { CollisionKind, LineSpan, PatchSet } from '@shared/contracts'
import type { OpenFootprint } from '../../database/repositories/footprints.ts'
import { MAX_FILES } from './footprints.ts'
import { MAX_SPANS, meetSpans } from './lineSpans.ts'

/** How two pieces of work meet in one file. */
export interface Meeting {
	path: string
	kind: CollisionKind
	/** Lines of the first one's base; none where it is about the whole file. */
	ranges: LineSpan[]
	isCertain: boolean
}

type Touch = Pick<OpenFootprint, 'path' | 'source' | 'ranges' | 'baseCommit'>

/** What two footprints on one file say. Lines of different bases cannot be compared: then any two edits of the file count. */
export function compareFootprints(first: Touch, second: Touch): Meeting | null {
	const { path } = first
	if (first.source === 'guessed' || second.source === 'guessed') return { path, kind: 'mentioned', ranges: [], isCertain: false }
	if (first.ranges.length === 0 || second.ranges.length === 0) return { path, kind: 'overlap', ranges: [], isCertain: true }
	if (first.baseCommit === null || first.baseCommit !== second.baseCommit) return { path, kind: 'overlap', ranges: first.ranges, isCertain: false }
	const met = meetSpans(first.ranges, second.ranges)
	return met === null ? null : { path, ...met, isCertain: true }
}

/** What two whole sets say; null when one of them is not sound, so that only its lines can be compared. Landing refuses it later. */
export async function compareSets(sets: [first: PatchSet, second: PatchSet], readBlob: (blob: string) => Promise<Uint8Array | null>): Promise<Meeting[] | null> {
	try {
		const collisions = await forecastCollisions(sets, { readBlob })
		return collisions.slice(0, MAX_FILES).map(({ file, kind, ranges, isCertain }) => ({ path: file, kind, ranges: ranges.slice(0, MAX_SPANS).map(({ start, end }) => [start, end]), isCertain }))
	} catch (error) {
		if (isAppError(error)) return null
		throw error
	}
}

/** The one that was there first comes first. A total order that never changes, so whoever waits for earlier ones only waits in no circle. */
export function isBefore(one: Pick<OpenFootprint, 'since' | 'subjectId'>, other: Pick<OpenFootprint, 'since' | 'subjectId'>): boolean {
	return one.since < other.since || (one.since === other.since && one.subjectId < other.subjectId)
}

/** Whether the later of two has to wait: lines that only touch merge, and a guess holds nobody up. */
export const isWorthWaiting = ({ kind, isCertain }: Meeting) => isCertain && kind !== 'adjacent' && kind !== 'mentioned'
