import type { Reply, ReplyContext, SSEEvent } from '../types.ts'
import { textPieces } from './pieces.ts'

type Item = Record<string, unknown>

export function messagesBody(reply: Reply, context: ReplyContext): Item {
	const content: Item[] = []
	if (reply.text !== undefined) content.push({ type: 'text', text: reply.text })
	if (reply.call) content.push({ ...toolUse(reply, context), input: reply.call.input })
	const usage = { ...inputUsage(context), output_tokens: context.usage.outputTokens }
	return { ...envelope(context), content, stop_reason: stopReason(reply), stop_sequence: null, usage }
}

export function messagesEvents(reply: Reply, context: ReplyContext): SSEEvent[] {
	const message = { ...envelope(context), content: [], stop_reason: null, stop_sequence: null, usage: { ...inputUsage(context), output_tokens: 1 } }
	const events: Item[] = [{ type: 'message_start', message }, { type: 'ping' }]
	const blocks: { open: Item; deltas: Item[] }[] = []
	if (reply.text !== undefined) {
		blocks.push({ open: { type: 'text', text: '' }, deltas: textPieces(reply.text).map((text) => ({ type: 'text_delta', text })) })
	}
	if (reply.call) {
		const json = JSON.stringify(reply.call.input)
		const deltas = ['', ...textPieces(json)].map((partial_json) => ({ type: 'input_json_delta', partial_json }))
		blocks.push({ open: { ...toolUse(reply, context), input: {} }, deltas })
	}
	for (const [index, block] of blocks.entries()) {
		events.push({ type: 'content_block_start', index, content_block: block.open })
		for (const delta of block.deltas) events.push({ type: 'content_block_delta', index, delta })
		events.push({ type: 'content_block_stop', index })
	}
	const usage = { ...tokenCounts(context), output_tokens: context.usage.outputTokens }
	events.push({ type: 'message_delta', delta: { stop_reason: stopReason(reply), stop_sequence: null }, usage }, { type: 'message_stop' })
	return events.map((data) => ({ event: String(data['type']), data }))
}

function envelope({ serial, model }: ReplyContext): Item {
	return { id: `msg_emulator_${serial}`, type: 'message', role: 'assistant', model }
}

function toolUse({ call }: Reply, { serial }: ReplyContext): Item {
	return { type: 'tool_use', id: `toolu_emulator_${serial}`, name: call?.name }
}

function stopReason({ call }: Reply): string {
	return call ? 'tool_use' : 'end_turn'
}

/** This API does not count cached tokens as input tokens. */
function tokenCounts({ usage }: ReplyContext): Item {
	return {
		input_tokens: usage.inputTokens - usage.cachedTokens - usage.cacheWriteTokens,
		cache_creation_input_tokens: usage.cacheWriteTokens,
		cache_read_input_tokens: usage.cachedTokens,
	}
}

function inputUsage(context: ReplyContext): Item {
	const written = { ephemeral_5m_input_tokens: context.usage.cacheWriteTokens, ephemeral_1h_input_tokens: 0 }
	return { ...tokenCounts(context), cache_creation: written, service_tier: 'standard' }
}
