import { z } from 'zod'
import { lowerSet } from '../auth.ts'
import { created, notFound, ok, Refusal, unprocessable } from '../http.ts'
import type { Call, Reply, Route } from '../http.ts'
import { stamp } from '../hub.ts'
import type { FakeApp, FakeInstallation } from '../types.ts'
import { readInput } from './repoCall.ts'

const TokenInput = z.object({ repositories: z.array(z.string()).optional(), permissions: z.record(z.string(), z.enum(['read', 'write'])).optional() }).default({})

/** Throws 401 unless an App speaks for itself, with a JWT. */
function appOf({ hub, actor }: Call): FakeApp {
	if (!hub.app || actor?.kind !== 'app') throw new Refusal(401, 'A JSON web token could not be decoded')
	return hub.app
}

const shape = (app: FakeApp, { id, permissions }: FakeInstallation) => ({ id, app_id: app.appId, app_slug: app.slug, permissions: { metadata: 'read', ...permissions }, repository_selection: 'selected', suspended_at: null })

function findInstallation(call: Call): Reply {
	const app = appOf(call)
	const name = `${call.params['owner']}/${call.params['repo']}`.toLowerCase()
	const found = app.installations.find(({ repos }) => lowerSet(repos).has(name))
	if (!found || !call.hub.repos.has(name)) throw notFound()
	return ok(shape(app, found))
}

function issueToken(call: Call): Reply {
	const app = appOf(call)
	const found = app.installations.find(({ id }) => id === Number(call.params['id']))
	if (!found) throw notFound()
	const { repositories, permissions } = readInput(TokenInput, call.body ?? undefined)
	const repos = found.repos.filter((name) => !repositories || lowerSet(repositories).has(name.toLowerCase().split('/')[1] ?? ''))
	if (repositories && repos.length !== repositories.length) throw unprocessable('There is at least one repository that does not exist or is not accessible to the parent installation.')
	const granted: Record<string, string> = { metadata: 'read', ...found.permissions }
	const isTooMuch = Object.entries(permissions ?? {}).some(([name, level]) => granted[name] !== 'write' && granted[name] !== level)
	if (isTooMuch) throw unprocessable('The permissions requested are not granted to this installation.')
	const given = permissions ?? found.permissions
	const { token, expiresAt } = call.hub.auth.issue(given, repos)
	return created({ token, expires_at: stamp(expiresAt), permissions: { metadata: 'read', ...given }, repository_selection: repositories ? 'selected' : 'all', repositories: repos.map((name) => ({ full_name: name })) })
}

export const appRoutes: Route[] = [
	{ method: 'GET', path: '/repos/:owner/:repo/installation', handle: findInstallation },
	{ method: 'POST', path: '/app/installations/:id/access_tokens', handle: issueToken },
	{ method: 'GET', path: '/app', handle: (call) => ok({ id: appOf(call).appId, slug: appOf(call).slug }) },
]
