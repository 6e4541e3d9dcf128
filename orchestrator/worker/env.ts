import { exports } from 'cloudflare:workers'
import { z } from 'zod'
import { ProviderName, SECRET_NAMES, SecretMode } from '@shared/contracts'
import type { ProviderTaskMessage } from '@shared/contracts'
import { parsePools } from './services/containers/poolConfig.ts'
import type { ContainerPort } from './services/containers/drivers/cloudflareContainers.ts'
import type { ContainerPlace } from './services/containers/egress.ts'
import type { PoolObject } from './services/containers/poolObject.ts'
import type { TaskExecutionParams } from './services/executions/dispatcher.ts'
import type { EventHubPort } from './services/events/events.ts'
import type { PatchLandingParams } from './services/patch-manager/batches.ts'
import type { Vars } from './services/vars.ts'

/** Bindings by hand: generated types are untyped for service bindings. `wrangler.jsonc` is their other half. */
export interface Env {
	DB: D1Database
	OUTPUTS: R2Bucket
	ARTIFACTS: Artifacts
	PROVIDER_TASKS: Queue<ProviderTaskMessage>
	TASK_EXECUTION: Workflow<TaskExecutionParams>
	PATCH_LANDING: Workflow<PatchLandingParams>
	CONTAINER_POOL: DurableObjectNamespace<Rpc.DurableObjectBranded & PoolObject>
	/** Absent where a deployment has no containers of the platform. */
	AGENT_CONTAINER?: DurableObjectNamespace<Rpc.DurableObjectBranded & ContainerPort>
	POOL_SNAPSHOTS: KVNamespace
	EVENT_HUB: DurableObjectNamespace<Rpc.DurableObjectBranded & EventHubPort>
	/** Vars and secrets are strings; `parseVars` turns them into `Vars` once. */
	[name: string]: unknown
}

const Modes = z.partialRecord(ProviderName, SecretMode)
const BaseURLs = z.partialRecord(ProviderName, z.url())

/** What this Worker exports, called from within. */
export const ownDoors = exports as unknown as { default: Pick<Fetcher, 'fetch'>; ContainerEgress: (options: { props: ContainerPlace }) => Fetcher }

const VarsSchema = z.object({
	ENVIRONMENT: z.string().default('production'),
	WORKER_NAME: z.string().default('vibehq-orchestrator'),
	/** `emulator` when provider base URLs point at the model emulator; runners trust that word to relax isolation. */
	MODEL_UPSTREAM: z.enum(['real', 'emulator']).default('real'),
	/** JSON: provider to base URL, where it is not the provider's own. */
	PROVIDER_BASE_URLS: z.string().default('{}'),
	/** JSON: provider to `gateway` or `direct`, where it is not the registry's own. */
	PROVIDER_MODES: z.string().default('{}'),
	/** Base64 of at least 32 bytes. Signs every token. */
	TOKEN_SIGNING_KEY: z.string().min(43, 'TOKEN_SIGNING_KEY must be base64 of at least 32 bytes: openssl rand -base64 32').optional(),
	/** Where people reach the orchestrator; pull requests and answers on GitHub link to it. */
	PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
	/** The GitHub App that acts in repositories; its key is the secret GITHUB_APP_PRIVATE_KEY. */
	GITHUB_APP_ID: z.string().regex(/^[\w.-]{1,64}$/).optional(),
	/** The REST API, where it is not that of github.com: `https://<host>/api/v3`. */
	GITHUB_API_URL: z.url({ protocol: /^https?$/ }).optional(),
	/** Where repositories are cloned from, where that is not github.com. */
	GITHUB_GIT_URL: z.url({ protocol: /^https?$/ }).optional(),
	/** JSON: Worker name to the settings of its pool of containers; `parsePools` has the form. */
	CONTAINER_POOLS: z.string().default('{}'),
	/** The program that starts runners as processes of a machine; its token is the secret POOL_HOST_TOKEN. */
	POOL_HOST_URL: z.url({ protocol: /^https?$/ }).optional(),
	LEASE_MS: z.coerce.number().int().min(500).max(600_000).default(30_000),
	/** How long the Workflow waits for a nudge before it looks at the task itself. */
	POLL_MS: z.coerce.number().int().min(200).default(15_000),
	/** How long a live execution may go untouched before the sweeper looks at it. */
	SWEEP_IDLE_MS: z.coerce.number().int().min(1).default(30_000),
	/** The plan of the Google account behind JULES_API_KEY, for its budget. */
	JULES_PLAN: z.enum(['free', 'pro', 'ultra']).default('free'),
	/** How soon a session of Jules is looked at again; the longer waits (stall, nudge, queue) are multiples of it. */
	JULES_POLL_MS: z.coerce.number().int().min(50).max(300_000).default(60_000),
	/** Whether a person approves the plan of Jules before it writes anything, where the policy of the workspace says nothing. */
	JULES_PLAN_APPROVAL: z.enum(['ask', 'none']).default('none'),
	/** How long the model gateway waits for the first byte of a model's answer. */
	UPSTREAM_HEADER_TIMEOUT_MS: z.coerce.number().int().min(100).default(120_000),
})

function parseJSON<T>(name: string, text: string, schema: z.ZodType<T>): T {
	try {
		return schema.parse(JSON.parse(text))
	} catch (error) {
		throw new Error(`The variable ${name} is not what it should be: ${error instanceof Error ? error.message : 'unreadable'}`)
	}
}

/** Throws with the variable's name when one does not parse; a wrong configuration must not start half. */
export function parseVars(env: Env): Vars {
	const vars = VarsSchema.parse(env)
	return {
		environment: vars.ENVIRONMENT,
		workerName: vars.WORKER_NAME,
		upstream: vars.MODEL_UPSTREAM,
		providerBaseURLs: parseJSON('PROVIDER_BASE_URLS', vars.PROVIDER_BASE_URLS, BaseURLs),
		providerModes: parseJSON('PROVIDER_MODES', vars.PROVIDER_MODES, Modes),
		tokenSigningKey: vars.TOKEN_SIGNING_KEY,
		pools: parsePools(vars.CONTAINER_POOLS),
		poolHostURL: vars.POOL_HOST_URL,
		publicURL: vars.PUBLIC_URL,
		gitHub: { appId: vars.GITHUB_APP_ID, apiURL: vars.GITHUB_API_URL, gitURL: vars.GITHUB_GIT_URL },
		leaseMs: vars.LEASE_MS,
		pollMs: vars.POLL_MS,
		sweepIdleMs: vars.SWEEP_IDLE_MS,
		jules: { plan: vars.JULES_PLAN, pollMs: vars.JULES_POLL_MS, planApproval: vars.JULES_PLAN_APPROVAL },
		upstreamHeaderTimeoutMs: vars.UPSTREAM_HEADER_TIMEOUT_MS,
	}
}

/** Reads a secret by its name; undefined when the Worker has none. Names outside the fixed list are refused. */
export function readSecret(env: Env, name: string): string | undefined {
	const value = SECRET_NAMES.includes(name) ? env[name] : undefined
	return typeof value === 'string' && value !== '' ? value : undefined
}
