import { z } from 'zod'
import { createTurnCollector, findWorkingDirectory } from '../promptText.ts'
import type { AgentRequest, ErrorDetails, Wire, WireError } from '../types.ts'
import { errorText } from './errorTexts.ts'
import { geminiBody, geminiEvents } from './geminiReply.ts'

/** The Gemini API: POST /v1beta/models/{model}:generateContent and :streamGenerateContent. */

const Part = z.looseObject({
	text: z.string().optional(),
	functionResponse: z.looseObject({ name: z.string(), response: z.looseObject({ error: z.unknown().optional() }).optional() }).optional(),
})
const Instruction = z.union([z.string(), z.looseObject({ parts: z.array(Part) })])
const Declaration = z.looseObject({ name: z.string() })
const Request = z.looseObject({
	contents: z.array(z.looseObject({ role: z.string().optional(), parts: z.array(Part).default([]) })).min(1),
	systemInstruction: Instruction.optional(),
	tools: z.array(z.looseObject({ functionDeclarations: z.array(Declaration).optional() })).optional(),
	generationConfig: z
		.looseObject({ responseMimeType: z.string().optional(), responseSchema: z.unknown().optional(), responseJsonSchema: z.unknown().optional() })
		.optional(),
})

export const gemini: Wire = {
	read(body, path) {
		const request = Request.parse(body)
		const collector = createTurnCollector()
		const contextTexts = [instructionText(request.systemInstruction)]
		for (const content of request.contents) {
			if (content.role === 'model') continue
			const text = content.parts.map((part) => part.text ?? '').join('\n')
			contextTexts.push(text)
			collector.prompt(text)
			for (const { functionResponse } of content.parts) {
				if (!functionResponse) continue
				const { name, response } = functionResponse
				collector.result({ tool: name, text: responseText(response), isError: response?.error !== undefined })
			}
		}
		const declarations = (request.tools ?? []).flatMap((tool) => tool.functionDeclarations ?? [])
		const parsed: AgentRequest = {
			model: path.model ?? '',
			isStream: path.isStream,
			turns: collector.turns,
			cwd: findWorkingDirectory(contextTexts),
			tools: new Set(declarations.map((each) => each.name)),
		}
		const config = request.generationConfig
		if (config?.responseMimeType !== 'application/json') return parsed
		return { ...parsed, outputSchema: config.responseSchema ?? config.responseJsonSchema ?? { type: 'object' } }
	},
	events: geminiEvents,
	body: geminiBody,
	error: googleError,
	key: (headers, query) => headers['x-goog-api-key'] || query.get('key') || undefined,
	authError(problem) {
		if (problem === 'missing') {
			const message =
				"Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API. [model emulator]"
			return { status: 403, ...googleError(403, { message }) }
		}
		const details = [
			{
				'@type': 'type.googleapis.com/google.rpc.ErrorInfo',
				reason: 'API_KEY_INVALID',
				domain: 'googleapis.com',
				metadata: { service: 'generativelanguage.googleapis.com' },
			},
		]
		const message = 'API key not valid. Please pass a valid API key. [model emulator]'
		return { status: 400, body: { error: { code: 400, message, status: 'INVALID_ARGUMENT', details } } }
	},
}

function instructionText(instruction: z.infer<typeof Instruction> | undefined): string {
	if (instruction === undefined) return ''
	return typeof instruction === 'string' ? instruction : instruction.parts.map((part) => part.text ?? '').join('\n')
}

function responseText(response: Record<string, unknown> | undefined): string {
	const text = response?.['output'] ?? response?.['error']
	return typeof text === 'string' ? text : JSON.stringify(response ?? {})
}

const STATUS_NAMES: Record<number, string> = {
	400: 'INVALID_ARGUMENT',
	401: 'UNAUTHENTICATED',
	403: 'PERMISSION_DENIED',
	404: 'NOT_FOUND',
	409: 'ABORTED',
	429: 'RESOURCE_EXHAUSTED',
	499: 'CANCELLED',
	500: 'INTERNAL',
	503: 'UNAVAILABLE',
	504: 'DEADLINE_EXCEEDED',
}

function googleError(status: number, { message = errorText('google', status), retryAfterS }: ErrorDetails = {}): WireError {
	const name = STATUS_NAMES[status] ?? (status >= 500 ? 'INTERNAL' : 'FAILED_PRECONDITION')
	const error = { code: status, message, status: name }
	if (retryAfterS === undefined) return { body: { error } }
	const details = [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${retryAfterS}s` }]
	return { body: { error: { ...error, details } }, headers: { 'retry-after': String(retryAfterS) } }
}
