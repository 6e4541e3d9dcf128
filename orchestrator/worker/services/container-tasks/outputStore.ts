import type { ContainerTask } from '@shared/contracts'
import type { TaskRecord } from '../../database/repositories/containerTasks.ts'

/** An output of more bytes than this does not go into its row; D1 ends a row at 2 MB. */
export const MAX_ROW_OUTPUT_BYTES = 256 * 1024

/** Texts by key. */
export interface OutputStore {
	put(key: string, text: string, contentType?: string): Promise<void>
	/** Null when there is nothing under the key (any more). */
	get(key: string): Promise<string | null>
}

export function createOutputStore(bucket: R2Bucket): OutputStore {
	return {
		async put(key, text, contentType = 'application/json') {
			await bucket.put(key, text, { httpMetadata: { contentType } })
		},
		async get(key) {
			return (await (await bucket.get(key))?.text()) ?? null
		},
	}
}

/** A JSON text either as a column value or as the key of an object: exactly one is set. */
export type Stored = { body: string; objectKey: null } | { body: null; objectKey: string }

/** Keeps a short text for the row and puts a long one into the store. */
export async function storeJSON(outputs: OutputStore, key: string, value: unknown): Promise<Stored> {
	const body = JSON.stringify(value)
	if (new TextEncoder().encode(body).byteLength <= MAX_ROW_OUTPUT_BYTES) return { body, objectKey: null }
	await outputs.put(key, body)
	return { body: null, objectKey: key }
}

/** The task with its output, wherever that is; null output when its object is gone (retention). */
export async function withOutput(outputs: OutputStore, record: TaskRecord): Promise<ContainerTask> {
	if (record.outputKey === null) return record.task
	const text = await outputs.get(record.outputKey)
	return { ...record.task, output: text === null ? null : (JSON.parse(text) as Record<string, unknown>) }
}
