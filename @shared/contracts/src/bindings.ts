/** Service bindings of the orchestrator: binding name to exported entrypoint. The base configuration is written from this. */
export const ORCHESTRATOR_BINDINGS = {
	ORCHESTRATOR_TASKS: 'Tasks',
	ORCHESTRATOR_AI_PROVIDER: 'AIProviderOps',
	ORCHESTRATOR_PATCH: 'PatchOps',
	ORCHESTRATOR_TASK_QUEUE: 'ContainerTaskQueueOps',
	ORCHESTRATOR_LOAD_BALANCER: 'ContainerLoadBalancerOps',
} as const

export const ORCHESTRATOR_SERVICE = 'vibehq-orchestrator'
export const PROVIDER_TASKS_QUEUE = 'ai-provider-tasks'
export const PROVIDER_TASKS_DLQ = 'ai-provider-tasks-dlq'

/** Names of the Worker secrets. A missing provider key makes that provider unavailable; it never fails the start. */
export const PROVIDER_SECRETS = {
	jules: 'JULES_API_KEY',
	codex: 'CODEX_API_KEY',
	gemini: 'GEMINI_API_KEY',
	claude: 'CLAUDE_API_KEY',
	cursor: 'CURSOR_API_KEY',
	copilot: 'COPILOT_GITHUB_TOKEN',
} as const

/** How the orchestrator acts on GitHub; none is needed for hosted workspaces. The App goes before the token, and a secret that is being changed keeps its old value beside it. */
export const GITHUB_SECRETS = ['GITHUB_APP_PRIVATE_KEY', 'GITHUB_TOKEN', 'GITHUB_WEBHOOK_SECRET', 'GITHUB_WEBHOOK_SECRET_OLD'] as const
/** Signs what `/webhooks/jules` takes; none is needed as long as nobody relays. While it is being changed, the old value stands beside it. */
export const JULES_WEBHOOK_SECRETS = ['JULES_WEBHOOK_SECRET', 'JULES_WEBHOOK_SECRET_OLD'] as const
/** All of them: what may be read by name, and what is taken out of texts. */
export const SECRET_NAMES: readonly string[] = [...Object.values(PROVIDER_SECRETS), ...GITHUB_SECRETS, ...JULES_WEBHOOK_SECRETS, 'POOL_HOST_TOKEN', 'TOKEN_SIGNING_KEY']

/** What `ctx.props` of a service binding carries: who is calling. */
export interface CallerProps {
	workerName: string
}
