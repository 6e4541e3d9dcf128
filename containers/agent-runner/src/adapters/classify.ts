import type { TaskError } from '@shared/contracts'
import { clip } from '../taskFailure.ts'
import type { AgentFault } from './adapter.ts'

// What the orchestrator's own gateways answer; their code in the CLI's message says more than any status.
const GATEWAY_CODES = [
	'BUDGET_EXCEEDED',
	'MODEL_UNPRICED',
	'SECRET_MISSING',
	'TOKEN_EXPIRED',
	'EXECUTION_NOT_ACTIVE',
	'EXECUTION_CANCELLED',
	'PROVIDER_UNAVAILABLE',
	'PROVIDER_UNREACHABLE',
	'PROVIDER_RATE_LIMITED',
]
const AUTH = /API_KEY_INVALID|API key not valid|(invalid|incorrect|missing) (external )?api key|not logged in|invalid x-api-key|failed to authenticate|authentication failed/i
const RATE = /rate.?limit|too many requests|quota|RESOURCE_EXHAUSTED/i
const UNREACHABLE =
	/ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|connection refused|connectionrefused|dns error|getaddrinfo|waiting for network|unable to connect|error sending request|fetch failed/i
const BROKEN =
	/high demand|overloaded|stream disconnected|terminated|ECONNRESET|connection (to the API )?was lost|socket hang up|internal server error|bad gateway|invalid stream|UND_ERR|error (decoding|reading)|unexpected EOF/i
const REFUSED = /invalid_request_error|invalid request|model\b.{0,60}\b(does not exist|not found|no access)/i

/** Names a provider's fault by what the CLI says of it; `stderr` is looked at only where the message tells nothing. */
export function classifyFault(fault: AgentFault, stderr: string): TaskError {
	const code = codeOf(fault) ?? codeOf({ message: stderr, status: null }) ?? 'AGENT_FAILED'
	const retryAfterMs = code === 'PROVIDER_RATE_LIMITED' ? waitOf(`${fault.message}\n${stderr}`) : null
	return { code, message: clip(fault.message, 3900), retryable: false, ...(retryAfterMs === null ? {} : { retryAfterMs }) }
}

function codeOf({ message, status }: AgentFault): string | null {
	const own = GATEWAY_CODES.find((code) => message.includes(code))
	if (own) return own
	if (status === 401 || status === 403 || (status === 400 && AUTH.test(message))) return 'PROVIDER_AUTH_FAILED'
	if (status === 402) return 'BUDGET_EXCEEDED'
	if (status === 429) return 'PROVIDER_RATE_LIMITED'
	if (status !== null && status >= 500) return 'PROVIDER_ERROR'
	if (status !== null && status >= 400) return 'PROVIDER_REFUSED'
	if (AUTH.test(message)) return 'PROVIDER_AUTH_FAILED'
	if (UNREACHABLE.test(message)) return 'PROVIDER_UNREACHABLE'
	if (RATE.test(message)) return 'PROVIDER_RATE_LIMITED'
	if (REFUSED.test(message)) return 'PROVIDER_REFUSED'
	if (BROKEN.test(message)) return 'PROVIDER_ERROR'
	return null
}

/** "retry after 20 seconds", "try again in 1.5s", `"retryDelay": "34s"`. Null when nobody says how long. */
function waitOf(text: string): number | null {
	const found = /(?:retry[- ]?after|try again in|retry in|retryDelay)\W{0,4}(\d+(?:\.\d+)?) ?(ms|s\b|sec|m\b|min)?/i.exec(text)
	if (!found) return null
	const unit = found[2] ?? 's'
	const factor = unit === 'ms' ? 1 : unit.startsWith('m') ? 60_000 : 1000
	return Math.min(Math.round(Number(found[1]) * factor), 24 * 3_600_000)
}
