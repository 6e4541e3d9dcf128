import { countLines } from '@shared/ai-patch'
import { AppError, isAppError, ScopeEntry, TouchedFiles } from '@shared/contracts'
import type { CollisionView, Page, PageRequest, PatchSet } from '@shared/contracts'
import { z } from 'zod'
import type { Database } from '../../database/client.ts'
import { listCollisions, saveCollisions } from '../../database/repositories/collisions.ts'
import type { NewCollision } from '../../database/repositories/collisions.ts'
import { closeFootprints, openFootprints, rivalFootprints, writeFootprints } from '../../database/repositories/footprints.ts'
import type { FootprintSource, OpenFootprint, Subject } from '../../database/repositories/footprints.ts'
import { toPage } from '../cursor.ts'
import { compareFootprints, compareSets, isBefore, isWorthWaiting } from './compare.ts'
import type { Meeting } from './compare.ts'
import { footprintsOfScope, footprintsOfTouched, pathsInPrompt, rangesOfSet } from './footprints.ts'
import type { Footprint } from './footprints.ts'

export interface CollisionsDeps {
	db: Database
	now: () => number
	workerName: string
	/** The stored set of an execution or a batch; null when it has none. */
	setOf: (subjectId: string) => Promise<PatchSet | null>
	/** Content of a base file: lets lines of different bases be compared. */
	readBlob?: (workspaceId: string, blob: string) => Promise<Uint8Array | null>
}

/** What is foreseen for a piece of work. */
interface Forecast {
	collisions: CollisionView[]
	/** Work on the same branch that was there first and that this has to wait for, the oldest first. */
	waitFor: string[]
}

/** Two subjects, and the sets of both where they are at hand. */
interface Pairing {
	workspaceId: string
	own: readonly OpenFootprint[]
	rival: readonly OpenFootprint[]
	isRivalFirst: boolean
	sets: { own: PatchSet; theirs: PatchSet } | null
}

// A workspace with more than this on the same files is in trouble that no forecast solves.
const MAX_RIVAL_FOOTPRINTS = 2000
const MAX_SETS = 20
const MAX_BLOBS = 100

