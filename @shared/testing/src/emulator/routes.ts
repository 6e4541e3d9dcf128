import type { HeaderMap, Wire } from './types.ts'
import { chat } from './wires/chat.ts'
import { gemini } from './wires/gemini.ts'
import { messages } from './wires/messages.ts'
import { responses } from './wires/responses.ts'

export const WIRES = { responses, chat, messages, gemini } as const satisfies Record<string, Wire>
export type WireName = keyof typeof WIRES

export interface ModelRoute {
	kind: 'generate' | 'count' | 'models'
	wireName: WireName
	provider: string
	/** The model, where the path names it. */
	model: string | undefined
	/** Whether the path asks for a stream; elsewhere the body does. */
	isStream: boolean
}

export type Route = ModelRoute | { kind: 'hello' }

/** `/p/<provider>/…` names the provider; otherwise the path and the headers of the CLI tell it. Undefined for an unknown path. */
export function findRoute(method: string, path: string, headers: HeaderMap): Route | undefined {
	const prefixed = /^\/p\/([a-z0-9-]+)(\/.*)?$/.exec(path)
	const inner = prefixed ? (prefixed[2] ?? '/') : path
	const rest = inner.replace(/^\/(v1beta|v1alpha|v1)(?=\/)/, '')
	const isRead = method === 'GET' || method === 'HEAD'
	if (isRead && (rest === '/' || rest === '/api/hello' || rest === '/health')) return { kind: 'hello' }
	const target = isRead && rest === '/models' ? modelsTarget(inner, headers) : method === 'POST' ? findTarget(rest) : undefined
	return target && { ...target, provider: prefixed?.[1] ?? guessProvider(target.wireName, headers) }
}

type Target = Omit<ModelRoute, 'provider'>

const NO_MODEL = { model: undefined, isStream: false }

function modelsTarget(path: string, headers: HeaderMap): Target {
	if (path.startsWith('/v1beta') || headers['x-goog-api-key'] !== undefined) return { kind: 'models', wireName: 'gemini', ...NO_MODEL }
	return { kind: 'models', wireName: headers['anthropic-version'] === undefined ? 'responses' : 'messages', ...NO_MODEL }
}

function findTarget(path: string): Target | undefined {
	if (path === '/responses') return { kind: 'generate', wireName: 'responses', ...NO_MODEL }
	if (path === '/chat/completions') return { kind: 'generate', wireName: 'chat', ...NO_MODEL }
	if (path === '/messages') return { kind: 'generate', wireName: 'messages', ...NO_MODEL }
	if (path === '/messages/count_tokens') return { kind: 'count', wireName: 'messages', ...NO_MODEL }
	const google = /^\/models\/([^/:]+):(generateContent|streamGenerateContent|countTokens)$/.exec(path)
	if (!google) return undefined
	const [, model, verb] = google
	return { kind: verb === 'countTokens' ? 'count' : 'generate', wireName: 'gemini', model, isStream: verb === 'streamGenerateContent' }
}

const DEFAULT_PROVIDER: Record<WireName, string> = { responses: 'codex', chat: 'copilot', messages: 'claude', gemini: 'gemini' }

/** Two CLIs may speak the same API: what tells them apart are headers of their own. */
function guessProvider(wireName: WireName, headers: HeaderMap): string {
	const agent = headers['user-agent'] ?? ''
	if (headers['originator']?.startsWith('codex') || agent.startsWith('codex')) return 'codex'
	if (agent.startsWith('claude-cli')) return 'claude'
	if (headers['x-initiator'] !== undefined || headers['x-interaction-type'] !== undefined) return 'copilot'
	return DEFAULT_PROVIDER[wireName]
}
