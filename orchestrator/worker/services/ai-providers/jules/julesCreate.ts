import { AppError, isAppError } from '@shared/contracts'
import type { ErrorCode } from '@shared/contracts'
import { julesPages } from './julesPages.ts'
import type { JulesRequest } from './julesRequest.ts'
import { JulesSession } from './julesTypes.ts'

export interface NewSession {
	prompt: string
	/** Names the piece of work, such as `[vibehq EXE-7K2M9Q]`; stands at the start of the title, and nowhere else. */
	marker: string
	title: string
	/** The name that findSource gave; without one the session starts from nothing. */
	source?: string
	startingBranch?: string
	requirePlanApproval: boolean
	automationMode: 'AUTO_CREATE_PR' | 'AUTOMATION_MODE_UNSPECIFIED'
	/** Unix ms before which nobody can have started this session: older ones are not looked at. */
	notBefore: number
}

export interface CreatedSession {
	session: JulesSession
	/** False when an earlier call had started it. */
	isNew: boolean
	/** Further sessions of the same marker, newer than `session`. None is expected; each of them is paid for. */
	duplicateIds: string[]
}

export interface CreateDeps {
	request: JulesRequest
	sleep: (ms: number) => Promise<void>
}

const MARKER = /^\[[^[\]]{1,100}\]$/
const MAX_TITLE_CHARS = 200
/** By which the clock of Jules may differ from ours. */
const CLOCK_SKEW_MS = 10 * 60_000
/** More than any plan starts in days; beyond it nobody can say that the session was not started. */
const MAX_SESSIONS = 2000
/** A session that was just made may be missing in the list at first. */
const LOOK_WAITS_MS = [2000, 5000, 10_000]
/** After these the session may have been started all the same. */
const UNCERTAIN: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['PROVIDER_UNREACHABLE', 'PROVIDER_ERROR', 'PROVIDER_OUTPUT_INVALID'])

/**
 * Starts a session, or finds the one that an earlier call of the same marker started: the API has no idempotency key. Never sends a
 * second create by itself; after a failure that leaves it open it looks, and throws when there is nothing to be seen.
 */
export async function createSession({ request, sleep }: CreateDeps, input: NewSession): Promise<CreatedSession> {
	check(input)
	const earlier = await findMarked(request, input)
	if (earlier) return earlier
	try {
		const session = await request({ name: 'sessions.create', method: 'POST', path: 'sessions', body: bodyOf(input), answer: JulesSession })
		return { session, isNew: true, duplicateIds: [] }
	} catch (error) {
		if (!isAppError(error) || !UNCERTAIN.has(error.code)) throw error
		for (const waitMs of LOOK_WAITS_MS) {
			await sleep(waitMs)
			// A look that fails leaves it as open as before; the first failure says more.
			const started = await findMarked(request, input).catch(() => null)
			if (started) return started
		}
		throw error
	}
}

/** The oldest session whose title starts with the marker; null when there is none that is new enough. */
async function findMarked(request: JulesRequest, { marker, notBefore }: NewSession): Promise<CreatedSession | null> {
	const marked: JulesSession[] = []
	for await (const page of julesPages(request, { name: 'sessions.list', path: 'sessions', field: 'sessions', item: JulesSession, pageSize: 50, maxItems: MAX_SESSIONS })) {
		marked.push(...page.filter(({ title }) => title.trimStart().startsWith(marker)))
		if (endsBefore(page, notBefore - CLOCK_SKEW_MS)) break
	}
	const [session, ...duplicates] = marked.toSorted((one, other) => one.createdAt - other.createdAt)
	return session ? { session, isNew: false, duplicateIds: duplicates.map(({ id }) => id) } : null
}

/** The list is newest first, though nothing promises it: a page in another order ends no search. */
function endsBefore(page: JulesSession[], time: number): boolean {
	const isNewestFirst = page.every(({ createdAt }, index) => createdAt <= (page[index - 1]?.createdAt ?? createdAt))
	const last = page.at(-1)
	return last !== undefined && isNewestFirst && last.createdAt < time
}

function check({ marker, source, startingBranch }: NewSession): void {
	if (!MARKER.test(marker)) throw new AppError('INVALID_INPUT', 'The marker of a Jules session is a text of up to 100 characters in square brackets.')
	if ((source === undefined) !== (startingBranch === undefined)) throw new AppError('INVALID_INPUT', 'A Jules session takes a source and a starting branch, or neither of them.')
}

function bodyOf({ prompt, marker, title, source, startingBranch, requirePlanApproval, automationMode }: NewSession): Record<string, unknown> {
	return {
		prompt,
		title: `${marker} ${title}`.slice(0, MAX_TITLE_CHARS),
		...(source === undefined ? {} : { sourceContext: { source, githubRepoContext: { startingBranch } } }),
		requirePlanApproval,
		automationMode,
	}
}
