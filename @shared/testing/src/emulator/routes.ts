import type { Headers, Wire } from './types.ts'
import { chat } from './wires/chat.ts'
import { gemini } from './wires/gemini.ts'
import { messages } from './wires/messages.ts'
import { responses } from './wires/responses.ts'

export const WIRES = { responses, chat, messages, gemini } as const satisfies Record<string, Wire>
export type WireName = keyof typeof WIRES

/** Where a request goes: to a model, to a list of models, to a count of tokens, or to a sign of life. */
export type Route =
	| { kind: 'generate' | 'count'; wireName: WireName; provider: string; model: string | undefined; isStream: boolean }
	| { kind: 'models'; wireName: WireName; provider: string }
	| { kind: 'hello' }

/** `/p/<provider>/…` names the provider; otherwise the path and the headers of the CLI tell it. */
export function findRoute(method: string, path: string, headers: Headers): Route | undefined {
	const prefixed = /^\/p\/([a-z0-9-]+)(\/.*)?$/.exec(path)
	const named = prefixed?.[1]
	const rest = (prefixed ? (prefixed[2] ?? '/') : path).replace(/^\/(v1beta|v1alpha|v1)(?=\/)/, '')
	const isRead = method === 'GET' || method === 'HEAD'
	if (isRead && (rest === '/' || rest === '/api/hello' || rest === '/health')) return { kind: 'hello' }
	if (isRead && rest === '/models') {
		const wireName = headers['x-goog-api-key'] !== undefined || path.includes('/v1beta') ? 'gemini' : headers['anthropic-version'] ? 'messages' : 'responses'
		return { kind: 'models', wireName, provider: named ?? DEFAULT_PROVIDER[wireName] }
	}
	if (method !== 'POST') return undefined
	const target = findTarget(rest)
	return target && { ...target, provider: named ?? guessProvider(target.wireName, headers) }
}

function findTarget(path: string): Omit<Extract<Route, { kind: 'generate' | 'count' }>, 'provider'> | undefined {
	const plain = { model: undefined, isStream: false }
	if (path === '/responses') return { kind: 'generate', wireName: 'responses', ...plain }
	if (path === '/chat/completions') return { kind: 'generate', wireName: 'chat', ...plain }
	if (path === '/messages') return { kind: 'generate', wireName: 'messages', ...plain }
	if (path === '/messages/count_tokens') return { kind: 'count', wireName: 'messages', ...plain }
	const google = /^\/models\/([^/:]+):(generateContent|streamGenerateContent|countTokens)$/.exec(path)
	if (!google) return undefined
	const [, model = '', verb] = google
	return { kind: verb === 'countTokens' ? 'count' : 'generate', wireName: 'gemini', model: decodeURIComponent(model), isStream: verb === 'streamGenerateContent' }
}

const DEFAULT_PROVIDER: Record<WireName, string> = { responses: 'codex', chat: 'copilot', messages: 'claude', gemini: 'gemini' }

function guessProvider(wireName: WireName, headers: Headers): string {
	const agent = headers['user-agent'] ?? ''
	if (headers['originator']?.startsWith('codex') || agent.startsWith('codex')) return 'codex'
	if (agent.startsWith('claude-cli')) return 'claude'
	if (headers['x-initiator'] !== undefined || headers['x-interaction-type'] !== undefined) return 'copilot'
	return DEFAULT_PROVIDER[wireName]
}
