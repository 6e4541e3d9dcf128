import type { ProviderName } from '@shared/contracts'

/** The wire format of a call: OpenAI Responses, chat completions, Anthropic Messages, Gemini generateContent. */
export type Wire = 'responses' | 'chat' | 'messages' | 'gemini'

export interface GatewayRoute {
	wire: Wire
	/** True when the call costs money and answers with its usage. */
	isMetered: boolean
	/** The model, where the path names it. */
	model: string | null
}

interface Rule {
	method: 'GET' | 'POST' | 'HEAD'
	path: RegExp
	wire: Wire
	isMetered: boolean
}

const call = (path: RegExp, wire: Wire): Rule => ({ method: 'POST', path, wire, isMetered: true })
const count = (path: RegExp, wire: Wire): Rule => ({ method: 'POST', path, wire, isMetered: false })
const read = (path: RegExp, wire: Wire): Rule => ({ method: 'GET', path, wire, isMetered: false })

const RESPONSES = call(/^\/v1\/responses$/, 'responses')
const CHAT = call(/^\/v1\/chat\/completions$/, 'chat')
const MESSAGES = call(/^\/v1\/messages$/, 'messages')
const MODELS = /^\/v1\/models(\/[\w.:@-]+)?$/

/** Everything that a CLI may ask of its provider with our key. What is not here (files, batches, images, tuning) is refused: it could not be metered. */
const RULES: Partial<Record<ProviderName, readonly Rule[]>> = {
	codex: [RESPONSES, CHAT, read(MODELS, 'responses')],
	claude: [
		MESSAGES,
		count(/^\/v1\/messages\/count_tokens$/, 'messages'),
		read(MODELS, 'messages'),
		{ method: 'HEAD', path: /^\/api\/hello$/, wire: 'messages', isMetered: false },
	],
	gemini: [
		call(/^\/v1beta\/models\/([\w.@-]+):(generateContent|streamGenerateContent)$/, 'gemini'),
		count(/^\/v1beta\/models\/([\w.@-]+):countTokens$/, 'gemini'),
		read(/^\/v1beta\/models(\/[\w.@-]+)?$/, 'gemini'),
	],
	copilot: [CHAT, RESPONSES, MESSAGES, read(MODELS, 'chat')],
}

/** `path` is what follows `/gateway/<provider>`, still encoded. Null when the gateway does not pass such a call on. */
export function findRoute(provider: ProviderName, method: string, path: string): GatewayRoute | null {
	for (const rule of RULES[provider] ?? []) {
		const match = rule.method === method ? rule.path.exec(path) : null
		if (match) return { wire: rule.wire, isMetered: rule.isMetered, model: rule.wire === 'gemini' && rule.method === 'POST' ? (match[1] ?? null) : null }
	}
	return null
}

/** The format in which the CLI at the other end can read an error, also for a path that is refused. */
export function wireOf(provider: ProviderName, path: string): Wire {
	if (provider === 'claude' || path.startsWith('/v1/messages')) return 'messages'
	if (provider === 'gemini') return 'gemini'
	return path.startsWith('/v1/chat/') ? 'chat' : 'responses'
}
