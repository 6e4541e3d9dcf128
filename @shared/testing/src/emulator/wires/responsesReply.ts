import { textPieces } from './pieces.ts'
import type { Reply, ReplyContext, SSEEvent } from '../types.ts'

type Item = Record<string, unknown>

export function responsesBody(reply: Reply, context: ReplyContext): Item {
	return envelope(context, { status: 'completed', output: outputItems(reply, context), usage: usageOf(context) })
}

/** The event sequence of a streamed response; `sequence_number` counts from 0. */
export function responsesEvents(reply: Reply, context: ReplyContext): SSEEvent[] {
	const open = envelope(context, { status: 'in_progress', output: [], usage: null })
	const events: Item[] = [
		{ type: 'response.created', response: open },
		{ type: 'response.in_progress', response: open },
	]
	for (const [index, item] of outputItems(reply, context).entries()) events.push(...itemEvents(item, index))
	events.push({ type: 'response.completed', response: responsesBody(reply, context) })
	return events.map((event, index) => ({ event: String(event['type']), data: { ...event, sequence_number: index } }))
}

function envelope({ serial, model, createdAtS }: ReplyContext, rest: Item): Item {
	return {
		id: `resp_emulator_${serial}`,
		object: 'response',
		created_at: createdAtS,
		error: null,
		incomplete_details: null,
		instructions: null,
		metadata: { emulator: 'vibehq-model-emulator' },
		model,
		parallel_tool_calls: true,
		previous_response_id: null,
		store: false,
		temperature: 1,
		tool_choice: 'auto',
		top_p: 1,
		...rest,
	}
}

function outputItems(reply: Reply, { serial }: ReplyContext): Item[] {
	const items: Item[] = []
	if (reply.text !== undefined) {
		const content = [{ type: 'output_text', text: reply.text, annotations: [], logprobs: [] }]
		items.push({ id: `msg_emulator_${serial}`, type: 'message', status: 'completed', role: 'assistant', content })
	}
	if (reply.call) {
		const { name, input, namespace } = reply.call
		const common = { status: 'completed', call_id: `call_emulator_${serial}`, name, ...(namespace ? { namespace } : {}) }
		items.push(
			typeof input === 'string'
				? { id: `ctc_emulator_${serial}`, type: 'custom_tool_call', ...common, input }
				: { id: `fc_emulator_${serial}`, type: 'function_call', ...common, arguments: JSON.stringify(input) },
		)
	}
	return items
}

function itemEvents(item: Item, outputIndex: number): Item[] {
	const at = { item_id: item['id'], output_index: outputIndex }
	const added = (empty: Item): Item => ({
		type: 'response.output_item.added',
		output_index: outputIndex,
		item: { ...item, status: 'in_progress', ...empty },
	})
	const done = { type: 'response.output_item.done', output_index: outputIndex, item }
	if (item['type'] === 'message' && Array.isArray(item['content'])) {
		const part: Item = item['content'][0]
		const text = String(part['text'])
		const place = { ...at, content_index: 0 }
		return [
			added({ content: [] }),
			{ type: 'response.content_part.added', ...place, part: { ...part, text: '' } },
			...textPieces(text).map((delta) => ({ type: 'response.output_text.delta', ...place, delta, logprobs: [] })),
			{ type: 'response.output_text.done', ...place, text, logprobs: [] },
			{ type: 'response.content_part.done', ...place, part },
			done,
		]
	}
	const isCustom = item['type'] === 'custom_tool_call'
	const field = isCustom ? 'input' : 'arguments'
	const event = isCustom ? 'response.custom_tool_call_input' : 'response.function_call_arguments'
	const value = String(item[field])
	const deltas = textPieces(value).map((delta) => ({ type: `${event}.delta`, ...at, delta }))
	return [added({ [field]: '' }), ...deltas, { type: `${event}.done`, ...at, [field]: value }, done]
}

function usageOf({ usage }: ReplyContext): Item {
	return {
		input_tokens: usage.inputTokens,
		input_tokens_details: { cached_tokens: usage.cachedTokens },
		output_tokens: usage.outputTokens,
		output_tokens_details: { reasoning_tokens: 0 },
		total_tokens: usage.inputTokens + usage.outputTokens,
	}
}
