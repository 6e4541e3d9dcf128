import { z } from 'zod'
import { createTurnCollector, findWorkingDirectory } from '../promptText.ts'
import type { AgentRequest, Wire } from '../types.ts'
import { chatBody, chatEvents } from './chatReply.ts'
import { bearerKey, openAIAuthError, openAIError } from './openaiErrors.ts'

/** The OpenAI Chat Completions API: POST /v1/chat/completions. */

const Content = z.union([z.string(), z.null(), z.array(z.looseObject({ type: z.string(), text: z.string().optional() }))])
const Named = z.looseObject({ name: z.string() })
const ToolCall = z.looseObject({ id: z.string(), function: Named.optional(), custom: Named.optional() })
const Message = z.looseObject({
	role: z.string(),
	content: Content.optional(),
	tool_calls: z.array(ToolCall).nullish(),
	tool_call_id: z.string().optional(),
})
const Tool = z.looseObject({
	type: z.string(),
	function: z.looseObject({ name: z.string(), parameters: z.unknown().optional() }).optional(),
	custom: Named.optional(),
})
const Request = z.looseObject({
	model: z.string().min(1),
	messages: z.array(Message).min(1),
	stream: z.boolean().nullish(),
	stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullish(),
	tools: z.array(Tool).nullish(),
	tool_choice: z.union([z.string(), z.looseObject({ function: Named.optional() })]).nullish(),
	response_format: z.looseObject({ type: z.string(), json_schema: z.looseObject({ schema: z.unknown().optional() }).optional() }).nullish(),
})

export const chat: Wire = {
	read(body) {
		const request = Request.parse(body)
		const collector = createTurnCollector()
		const toolOfCall = new Map<string, string>()
		const contextTexts: string[] = []
		for (const message of request.messages) {
			const text = textOf(message.content)
			for (const call of message.tool_calls ?? []) toolOfCall.set(call.id, call.function?.name ?? call.custom?.name ?? '')
			if (message.role === 'user') collector.prompt(text)
			else if (message.role === 'tool') collector.result({ tool: toolOfCall.get(message.tool_call_id ?? '') ?? '', text, isError: false })
			else if (message.role !== 'assistant') contextTexts.push(text)
		}
		const parsed: AgentRequest = {
			model: request.model,
			isStream: request.stream === true,
			turns: collector.turns,
			cwd: findWorkingDirectory(contextTexts),
			tools: new Set((request.tools ?? []).map((tool) => tool.function?.name ?? tool.custom?.name ?? '')),
			wantsUsage: request.stream_options?.include_usage === true,
		}
		return { ...parsed, ...structure(request) }
	},
	events: chatEvents,
	body: chatBody,
	error: openAIError,
	key: bearerKey,
	authError: openAIAuthError,
}

function structure(request: z.infer<typeof Request>): Pick<AgentRequest, 'outputSchema' | 'forcedTool'> {
	const choice = request.tool_choice
	const name = choice && typeof choice === 'object' ? choice.function?.name : undefined
	const tool = request.tools?.find((each) => each.function?.name === name)?.function
	if (name !== undefined && tool) return { forcedTool: { name, schema: tool.parameters } }
	const format = request.response_format
	if (format?.type === 'json_schema') return { outputSchema: format.json_schema?.schema }
	return format?.type === 'json_object' ? { outputSchema: { type: 'object' } } : {}
}

function textOf(content: z.infer<typeof Content> | undefined): string {
	if (content === undefined || content === null) return ''
	return typeof content === 'string' ? content : content.map((part) => part.text ?? '').join('\n')
}
