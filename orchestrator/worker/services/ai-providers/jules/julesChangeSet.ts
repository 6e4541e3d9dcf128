import type { JulesActivity, JulesChangeSet, JulesSession } from './julesTypes.ts'

/** What has been read of a session. `activities` are oldest first. */
export interface JulesReading {
	session: Pick<JulesSession, 'outputs'> | null
	activities: readonly JulesActivity[]
	/** The session had completed before these activities. */
	hadResult?: boolean
}

/**
 * The newest change set, unchecked; null when there is none. An output is written when the session completes, so only a change set that
 * came after that is newer.
 */
export function changeSetOf({ session, activities, hadResult = false }: JulesReading): JulesChangeSet | null {
	const completedIndex = activities.findLastIndex(({ event }) => event.kind === 'sessionCompleted')
	const output = session?.outputs.flatMap((one) => (one.kind === 'changeSet' ? [one.changeSet] : [])).at(-1)
	const later = hadResult || completedIndex !== -1 ? newestOf(activities.slice(completedIndex + 1)) : undefined
	return later ?? output ?? newestOf(activities) ?? null
}

function newestOf(activities: readonly JulesActivity[]): JulesChangeSet | undefined {
	return activities.flatMap(({ artifacts }) => artifacts.flatMap((artifact) => (artifact.kind === 'changeSet' ? [artifact.changeSet] : []))).at(-1)
}
