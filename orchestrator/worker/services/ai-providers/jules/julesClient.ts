import { AppError } from '@shared/contracts'
import { z } from 'zod'
import { listActivities } from './julesActivities.ts'
import type { ActivityCursor, ActivityList } from './julesActivities.ts'
import { createSession } from './julesCreate.ts'
import type { CreatedSession, NewSession } from './julesCreate.ts'
import { createJulesRequest, retryEarly404 } from './julesRequest.ts'
import type { JulesClientDeps } from './julesRequest.ts'
import { findSource } from './julesSources.ts'
import type { FoundSource, RepositoryName } from './julesSources.ts'
import { JulesActivity, JulesSession } from './julesTypes.ts'

export type JulesClient = ReturnType<typeof createJulesClient>

const Nothing = z.looseObject({})

/**
 * The Jules API, thin: a method is one request, or the pages of one list. Sessions are named by their id. Besides what each method says,
 * all throw the PROVIDER_ codes of julesRequest.ts; a session that is not there is PROVIDER_REFUSED with `details.status` 404.
 */
export function createJulesClient(deps: JulesClientDeps) {
	const request = createJulesRequest(deps)
	const { sleep } = deps

	const act = async (name: string, path: string, call: { method: 'POST' | 'DELETE'; body?: Record<string, unknown> }): Promise<void> => {
		await request({ name, path, ...call, answer: Nothing })
	}

	return {
		/** Whether the repository is connected, and as what. Throws INVALID_INPUT for what is no repository's name. */
		findSource: (repository: RepositoryName): Promise<FoundSource> => findSource(request, repository),
		/** Throws INVALID_INPUT for a bad marker. After PROVIDER_UNREACHABLE, _ERROR and _OUTPUT_INVALID call it again: it looks first. */
		createSession: (input: NewSession): Promise<CreatedSession> => createSession({ request, sleep }, input),
		/** Waits for a session that is so new that the API does not know it yet. */
		getSession: (id: string): Promise<JulesSession> => retryEarly404(() => request({ name: 'sessions.get', path: sessionPath(id), answer: JulesSession }), sleep),
		/** What came after the cursor, oldest first, each activity once. */
		listActivities: ({ session, after }: { session: string; after: ActivityCursor | null }): Promise<ActivityList> => {
			const id = checkedId(session)
			return retryEarly404(() => listActivities(request, id, after), sleep)
		},
		getActivity: ({ session, activity }: { session: string; activity: string }): Promise<JulesActivity> =>
			request({ name: 'activities.get', path: `${sessionPath(session)}/activities/${checkedId(activity)}`, answer: JulesActivity }),
		approvePlan: (id: string): Promise<void> => act('sessions.approvePlan', `${sessionPath(id)}:approvePlan`, { method: 'POST', body: {} }),
		sendMessage: (id: string, prompt: string): Promise<void> => act('sessions.sendMessage', `${sessionPath(id)}:sendMessage`, { method: 'POST', body: { prompt } }),
		/** Takes the session out of the list of sessions; it goes on to exist. */
		archiveSession: (id: string): Promise<void> => act('sessions.archive', `${sessionPath(id)}:archive`, { method: 'POST', body: {} }),
		/** The only way to end a session: the API cannot cancel one. */
		deleteSession: (id: string): Promise<void> => act('sessions.delete', sessionPath(id), { method: 'DELETE' }),
	}
}

const sessionPath = (id: string) => `sessions/${checkedId(id)}`

/** Ids come from answers and from our own rows; neither may lead to another path. */
function checkedId(id: string): string {
	if (/^[A-Za-z0-9_-]{1,200}$/.test(id)) return id
	throw new AppError('INVALID_INPUT', `${JSON.stringify(id.slice(0, 100))} is not the id of a Jules session or activity.`)
}
