import { z } from 'zod'
import { badRequest, GoogleError, notFound } from './googleErrors.ts'
import { archivedFilter, nameFilter, pageOf, timeFilter } from './lists.ts'
import { unmatchedScript, writeScript } from './script.ts'
import type { SessionInput } from './script.ts'
import { createFakeSession } from './session.ts'
import type { FakeSession } from './session.ts'
import type { JulesMethod, JulesScenarioBook } from './scenario.ts'
import { openWorkspace } from './workspace.ts'
import type { FakeSource } from './workspace.ts'
import { git } from '../stack/git.ts'

/** A call whose path and key were found good. */
export interface FakeCall {
	method: JulesMethod
	/** What stands for the wildcards of the path. */
	params: string[]
	query: URLSearchParams
	body: unknown
}

export interface FakeWorld {
	sources: FakeSource[]
	sessions: Map<string, FakeSession>
	/** How many sessions were ever created. */
	created: number
	book: JulesScenarioBook
	now: () => number
}

const NewSession = z.strictObject({
	prompt: z.string().min(1),
	title: z.string().optional(),
	sourceContext: z
		.strictObject({
			source: z.string(),
			githubRepoContext: z.strictObject({ startingBranch: z.string().min(1) }),
			workingBranch: z.string().optional(),
			environmentVariablesEnabled: z.boolean().optional(),
		})
		.optional(),
	requirePlanApproval: z.boolean().default(false),
	automationMode: z.enum(['AUTO_CREATE_PR', 'AUTOMATION_MODE_UNSPECIFIED']).default('AUTOMATION_MODE_UNSPECIFIED'),
})
const Message = z.strictObject({ prompt: z.string().min(1) })
const Nothing = z.strictObject({}).optional()

const LIST_PARAMETERS = ['filter', 'pageSize', 'pageToken']

/** The answer of a method, as on the wire. @throws GoogleError as the API answers. */
export async function callMethod(world: FakeWorld, call: FakeCall): Promise<unknown> {
	const known = call.method.endsWith('.list') ? LIST_PARAMETERS : []
	for (const name of call.query.keys()) {
		if (!known.includes(name) && name !== 'key') throw badRequest(`Invalid JSON payload received. Unknown name "${name}": Cannot bind query parameter. Field '${name}' could not be found in request message.`)
	}
	return await METHODS[call.method](world, call)
}

const METHODS: Record<JulesMethod, (world: FakeWorld, call: FakeCall) => unknown> = {
	async 'sources.list'({ sources }, { query }) {
		const isWanted = nameFilter(query.get('filter') ?? '')
		const { items, ...page } = pageOf(sources.filter((source) => isWanted(sourceName(source))), query, { list: 'sources', pageSize: 30 })
		return { ...(items.length > 0 ? { sources: await Promise.all(items.map(sourceResource)) } : {}), ...page }
	},
	async 'sources.get'({ sources }, { params: [name] }) {
		const source = sources.find((one) => sourceName(one) === `sources/${name}`)
		if (!source) throw notFound()
		return await sourceResource(source)
	},
	'sessions.create': createSession,
	'sessions.list'({ sessions, now }, { query }) {
		const isWanted = archivedFilter(query.get('filter') ?? '')
		const all = [...sessions.values()].filter(({ isArchived }) => isWanted(isArchived)).toReversed()
		const { items, ...page } = pageOf(all, query, { list: 'sessions', pageSize: 30 })
		for (const session of items) session.advance(now())
		return { ...(items.length > 0 ? { sessions: items.map((session) => session.resource()) } : {}), ...page }
	},
	'sessions.get': (world, { params }) => fresh(world, params).resource(),
	'sessions.delete'(world, { params }) {
		world.sessions.delete(find(world, params).id)
		return {}
	},
	'sessions.archive'(world, { params, body }) {
		parse(Nothing, body)
		find(world, params).isArchived = true
		return {}
	},
	'sessions.unarchive'(world, { params, body }) {
		parse(Nothing, body)
		find(world, params).isArchived = false
		return {}
	},
	'sessions.sendMessage'(world, { params, body }) {
		const { prompt } = parse(Message, body)
		find(world, params).say(prompt, world.now())
		return {}
	},
	'sessions.approvePlan'(world, { params, body }) {
		parse(Nothing, body)
		find(world, params).approve(world.now())
		return {}
	},
	'activities.list'(world, { params, query }) {
		const isWanted = timeFilter(query.get('filter') ?? '')
		const session = fresh(world, params)
		const all = session.activities.filter(({ at }) => isWanted(at))
		const { items, ...page } = pageOf(all, query, { list: `activities of ${session.id}`, pageSize: 50 })
		return { ...(items.length > 0 ? { activities: items.map(({ resource }) => resource) } : {}), ...page }
	},
	'activities.get'(world, { params }) {
		const activity = fresh(world, params).activities.find(({ id }) => id === params[1])
		if (!activity) throw notFound()
		return activity.resource
	},
}

