import { ContainerTaskId, ExecutionId, HumanRequestId, OrderId, PatchSetId, TaskId, WorkspaceId } from '@shared/contracts'

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** Makes ids from an injected source of random bytes, so that tests can foresee them. */
export function createIds(randomBytes: (length: number) => Uint8Array) {
	const letters = (length: number) => Array.from(randomBytes(length), (byte) => ALPHABET[byte % 32]).join('')
	return {
		order: () => OrderId.parse(`ORD-${letters(6)}`),
		task: () => TaskId.parse(`TSK-${letters(12)}`),
		execution: () => ExecutionId.parse(`EXE-${letters(16)}`),
		patchSet: () => PatchSetId.parse(`PST-${letters(16)}`),
		humanRequest: () => HumanRequestId.parse(`HRQ-${letters(16)}`),
		batch: () => `BAT-${letters(16)}`,
		containerTask: () => ContainerTaskId.parse(`CTK-${letters(16)}`),
		workspace: () => WorkspaceId.parse(`wsp-${letters(12).toLowerCase()}`),
		/** A lease token: 128 bits, only its holder knows it. */
		leaseToken: () => `lease_${letters(26)}`,
	}
}
export type Ids = ReturnType<typeof createIds>
