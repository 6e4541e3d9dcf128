import type { Reply, ReplyContext, SSEEvent } from '../types.ts'
import { textPieces } from './pieces.ts'

type Item = Record<string, unknown>

export function geminiBody(reply: Reply, context: ReplyContext): Item {
	const parts: Item[] = reply.text === undefined ? [] : [{ text: reply.text }]
	return chunk([...parts, ...callPart(reply, context)], context, true)
}

export function geminiEvents(reply: Reply, context: ReplyContext): SSEEvent[] {
	const pieces: Item[][] = textPieces(reply.text ?? '').map((text) => [{ text }])
	if (reply.call) pieces.push(callPart(reply, context))
	return pieces.map((parts, index) => ({ data: chunk(parts, context, index === pieces.length - 1) }))
}

function callPart({ call }: Reply, { serial }: ReplyContext): Item[] {
	return call ? [{ functionCall: { id: `emulator-${serial}`, name: call.name, args: call.input } }] : []
}

function chunk(parts: Item[], { model, serial, usage }: ReplyContext, isLast: boolean): Item {
	const candidate = { content: { role: 'model', parts }, index: 0, ...(isLast ? { finishReason: 'STOP' } : {}) }
	const usageMetadata = {
		promptTokenCount: usage.inputTokens,
		candidatesTokenCount: usage.outputTokens,
		totalTokenCount: usage.inputTokens + usage.outputTokens,
		...(usage.cachedTokens > 0 ? { cachedContentTokenCount: usage.cachedTokens } : {}),
		promptTokensDetails: [{ modality: 'TEXT', tokenCount: usage.inputTokens }],
	}
	return { candidates: [candidate], usageMetadata, modelVersion: model, responseId: `emulator-${serial}` }
}