/** Foresees who will be in whose way: compares what work in flight will touch, touches and has touched, before any of it lands. */
export function createCollisions({ db, now, workerName, setOf, readBlob }: CollisionsDeps) {
	async function write(subject: Subject, source: FootprintSource, footprints: readonly Footprint[]): Promise<void> {
		await db.batch(writeFootprints({ subject, source, footprints, workerName, at: now() }))
	}

	/** Reads contents until there were many; whatever lies behind is compared without. */
	function blobReader(workspaceId: string): (blob: string) => Promise<Uint8Array | null> {
		let left = MAX_BLOBS
		return async (blob) => {
			left -= 1
			return readBlob === undefined || left < 0 ? null : readBlob(workspaceId, blob).catch(nothing)
		}
	}

	async function lineCounts(set: PatchSet, workspaceId: string): Promise<Map<string, number>> {
		const read = blobReader(workspaceId)
		const appended = new Set(set.patches.filter(({ operation }) => operation === 'append').map(({ file }) => file))
		const counts = new Map<string, number>()
		for (const { path, base_blob } of set.files) {
			if (base_blob === null || !appended.has(path)) continue
			const bytes = await read(base_blob)
			if (bytes !== null) counts.set(base_blob, countLines(new TextDecoder().decode(bytes)))
		}
		return counts
	}

	async function meetingsOf({ workspaceId, own, rival, isRivalFirst, sets }: Pairing): Promise<Meeting[]> {
		if (sets !== null) {
			const meetings = await compareSets(isRivalFirst ? [sets.theirs, sets.own] : [sets.own, sets.theirs], blobReader(workspaceId))
			if (meetings !== null) return meetings
		}
		const byPath = new Map(own.map((footprint) => [footprint.path, footprint]))
		return rival.flatMap((theirs) => {
			const ours = byPath.get(theirs.path)
			if (ours === undefined) return []
			return (isRivalFirst ? compareFootprints(theirs, ours) : compareFootprints(ours, theirs)) ?? []
		})
	}

	/** The sets of both, where both have one: they say more than their lines do. */
	function setReader(subjectId: string, known: PatchSet | undefined) {
		let own: PatchSet | null | undefined = known
		let left = MAX_SETS
		return async (mine: OpenFootprint, rival: OpenFootprint) => {
			if (mine.source !== 'patch-set' || rival.source !== 'patch-set' || left === 0) return null
			left -= 1
			own ??= await setOf(subjectId).catch(nothing)
			const theirs = own === null ? null : await setOf(rival.subjectId).catch(nothing)
			return own === null || theirs === null ? null : { own, theirs }
		}
	}

	/**
	 * Compares a subject with all others in flight and stores what is found. It reads after the subject's own footprints are stored:
	 * of two that are written at once, the later one sees the other.
	 */
	async function foresee(subjectId: string, { set, waits = false }: { set?: PatchSet; waits?: boolean } = {}): Promise<Forecast> {
		const [own, rivals] = await Promise.all([openFootprints(db, subjectId), rivalFootprints(db, subjectId, MAX_RIVAL_FOOTPRINTS)])
		const mine = own[0]
		if (mine === undefined) return { collisions: [], waitFor: [] }
		const readSets = setReader(subjectId, set)
		const found: NewCollision[] = []
		const waitFor: OpenFootprint[] = []
		for (const footprints of Map.groupBy(rivals, (rival) => rival.subjectId).values()) {
			const rival = footprints[0]
			if (rival === undefined) continue
			const isRivalFirst = isBefore(rival, mine)
			const [first, second] = isRivalFirst ? [rival, mine] : [mine, rival]
			const meetings = await meetingsOf({ workspaceId: mine.workspaceId, own, rival: footprints, isRivalFirst, sets: await readSets(mine, rival) })
			const mustWait = (meeting: Meeting) => waits && isRivalFirst && rival.branch === mine.branch && isWorthWaiting(meeting)
			if (meetings.some(mustWait)) waitFor.push(rival)
			const pair = { workspaceId: mine.workspaceId, first: first.subjectId, second: second.subjectId }
			for (const meeting of meetings) found.push({ ...pair, ...meeting, answer: mustWait(meeting) ? 'ordered' : 'warned' })
		}
		const collisions = await saveCollisions(db, found.slice(0, MAX_RIVAL_FOOTPRINTS), { workerName, at: now() })
		return { collisions, waitFor: waitFor.sort((a, b) => (isBefore(a, b) ? -1 : 1)).map((rival) => rival.subjectId) }
	}

	return {
		/** What queued work may touch, by its scope. Patterns in it foretell nothing. Throws INVALID_INPUT. */
		async declare(subject: Subject, scope: readonly ScopeEntry[]): Promise<void> {
			await write(subject, 'declared', footprintsOfScope(parse(z.array(ScopeEntry), scope, 'scope')))
			await foresee(subject.subjectId)
		},

		/** What queued work may touch, by the files that its prompt seems to name: kept apart as a guess, which only warns. */
		async guess(subject: Subject, prompt: string): Promise<void> {
			const paths = pathsInPrompt(prompt)
			// A prompt never changes, so there is no earlier guess to take back.
			if (paths.length === 0) return
			await write(subject, 'guessed', paths.map((path) => ({ path, ranges: [] })))
			await foresee(subject.subjectId)
		},

		/** What a running agent has changed so far: the `files` of a `touched` event, as a runner sent them. Throws INVALID_INPUT. */
		async observe(subject: Subject, files: unknown): Promise<void> {
			await write(subject, 'observed', footprintsOfTouched(parse(TouchedFiles, files, 'files')))
			await foresee(subject.subjectId)
		},

		/** What a stored set changes: the whole truth about its subject. */
		async record(subject: Subject, set: PatchSet): Promise<void> {
			const footprints = rangesOfSet(set, await lineCounts(set, subject.workspaceId))
			await write({ ...subject, baseCommit: set.base_commit }, 'patch-set', footprints)
			await foresee(subject.subjectId, { set })
		},

		/** The work has ended, whichever way. */
		async close(subjectId: string): Promise<void> {
			await db.run(closeFootprints({ subjectId, at: now() }))
		},

		/** To be asked before dispatch: who is in the way, and whom to wait for. Ask again when one of those has ended. */
		forecast: (subjectId: string): Promise<Forecast> => foresee(subjectId, { waits: true }),

		/** What was foreseen, newest first. Throws INVALID_INPUT without a workspace or a subject. */
		async list({ workspaceId, subjectId, page = {} }: { workspaceId?: string | undefined; subjectId?: string | undefined; page?: PageRequest }): Promise<Page<CollisionView>> {
			if (workspaceId === undefined && subjectId === undefined) throw new AppError('INVALID_INPUT', 'Say whose collisions: give workspaceId, subjectId (an execution or a batch), or both.')
			const limit = Math.min(Math.max(page.limit ?? 50, 1), 200)
			const rows = await listCollisions(db, { workspaceId, subjectId, before: readCursor(page.cursor), limit: limit + 1 })
			const { items, nextCursor } = toPage(rows, limit, ({ id }) => String(id))
			return { items: items.map(({ view }) => view), nextCursor }
		},
	}
}
export type Collisions = ReturnType<typeof createCollisions>

/** What cannot be had (a workspace that is gone, a set that is not what was stored) is done without: a forecast holds up no work. */
function nothing(error: unknown): null {
	if (isAppError(error)) return null
	throw error
}

function parse<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
	const parsed = schema.safeParse(value)
	if (parsed.success) return parsed.data
	const [issue] = parsed.error.issues
	throw new AppError('INVALID_INPUT', `The ${what} cannot be compared with other work: ${issue?.path.join('.') || '(whole)'}: ${issue?.message ?? ''}`)
}

function readCursor(cursor: string | undefined): number | undefined {
	if (cursor === undefined) return undefined
	if (/^\d{1,15}$/.test(cursor)) return Number(cursor)
	throw new AppError('INVALID_INPUT', 'The cursor is not one that a list returned: pass nextCursor back unchanged, or leave it out.')
}
