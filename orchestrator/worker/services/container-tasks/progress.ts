import type { ContainerTask, ProgressEvent } from '@shared/contracts'
import { redact } from '@shared/worker-base'
import type { ProgressLine } from '../../database/repositories/containerTaskLog.ts'

const MAX_DATA_CHARS = 4000
/** One statement carries its lines as one bound text, and D1 ends a text at 2 MB. */
const MAX_CHUNK_CHARS = 400_000

function toLine(task: ContainerTask, event: ProgressEvent): ProgressLine {
	const data = event.data === undefined ? undefined : JSON.stringify(redact(event.data))
	const fits = data === undefined || data.length <= MAX_DATA_CHARS
	const details = {
		taskId: task.taskId,
		at: event.at,
		text: String(redact(event.text)),
		...(data === undefined ? {} : { data: fits ? (JSON.parse(data) as unknown) : { cut: data.slice(0, MAX_DATA_CHARS) } }),
	}
	return {
		operation: `agent.${event.kind}`,
		level: event.kind === 'warning' ? 'warn' : 'info',
		details,
		onceKey: `${task.taskId}.${task.attempt}.${event.at}.${hash(`${event.text}${data ?? ''}`)}`,
	}
}

/** Tells equal events apart from different ones of the same millisecond; not a secret, so a short hash will do. */
function hash(text: string): string {
	let value = 0x811c9dc5
	for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
	return (value >>> 0).toString(36)
}

/**
 * What a runner said as log lines, in chunks of one statement each. Events that the adapter did not know are left out, secrets
 * of known forms are taken out, and a batch that is sent again makes the same lines, which the log keeps once.
 */
export function progressLines(task: ContainerTask, events: readonly ProgressEvent[]): ProgressLine[][] {
	const chunks: ProgressLine[][] = []
	let room = 0
	for (const event of events) {
		// What a run has touched so far goes to the forecast, not into the log.
		if (event.kind === 'unknown' || event.kind === 'touched') continue
		const line = toLine(task, event)
		const size = JSON.stringify(line).length
		if (size > room) {
			chunks.push([])
			room = MAX_CHUNK_CHARS
		}
		chunks.at(-1)?.push(line)
		room -= size
	}
	return chunks
}
