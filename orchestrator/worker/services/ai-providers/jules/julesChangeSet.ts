import { AppError } from '@shared/contracts'
import type { JulesActivity, JulesChangeSet, JulesSession } from './julesTypes.ts'

/** The longest patch that is taken over, in characters. */
const MAX_PATCH_CHARS = 8 * 1024 * 1024
const GIT_ID = /^[0-9a-f]{40}$/

/** What has been read of a session. `activities` are oldest first. */
export interface JulesReading {
	session: Pick<JulesSession, 'outputs'> | null
	activities: readonly JulesActivity[]
	/** The session had completed before these activities. */
	hadResult?: boolean
}

/**
 * The newest change set; null when there is none. An output is written when the session completes, so only a change set that came
 * after that is newer. Throws PATCH_TOO_LARGE, and PROVIDER_OUTPUT_INVALID for a base that is no commit.
 */
export function changeSetOf({ session, activities, hadResult = false }: JulesReading): JulesChangeSet | null {
	const completedIndex = activities.findLastIndex(({ event }) => event.kind === 'sessionCompleted')
	const output = session?.outputs.flatMap((one) => (one.kind === 'changeSet' ? [one.changeSet] : [])).at(-1)
	const later = hadResult || completedIndex !== -1 ? newestOf(activities.slice(completedIndex + 1)) : undefined
	const changeSet = later ?? output ?? newestOf(activities)
	return changeSet === undefined ? null : checked(changeSet)
}

function newestOf(activities: readonly JulesActivity[]): JulesChangeSet | undefined {
	return activities.flatMap(({ artifacts }) => artifacts.flatMap((artifact) => (artifact.kind === 'changeSet' ? [artifact.changeSet] : []))).at(-1)
}

function checked(changeSet: JulesChangeSet): JulesChangeSet {
	const { unidiffPatch, baseCommitId } = changeSet
	if (unidiffPatch.length > MAX_PATCH_CHARS) {
		throw new AppError('PATCH_TOO_LARGE', `The patch of Jules has ${unidiffPatch.length} characters; at most ${MAX_PATCH_CHARS} are taken. Split the task.`, { chars: unidiffPatch.length, limit: MAX_PATCH_CHARS })
	}
	if (baseCommitId !== null && !GIT_ID.test(baseCommitId)) {
		throw new AppError('PROVIDER_OUTPUT_INVALID', `Jules names ${JSON.stringify(baseCommitId.slice(0, 80))} as the base of its patch, which is not a commit.`)
	}
	return changeSet
}