async function createSession(world: FakeWorld, { body }: FakeCall): Promise<unknown> {
	const { prompt, title, sourceContext, requirePlanApproval, automationMode } = parse(NewSession, body)
	const source = sourceContext && world.sources.find((one) => sourceName(one) === sourceContext.source)
	if (sourceContext && !source) throw notFound()
	const branch = sourceContext?.githubRepoContext.startingBranch
	const input: SessionInput = {
		prompt,
		title: title ?? prompt.slice(0, 60),
		source: source && branch !== undefined ? { name: sourceName(source), branch } : null,
		requirePlanApproval,
		automationMode,
	}
	const scenario = world.book.find(prompt)
	const workspace = await openWorkspace(source, branch).catch(() => {
		throw new GoogleError(400, `The branch ${branch} does not exist.`, { googleStatus: 'FAILED_PRECONDITION' })
	})
	try {
		world.created += 1
		const pullRequestURL = `https://github.com/${source?.owner}/${source?.repo}/pull/${world.created}`
		// As many digits as the ids of the API have.
		const id = String(9_000_000_000_000_000_000n + BigInt(world.created))
		const beats = scenario ? await writeScript({ input, scenario, workspace, pullRequestURL }) : unmatchedScript()
		const session = createFakeSession({ id, input, scenario, beats, now: world.now() })
		world.sessions.set(session.id, session)
		return session.resource()
	} finally {
		await workspace.close()
	}
}

function find({ sessions, now }: FakeWorld, [id = '']: string[]): FakeSession {
	const session = sessions.get(id)
	if (!session) throw notFound()
	session.advance(now())
	return session
}

/** As `find`, for those methods that do not know a session yet when it was just made. */
function fresh(world: FakeWorld, params: string[]): FakeSession {
	const session = find(world, params)
	if (session.early404s === 0) return session
	session.early404s -= 1
	throw notFound()
}

function parse<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
	const parsed = schema.safeParse(body)
	if (parsed.success) return parsed.data
	const [issue] = parsed.error.issues
	throw badRequest(`Invalid JSON payload received. ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`, issue?.path.join('.'))
}

const sourceName = ({ owner, repo }: FakeSource) => `sources/github/${owner}/${repo}`

async function sourceResource(source: FakeSource): Promise<unknown> {
	const { owner, repo, gitDir } = source
	const names = gitDir === undefined ? ['main'] : (await git(['for-each-ref', '--format=%(refname:short)', 'refs/heads'], { cwd: gitDir })).split('\n').filter(Boolean)
	const head = gitDir === undefined ? 'main' : (await git(['symbolic-ref', '--short', 'HEAD'], { cwd: gitDir })).trim()
	return {
		name: sourceName(source),
		id: `github/${owner}/${repo}`,
		githubRepo: { owner, repo, isPrivate: false, defaultBranch: { displayName: head }, branches: names.map((displayName) => ({ displayName })) },
	}
}
