import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import type { ExecutionView, LogEntry, OrderCreated, OrderInput, OrderView } from '@shared/contracts'
import { createFakeGitHub, makeAppKeys } from '@shared/testing/github'
import type { FakeGitHub, FakeRepository } from '@shared/testing/github'
import type { JulesScenario } from '@shared/testing/jules'
import { script } from './stack.ts'
import type { Script, Stack } from './stack.ts'

const APP_ID = '424242'
const WEBHOOK_SECRET = `webhook-secret-${randomBytes(16).toString('hex')}`

interface SharedGitHub {
	readonly fake: FakeGitHub
	vars: Record<string, string>
	/** What is looked for where it must not be, besides the tokens of the App. */
	credentials: string[]
}

/** A fake GitHub for all tests of a file, on which we act as an App or with a person's token. Call it before `sharedStack`, which takes `vars`. */
export function sharedGitHub(repos: FakeRepository[], { as = 'app' }: { as?: 'app' | 'person' } = {}): SharedGitHub {
	let fake: FakeGitHub | undefined
	const { privateKey, publicKey } = makeAppKeys()
	const token = `github_pat_${randomBytes(20).toString('hex')}`
	const own: Record<string, string> = as === 'app' ? { GITHUB_APP_ID: APP_ID, GITHUB_APP_PRIVATE_KEY: privateKey.replaceAll('\n', '\\n') } : { GITHUB_TOKEN: token }
	const vars = { ...own, GITHUB_WEBHOOK_SECRET: WEBHOOK_SECRET, PUBLIC_URL: 'https://factory.example' }
	// The lines in the middle of the key are like no other's.
	const credentials = as === 'app' ? [privateKey, ...privateKey.split('\n').slice(2, 4)] : [token]
	beforeAll(async () => {
		const permissions = { contents: 'write', pull_requests: 'write', issues: 'write' } as const
		const names = repos.map(({ name }) => name)
		const ours = as === 'app' ? { app: { appId: APP_ID, slug: 'vibehq', publicKey, installations: [{ id: 1, repos: names, permissions }] } } : { tokens: [{ token, login: 'owner', repos: names, permissions }] }
		fake = await createFakeGitHub({ repos, ...ours, webhookSecret: WEBHOOK_SECRET })
		Object.assign(vars, { GITHUB_API_URL: fake.url, GITHUB_GIT_URL: fake.url })
	})
	afterAll(() => fake?.close())
	return {
		get fake() {
			if (fake === undefined) throw new Error('The fake GitHub is there only while tests and hooks run.')
			return fake
		},
		vars,
		credentials,
	}
}

/** Delivers events to the stack, and has all credentials for GitHub looked for where they must not be. Call it after `guardSecrets`. */
export function connectGitHub(shared: { readonly stack: Stack }, gitHub: ReturnType<typeof sharedGitHub>): void {
	const keepTokens = () => {
		const { secrets } = shared.stack
		secrets.push(...gitHub.fake.issuedTokens().filter((token) => !secrets.includes(token)))
	}
	beforeAll(() => {
		shared.stack.secrets.push(WEBHOOK_SECRET, ...gitHub.credentials)
		gitHub.fake.setWebhookURL(`${shared.stack.url}/webhooks/github`)
	})
	afterEach(keepTokens)
	// Hooks after the tests run from the last to the first, so this comes before the search.
	afterAll(() => {
		keepTokens()
		if ('GITHUB_APP_ID' in gitHub.vars) expect(gitHub.fake.issuedTokens().length, 'credentials to look for').toBeGreaterThan(0)
	})
}

export interface GitHubOrder {
	/** Stands in the prompt and nowhere else. */
	token: string
	orderId: OrderCreated['orderId']
	executionId: NonNullable<OrderCreated['executionId']>
	/** Waits until the last execution has ended. */
	settled: () => Promise<{ execution: ExecutionView; log: LogEntry[]; order: OrderView }>
}

export interface GitHubOrderSpec extends Omit<OrderInput, 'prompt' | 'workspace'> {
	prompt?: string
	repo: string
	branch?: string
	scenario: Script
	/** What Jules does, where the stack has one. */
	jules?: Partial<JulesScenario['jules']>
}

/** Places an order for a scripted agent on a branch of a repository. */
export async function placeOnGitHub(stack: Stack, spec: GitHubOrderSpec): Promise<GitHubOrder> {
	const { scenario, jules, repo, branch = 'main', prompt = 'Change the project', ...input } = spec
	const token = scriptToken(stack, scenario)
	if (jules !== undefined) stack.jules?.addScenarios([{ name: token, match: token, provider: 'jules', jules }])
	const { orderId, executionId } = await stack.client.createOrder({ ...input, prompt: `${prompt} (${token})`, workspace: { kind: 'github', repo, branch } })
	if (executionId === null) throw new Error('The order was placed without an execution.')
	const settled = async () => {
		const execution = await stack.client.settled(executionId)
		return { execution, log: await stack.client.log(execution.executionId), order: await stack.client.order(orderId) }
	}
	return { token, orderId, executionId, settled }
}

/** Teaches the model what to do with a prompt that holds the token. */
export function scriptToken(stack: Stack, scenario: Script): string {
	const token = `token-${randomBytes(6).toString('hex')}`
	script(stack, token, scenario)
	return token
}
