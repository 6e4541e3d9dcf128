import { randomBytes } from 'node:crypto'
import { importSPKI, jwtVerify } from 'jose'
import { Refusal } from './http.ts'
import type { FakeApp, FakeToken, Level, Permissions } from './types.ts'

/** Who calls. */
export interface Actor {
	login: string
	kind: 'user' | 'installation' | 'app'
	permissions: Permissions
	/** `owner/name` in lower case; null covers all. */
	repos: ReadonlySet<string> | null
}

const INSTALLATION_TOKEN_LIFE_MS = 3_600_000
const MAX_JWT_LIFE_S = 600

export interface AuthDeps {
	tokens: readonly FakeToken[]
	app: FakeApp | undefined
	now: () => number
}

export const lowerSet = (names: readonly string[]) => new Set(names.map((name) => name.toLowerCase()))

/** Tokens, App tokens and App JWTs. */
export function createAuth({ tokens, app, now }: AuthDeps) {
	const users = new Map(tokens.map(({ token, login, permissions, repos }): [string, Actor] => [token, { login, kind: 'user', permissions: { metadata: 'read', ...permissions }, repos: repos ? lowerSet(repos) : null }]))
	const installed = new Map<string, { actor: Actor; expiresAt: number }>()
	const badCredentials = () => new Refusal(401, 'Bad credentials')

	async function appActor(jwt: string): Promise<Actor> {
		if (app === undefined) throw badCredentials()
		const currentDate = new Date(now())
		const { payload } = await jwtVerify(jwt, await importSPKI(app.publicKey, 'RS256'), { issuer: app.appId, algorithms: ['RS256'], currentDate, requiredClaims: ['exp', 'iat'] }).catch(() => {
			throw new Refusal(401, 'A JSON web token could not be decoded')
		})
		const seconds = now() / 1000
		if ((payload.exp ?? 0) > seconds + MAX_JWT_LIFE_S) throw new Refusal(401, "'Expiration time' claim ('exp') is too far in the future")
		if ((payload.iat ?? 0) > seconds) throw new Refusal(401, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued")
		return { login: app.slug, kind: 'app', permissions: {}, repos: new Set() }
	}

	function tokenActor(token: string): Actor {
		const user = users.get(token)
		if (user) return user
		const found = installed.get(token)
		if (!found || found.expiresAt <= now()) throw badCredentials()
		return found.actor
	}

	return {
		/** Null without a credential. Throws 401 for one that is not known. */
		async actorOf(authorization: string | undefined): Promise<Actor | null> {
			if (authorization === undefined) return null
			const token = /^(?:bearer|token) (\S+)$/i.exec(authorization)?.[1]
			if (token === undefined) throw badCredentials()
			return token.split('.').length === 3 ? await appActor(token) : tokenActor(token)
		},

		/** Of git over HTTP, which takes the token as the password of Basic authentication and in no other form. */
		basicActorOf(authorization: string | undefined): Actor | null {
			if (authorization === undefined) return null
			const encoded = /^basic (\S+)$/i.exec(authorization)?.[1]
			if (encoded === undefined) throw badCredentials()
			const text = Buffer.from(encoded, 'base64').toString()
			return tokenActor(text.slice(text.indexOf(':') + 1))
		},

		issue(permissions: Permissions, repos: readonly string[]): { token: string; expiresAt: number } {
			const token = `ghs_fake${randomBytes(15).toString('hex')}`
			const expiresAt = now() + INSTALLATION_TOKEN_LIFE_MS
			installed.set(token, { actor: { login: `${app?.slug ?? 'app'}[bot]`, kind: 'installation', permissions: { metadata: 'read', ...permissions }, repos: lowerSet(repos) }, expiresAt })
			return { token, expiresAt }
		},

		/** Makes a token worthless before its time, as its owner can. */
		revoke(token: string): void {
			users.delete(token)
			installed.delete(token)
		},

		issued: (): string[] => [...installed.keys()],
	}
}
export type Auth = ReturnType<typeof createAuth>

export const covers = (actor: Actor, repo: string) => actor.repos === null || actor.repos.has(repo.toLowerCase())

export const allows = (actor: Actor, name: string, level: Level) => actor.permissions[name] === 'write' || (level === 'read' && actor.permissions[name] === 'read')
