import { z } from 'zod'
import { createTurnCollector, findWorkingDirectory } from '../promptText.ts'
import type { AgentRequest, AuthProblem, ErrorDetails, Wire, WireError } from '../types.ts'
import { errorText } from './errorTexts.ts'
import { messagesBody, messagesEvents } from './messagesReply.ts'

/** The Anthropic Messages API: POST /v1/messages. */

const Block = z.looseObject({
	type: z.string(),
	text: z.string().optional(),
	id: z.string().optional(),
	name: z.string().optional(),
	tool_use_id: z.string().optional(),
	is_error: z.boolean().optional(),
	content: z.unknown().optional(),
})
type Block = z.infer<typeof Block>
const Content = z.union([z.string(), z.array(Block)])
const Request = z.looseObject({
	model: z.string().min(1),
	messages: z.array(z.looseObject({ role: z.string(), content: Content })).min(1),
	system: Content.nullish(),
	stream: z.boolean().nullish(),
	tools: z.array(z.looseObject({ name: z.string(), input_schema: z.unknown().optional() })).nullish(),
	tool_choice: z.looseObject({ type: z.string(), name: z.string().optional() }).nullish(),
	output_config: z.looseObject({ format: z.looseObject({ type: z.string(), schema: z.unknown().optional() }).nullish() }).nullish(),
})

export const messages: Wire = {
	read(body) {
		const request = Request.parse(body)
		const collector = createTurnCollector()
		const toolOfCall = new Map<string, string>()
		const contextTexts = [blocksOf(request.system ?? '').map(blockText).join('\n')]
		for (const message of request.messages) {
			const blocks = blocksOf(message.content)
			for (const block of blocks) if (block.type === 'tool_use' && block.id) toolOfCall.set(block.id, block.name ?? '')
			if (message.role === 'system') contextTexts.push(blocks.map(blockText).join('\n'))
			if (message.role !== 'user') continue
			// The prompt is one of several text blocks; the others are the CLI's own and vanish with their tags.
			collector.prompt(blocks.filter((block) => block.type === 'text').map(blockText).join('\n'))
			contextTexts.push(blocks.map(blockText).filter((text) => text.startsWith('<system-reminder>')).join('\n'))
			for (const block of blocks) {
				if (block.type !== 'tool_result') continue
				collector.result({ tool: toolOfCall.get(block.tool_use_id ?? '') ?? '', text: resultText(block.content), isError: block.is_error === true })
			}
		}
		const parsed: AgentRequest = {
			model: request.model,
			isStream: request.stream === true,
			turns: collector.turns,
			cwd: findWorkingDirectory(contextTexts),
			tools: new Set((request.tools ?? []).map((tool) => tool.name)),
		}
		return { ...parsed, ...structure(request) }
	},
	events: messagesEvents,
	body: messagesBody,
	error: anthropicError,
	key: (headers) => headers['x-api-key'] || /^Bearer (\S+)$/.exec(headers['authorization'] ?? '')?.[1],
	authError: (problem) => ({ status: 401, ...anthropicAuthError(problem) }),
}

function structure(request: z.infer<typeof Request>): Pick<AgentRequest, 'outputSchema' | 'forcedTool'> {
	const choice = request.tool_choice
	const tool = choice?.type === 'tool' ? request.tools?.find((each) => each.name === choice.name) : undefined
	if (tool) return { forcedTool: { name: tool.name, schema: tool.input_schema } }
	const format = request.output_config?.format
	return format?.type === 'json_schema' ? { outputSchema: format.schema } : {}
}

function blocksOf(content: z.infer<typeof Content>): Block[] {
	return typeof content === 'string' ? [{ type: 'text', text: content, content: undefined }] : content
}

function blockText(block: Block): string {
	return block.text ?? ''
}

function resultText(content: unknown): string {
	const parsed = Content.safeParse(content)
	return parsed.success ? blocksOf(parsed.data).map(blockText).join('\n') : ''
}

const ERROR_TYPES: Record<number, string> = {
	400: 'invalid_request_error',
	401: 'authentication_error',
	402: 'billing_error',
	403: 'permission_error',
	404: 'not_found_error',
	413: 'request_too_large',
	429: 'rate_limit_error',
	500: 'api_error',
	504: 'timeout_error',
	529: 'overloaded_error',
}

function anthropicError(status: number, { message = errorText('anthropic', status), retryAfterS }: ErrorDetails = {}): WireError {
	const type = ERROR_TYPES[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error')
	const headers: Record<string, string> = { 'request-id': 'req_emulator' }
	if (retryAfterS !== undefined) headers['retry-after'] = String(retryAfterS)
	return { body: { type: 'error', error: { type, message }, request_id: 'req_emulator' }, headers }
}

function anthropicAuthError(problem: AuthProblem): WireError {
	return anthropicError(401, problem === 'missing' ? { message: 'x-api-key header is required [model emulator]' } : {})
}
