import type { AIPatch } from '@shared/contracts'
import type { Edit } from './edits.ts'

/** Who made the patches. */
export interface Writer {
	taskId: string
	provider: string
	model?: string
}

/** Edits of one file as operations, in lines of the base. */
export function toOperations(edits: readonly Edit[], { file, lineCount, by }: { file: string; lineCount: number; by: Writer }): AIPatch[] {
	const { taskId: task_id, provider, model } = by
	const metadata = model === undefined ? { provider } : { provider, model }
	return edits.map(({ start, end, text: block }): AIPatch => {
		const common = { task_id, file, block, metadata }
		if (end > start) return { ...common, operation: 'replace-block', start: start + 1, end }
		if (start === lineCount) return { ...common, operation: 'append' }
		if (start === 0) return { ...common, operation: 'insert-before', line: 1 }
		return { ...common, operation: 'insert-after', line: start }
	})
}
