import { createAuth } from './auth.ts'
import type { Auth } from './auth.ts'
import { commitFiles, createBareRepository } from './git.ts'
import type { BareRepository } from './git.ts'
import type { FakeApp, FakeGitHubOptions, FakeRepository, Role } from './types.ts'
import { createWebhooks } from './webhooks.ts'
import type { Webhooks } from './webhooks.ts'

export interface Pull {
	number: number
	title: string
	body: string | null
	state: 'open' | 'closed'
	isDraft: boolean
	head: string
	base: string
	login: string
	mergeCommit: string | null
	createdAt: number
	updatedAt: number
	closedAt: number | null
}

export interface Comment {
	id: number
	/** Of the issue or pull request. */
	number: number
	login: string
	body: string
	at: number
	/** Of a review comment. */
	review?: { path: string; line: number | null; inReplyTo?: number }
}

export interface Repo {
	owner: string
	name: string
	fullName: string
	isPrivate: boolean
	defaultBranch: string
	collaborators: Map<string, Role>
	git: BareRepository
	pulls: Map<number, Pull>
	/** Titles by number. */
	issues: Map<number, string>
	comments: Comment[]
	lastNumber: number
}

/** Everything that the fake knows. */
export interface Hub {
	/** By `owner/name` in lower case: GitHub's names are found whatever their case. */
	repos: Map<string, Repo>
	auth: Auth
	app: FakeApp | undefined
	webhooks: Webhooks
	now: () => number
	maxTreeEntries: number
	/** Base URL of the API; known once it listens. */
	url: string
	nextId(): number
}

export async function createHub(root: string, options: FakeGitHubOptions): Promise<Hub> {
	const now = options.now ?? Date.now
	const repos = await Promise.all(options.repos.map((repo) => createRepo(root, repo, now())))
	let lastId = 1000
	return {
		repos: new Map(repos.map((repo) => [repo.fullName.toLowerCase(), repo])),
		auth: createAuth({ tokens: options.tokens ?? [], app: options.app, now }),
		app: options.app,
		webhooks: createWebhooks({ secret: options.webhookSecret, url: options.webhookURL }),
		now,
		maxTreeEntries: options.maxTreeEntries ?? 100_000,
		url: '',
		nextId: () => (lastId += 1),
	}
}

async function createRepo(root: string, { name, isPrivate = false, defaultBranch = 'main', files, collaborators = {} }: FakeRepository, at: number): Promise<Repo> {
	const [owner = '', repo = ''] = name.split('/')
	const git = await createBareRepository(root, `${name}.git`, defaultBranch)
	if (files) await commitFiles(git, files, { branch: defaultBranch, at })
	return {
		owner,
		name: repo,
		fullName: name,
		isPrivate,
		defaultBranch,
		collaborators: new Map(Object.entries(collaborators)),
		git,
		pulls: new Map(),
		issues: new Map(),
		comments: [],
		lastNumber: 0,
	}
}

/** Unix ms as GitHub writes a moment. */
export const stamp = (at: number) => new Date(at).toISOString().replace(/\.\d+Z$/, 'Z')
