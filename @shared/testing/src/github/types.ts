/** What a credential may do; the levels and names are those of fine-grained tokens and of GitHub Apps. */
export type Level = 'read' | 'write'
export type Permissions = Record<string, Level>

export interface FakeToken {
	token: string
	/** Whose token it is. */
	login: string
	permissions: Permissions
	/** `owner/name` of those it covers; all when left out. */
	repos?: string[]
}

export interface FakeApp {
	appId: string
	/** `<slug>[bot]` is the author of what the App does. */
	slug: string
	/** PEM (SPKI) of the key that its JWTs are signed with. */
	publicKey: string
	installations: FakeInstallation[]
}

export interface FakeInstallation {
	id: number
	/** `owner/name`. */
	repos: string[]
	permissions: Permissions
}

export type Role = 'admin' | 'maintain' | 'write' | 'triage' | 'read'

export interface FakeRepository {
	/** `owner/name`. */
	name: string
	isPrivate?: boolean
	/** `main` when left out. */
	defaultBranch?: string
	/** The first commit; an executable file's name ends with `*`. Without it the repository is empty. */
	files?: Record<string, string>
	collaborators?: Record<string, Role>
}

export interface FakeGitHubOptions {
	/** 0 or absent takes any free port. */
	port?: number
	repos: FakeRepository[]
	tokens?: FakeToken[]
	app?: FakeApp
	webhookSecret?: string
	/** Where events are delivered to; without it they are only kept. */
	webhookURL?: string
	/** Unix ms. */
	now?: () => number
	/** Calls an hour; 5000 when left out. */
	rateLimit?: number
	/** From how many entries on a recursive tree is cut off; 100,000 when left out. */
	maxTreeEntries?: number
}

/** A call as it came in, for assertions. Credentials are left out; `actor` is whose it was. */
export interface RecordedCall {
	method: string
	/** Path and query, undecoded. */
	path: string
	actor: string | null
	body: unknown
	status: number
	/** `x-github-api-version`. */
	apiVersion: string | null
}

/** Something that goes wrong with the next calls that it fits. */
export interface Fault {
	method?: string
	/** Fits the path without the query. */
	path?: RegExp
	/** How many calls; 1 when left out. */
	times?: number
	/** Answered in place of what was asked for. */
	status?: number
	headers?: Record<string, string>
	body?: string
	/** The call is carried out and its answer never arrives. */
	isLost?: boolean
	/** Runs before the call is carried out. */
	before?: () => Promise<void> | void
}

/** An event as it was sent. */
export interface Delivery {
	id: string
	event: string
	body: string
	signature: string | null
	/** HTTP status of the receiver, null when nobody was reached. */
	status: number | null
}
