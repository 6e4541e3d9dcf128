// For tests only: patch sets and operations on the file `f`.
import type { AIPatch, FileChange, PatchSet } from '@shared/contracts'

const common = { task_id: 'TSK-000000000000', file: 'f', block: 'x\n', metadata: { provider: 'codex' } }

export const replace = (start: number, end: number): AIPatch => ({ ...common, operation: 'replace-block', start, end })
export const insertBefore = (line: number): AIPatch => ({ ...common, operation: 'insert-before', line })
export const insertAfter = (line: number): AIPatch => ({ ...common, operation: 'insert-after', line })
export const append = (): AIPatch => ({ ...common, operation: 'append' })

export const BASE = 'a'.repeat(40)
export const OTHER_BASE = 'b'.repeat(40)

/** A set that modifies `f`, unless it is told otherwise; sets of another id have another result. */
export function setOf({ id = '1', base = BASE, files, patches = [] }: { id?: string; base?: string; files?: FileChange[]; patches?: AIPatch[] }): PatchSet {
	return {
		patch_set_id: `PST-${id.padStart(16, '0')}`,
		task_id: 'TSK-000000000000',
		execution_id: `EXE-${id.padStart(16, '0')}`,
		base_commit: base,
		files: files ?? [{ path: 'f', change: 'modify', mode: '100644', base_blob: BASE, result_blob: id.padStart(40, 'c') }],
		patches,
		summary: '',
		metadata: { provider: 'codex' },
	}
}
