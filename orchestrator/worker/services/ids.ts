import type { ContainerTaskId, ExecutionId, HumanRequestId, OrderId, PatchSetId, TaskId, WorkspaceId } from '@shared/contracts'

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** Makes ids from an injected source of random bytes, so that tests can foresee them. */
export function createIds(randomBytes: (length: number) => Uint8Array) {
	const letters = (length: number) => Array.from(randomBytes(length), (byte) => ALPHABET[byte % 32]).join('')
	return {
		order: () => `ORD-${letters(6)}` as OrderId,
		task: () => `TSK-${letters(12)}` as TaskId,
		execution: () => `EXE-${letters(16)}` as ExecutionId,
		patchSet: () => `PST-${letters(16)}` as PatchSetId,
		humanRequest: () => `HRQ-${letters(16)}` as HumanRequestId,
		batch: () => `BAT-${letters(16)}`,
		containerTask: () => `CTK-${letters(16)}` as ContainerTaskId,
		workspace: () => `wsp-${letters(12).toLowerCase()}` as WorkspaceId,
		/** A lease token: 128 bits, only its holder knows it. */
		leaseToken: () => `lease_${letters(26)}`,
	}
}
export type Ids = ReturnType<typeof createIds>
