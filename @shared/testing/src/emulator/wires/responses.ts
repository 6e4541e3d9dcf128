import { z } from 'zod'
import { createTurnCollector, findWorkingDirectory } from '../promptText.ts'
import type { AgentRequest, Wire } from '../types.ts'
import { bearerKey, openAIAuthError, openAIError } from './openaiErrors.ts'
import { responsesBody, responsesEvents } from './responsesReply.ts'

/** The OpenAI Responses API: POST /v1/responses. */

const ContentPart = z.looseObject({ type: z.string(), text: z.string().optional() })
const Content = z.union([z.string(), z.array(ContentPart)])
const ToolOutput = z.union([z.string(), z.array(ContentPart), z.looseObject({})])
interface Tool {
	type: string
	name?: string | undefined
	tools?: Tool[] | undefined
}
const Tool: z.ZodType<Tool> = z.looseObject({
	type: z.string(),
	name: z.string().optional(),
	get tools() {
		return z.array(Tool).optional()
	},
})
const InputItem = z.looseObject({
	type: z.string().optional(),
	role: z.string().optional(),
	content: Content.optional(),
	call_id: z.string().optional(),
	name: z.string().optional(),
	output: ToolOutput.optional(),
	tools: z.array(Tool).optional(),
})
type InputItem = z.infer<typeof InputItem>
const Request = z.looseObject({
	model: z.string().min(1),
	input: z.union([z.string(), z.array(InputItem)]),
	instructions: z.string().nullish(),
	stream: z.boolean().nullish(),
	tools: z.array(Tool).nullish(),
	text: z.looseObject({ format: z.looseObject({ type: z.string(), schema: z.unknown().optional() }).optional() }).nullish(),
})

export const responses: Wire = {
	read(body) {
		const request = Request.parse(body)
		const items: InputItem[] = typeof request.input === 'string' ? [{ role: 'user', content: request.input }] : request.input
		const collector = createTurnCollector()
		const toolOfCall = new Map<string, string>()
		const contextTexts = [request.instructions ?? '']
		const declared = [...(request.tools ?? [])]
		for (const item of items) {
			if (item.tools) declared.push(...item.tools)
			if (item.role === 'user') {
				contextTexts.push(textOf(item.content))
				collector.prompt(textOf(item.content))
			} else if (item.role) contextTexts.push(textOf(item.content))
			if (item.call_id && item.name) toolOfCall.set(item.call_id, item.name)
			if (item.call_id && item.output !== undefined) {
				collector.result({ tool: toolOfCall.get(item.call_id) ?? '', text: outputText(item.output), isError: false })
			}
		}
		const format = request.text?.format
		const parsed: AgentRequest = {
			model: request.model,
			isStream: request.stream === true,
			turns: collector.turns,
			cwd: findWorkingDirectory(contextTexts),
			tools: new Set(toolNames(declared)),
		}
		return format?.type === 'json_schema' ? { ...parsed, outputSchema: format.schema } : parsed
	},
	events: responsesEvents,
	body: responsesBody,
	error: openAIError,
	key: bearerKey,
	authError: openAIAuthError,
}

/** Tools may come in namespaces; only what is callable counts. */
function toolNames(tools: Tool[]): string[] {
	return tools.flatMap((tool) => (tool.tools ? toolNames(tool.tools) : tool.name ? [tool.name] : []))
}

function textOf(content: z.infer<typeof Content> | undefined): string {
	if (content === undefined) return ''
	return typeof content === 'string' ? content : content.map((part) => part.text ?? '').join('\n')
}

function outputText(output: z.infer<typeof ToolOutput>): string {
	if (typeof output === 'string') return output
	return Array.isArray(output) ? textOf(output) : JSON.stringify(output)
}
