import { JulesActivity } from './julesTypes.ts'
import { julesPages } from './julesPages.ts'
import type { JulesRequest } from './julesRequest.ts'

/** Up to where a session has been read. Plain data, so that a workflow can keep it. */
export interface ActivityCursor {
	/** The time of the newest activity that was read. */
	at: number
	/** The activities of the last moment before `at`, which the next listing gives again. */
	seenIds: string[]
}

/** Oldest first. `next` is where to go on; null while there is nothing at all. */
export interface ActivityList {
	activities: JulesActivity[]
	next: ActivityCursor | null
}

/**
 * The filter of the API is exclusive, so an activity with the time of the last one that was read would never come. Asking for a
 * moment more brings it, and those that are late; what was seen is left out.
 */
const OVERLAP_MS = 1000
const PAGE_SIZE = 50
const MAX_ACTIVITIES = 5000

export async function listActivities(request: JulesRequest, sessionId: string, after: ActivityCursor | null): Promise<ActivityList> {
	const filter = after === null ? {} : { filter: `create_time > "${new Date(after.at - OVERLAP_MS).toISOString()}"` }
	const listing = {
		name: 'activities.list',
		path: `sessions/${sessionId}/activities`,
		field: 'activities',
		item: JulesActivity,
		pageSize: PAGE_SIZE,
		maxItems: MAX_ACTIVITIES,
		query: filter,
	}
	const listed: JulesActivity[] = []
	for await (const page of julesPages(request, listing)) {
		listed.push(...page)
		dropOlderPatches(listed)
	}
	listed.sort((one, other) => one.at - other.at)
	const seen = new Set(after?.seenIds)
	const activities = listed.filter(({ id }) => !seen.has(id) && seen.add(id))
	const last = listed.at(-1)
	if (activities.length === 0 || last === undefined) return { activities, next: after }
	const at = Math.max(after?.at ?? 0, last.at)
	return { activities, next: { at, seenIds: [...new Set(listed.filter((activity) => activity.at >= at - OVERLAP_MS).map(({ id }) => id))] } }
}

/** Every change set holds all that the session has changed by then, so a long session repeats its patch many times over. */
function dropOlderPatches(activities: JulesActivity[]): void {
	const newest = activities.reduce<JulesActivity | undefined>((best, activity) => (hasPatch(activity) && (best === undefined || activity.at >= best.at) ? activity : best), undefined)
	for (const activity of activities) {
		if (activity === newest || !hasPatch(activity)) continue
		activity.artifacts = activity.artifacts.map((artifact) => (artifact.kind === 'changeSet' ? { kind: 'olderChangeSet' } : artifact))
	}
}

const hasPatch = ({ artifacts }: JulesActivity) => artifacts.some(({ kind }) => kind === 'changeSet')
