import { AppError } from '@shared/contracts'
import { sha256Of } from '../../sha256.ts'

/** Diffs that no patch set can hold, as Jules wrote them: a person can still look at one, or apply it by hand. */
export function createJulesRawPatches(outputs: Pick<R2Bucket, 'put' | 'get' | 'list'>) {
	const folder = (executionId: string) => `jules/${executionId}/`

	return {
		/** Returns where it can be read. */
		async keep(executionId: string, diff: string): Promise<string> {
			const key = `${folder(executionId)}${(await sha256Of(diff)).slice(0, 16)}.diff`
			await outputs.put(key, diff, { httpMetadata: { contentType: 'text/x-diff; charset=utf-8' } })
			return `/api/executions/${executionId}/raw-patch`
		},

		/** The newest of an execution, which holds all that those before it held. Throws PATCH_NOT_FOUND. */
		async read(executionId: string): Promise<string> {
			const { objects } = await outputs.list({ prefix: folder(executionId) })
			const [newest] = objects.toSorted((one, other) => other.uploaded.getTime() - one.uploaded.getTime())
			const object = newest === undefined ? null : await outputs.get(newest.key)
			if (object === null) throw new AppError('PATCH_NOT_FOUND', `Execution ${executionId} has no diff that was refused. What was stored is its patch set: GET /api/executions/${executionId}/patch.`)
			return object.text()
		},
	}
}
export type JulesRawPatches = ReturnType<typeof createJulesRawPatches>
