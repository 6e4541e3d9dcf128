import { AppError, type ScenarioFault } from '@shared/contracts'
import { brokenStream, delay, GARBAGE_PAGE, untilAborted } from './faults.ts'
import { EMULATOR_NAME, type Reply, type ReplyContext, type SSEEvent, type Wire, type WireError } from './types.ts'

/** From a reply to the bytes of an answer, with the fault that a scenario puts between them. */

export interface Answer {
	wire: Wire
	reply: Reply
	context: ReplyContext
	fault: ScenarioFault | undefined
	isStream: boolean
	/** Aborts when the caller goes away. */
	signal: AbortSignal
}

/** Waits as long as the fault says; a stall of the headers ends only when the caller goes away, with an AppError that nobody reads. */
export async function answerWith({ wire, reply, context, fault, isStream, signal }: Answer): Promise<Response> {
	if (fault?.delayMs !== undefined) await delay(fault.delayMs, signal)
	if (fault?.stall === 'headers') {
		await untilAborted(signal)
		throw new AppError('UNAVAILABLE', 'The caller went away from a request that a scenario never answers.')
	}
	if (fault?.status !== undefined) return errorAnswer(fault.status, wire.error(fault.status, { retryAfterS: fault.retryAfterS }))
	if (fault?.garbage) return new Response(GARBAGE_PAGE, { headers: { 'content-type': isStream ? 'text/event-stream' : 'text/html' } })
	const frames = isStream ? wire.events(reply, context).map(frame) : halves(JSON.stringify(wire.body(reply, context)))
	const headers = { 'content-type': isStream ? 'text/event-stream; charset=utf-8' : 'application/json', 'cache-control': 'no-cache' }
	if (fault?.cut) return new Response(brokenStream(frames, 'cut'), { headers })
	if (fault?.stall === 'body') return new Response(brokenStream(frames, 'stall'), { headers })
	return new Response(frames.join(''), { headers })
}

export function errorAnswer(status: number, { body, headers }: WireError): Response {
	return Response.json(body, { status, headers: headers ?? {} })
}

/** One model in the list format of the API that asks; which one is recognised by its headers or its path. */
export function modelListAnswer(vendor: 'openai' | 'anthropic' | 'google'): Response {
	const id = EMULATOR_NAME
	if (vendor === 'google') return Response.json({ models: [{ name: `models/${id}`, displayName: id, supportedGenerationMethods: ['generateContent'] }] })
	if (vendor === 'openai') return Response.json({ object: 'list', data: [{ id, object: 'model', created: 1_767_225_600, owned_by: 'vibehq' }] })
	const data = [{ type: 'model', id, display_name: id, created_at: '2026-01-01T00:00:00Z' }]
	return Response.json({ data, has_more: false, first_id: id, last_id: id })
}

function frame({ event, data }: SSEEvent): string {
	const line = typeof data === 'string' ? data : JSON.stringify(data)
	return `${event === undefined ? '' : `event: ${event}\n`}data: ${line}\n\n`
}

function halves(text: string): string[] {
	const middle = Math.floor(text.length / 2)
	return [text.slice(0, middle), text.slice(middle)]
}
