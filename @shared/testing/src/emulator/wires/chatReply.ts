import { EMULATOR_NAME, type Reply, type ReplyContext, type SSEEvent } from '../types.ts'
import { textPieces } from './pieces.ts'

type Item = Record<string, unknown>

export function chatBody(reply: Reply, context: ReplyContext): Item {
	const calls = toolCall(reply, context)
	const message = { role: 'assistant', content: reply.text ?? null, refusal: null, ...(calls ? { tool_calls: [calls] } : {}) }
	const choice = { index: 0, message, logprobs: null, finish_reason: finishReason(reply) }
	return { ...envelope('chat.completion', context), choices: [choice], usage: usageOf(context) }
}

export function chatEvents(reply: Reply, context: ReplyContext): SSEEvent[] {
	const chunk = (delta: Item, finish: string | null = null): SSEEvent => ({
		data: { ...envelope('chat.completion.chunk', context), choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }] },
	})
	const events = [chunk({ role: 'assistant', content: reply.text === undefined ? null : '' })]
	for (const content of textPieces(reply.text ?? '')) events.push(chunk({ content }))
	const call = toolCall(reply, context)
	if (call && reply.call) {
		const field = typeof reply.call.input === 'string' ? 'custom' : 'function'
		const inner = field === 'custom' ? 'input' : 'arguments'
		events.push(chunk({ tool_calls: [{ index: 0, ...call, [field]: { name: reply.call.name, [inner]: '' } }] }))
		const whole = typeof reply.call.input === 'string' ? reply.call.input : JSON.stringify(reply.call.input)
		for (const piece of textPieces(whole)) events.push(chunk({ tool_calls: [{ index: 0, [field]: { [inner]: piece } }] }))
	}
	events.push(chunk({}, finishReason(reply)))
	if (context.wantsUsage) events.push({ data: { ...envelope('chat.completion.chunk', context), choices: [], usage: usageOf(context) } })
	return [...events, { data: '[DONE]' }]
}

function envelope(object: string, { serial, model, createdAtS }: ReplyContext): Item {
	return { id: `chatcmpl-emulator-${serial}`, object, created: createdAtS, model, system_fingerprint: `fp_${EMULATOR_NAME}` }
}

function toolCall({ call }: Reply, { serial }: ReplyContext): Item | undefined {
	if (!call) return undefined
	const id = `call_emulator_${serial}`
	return typeof call.input === 'string'
		? { id, type: 'custom', custom: { name: call.name, input: call.input } }
		: { id, type: 'function', function: { name: call.name, arguments: JSON.stringify(call.input) } }
}

function finishReason({ call }: Reply): string {
	return call ? 'tool_calls' : 'stop'
}

function usageOf({ usage }: ReplyContext): Item {
	return {
		prompt_tokens: usage.inputTokens,
		completion_tokens: usage.outputTokens,
		total_tokens: usage.inputTokens + usage.outputTokens,
		prompt_tokens_details: { cached_tokens: usage.cachedTokens, audio_tokens: 0 },
		completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
	}
}
