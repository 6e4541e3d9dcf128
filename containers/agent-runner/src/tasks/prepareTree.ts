import { isAppError } from '@shared/contracts'
import type { Mirror, Wanted } from '../git/mirror.ts'
import { checkOut } from '../git/workTree.ts'
import type { WorkTree } from '../git/workTree.ts'
import type { Phases } from '../phases.ts'
import type { Run } from '../runDirs.ts'
import type { TaskContext } from './taskContext.ts'

export interface PrepareOptions {
	mirror: Mirror
	wanted: readonly Wanted[]
	run: Run
	baseCommit: string
	phases: Phases
	context: Pick<TaskContext, 'isolation' | 'lease'>
	/** The program changes the tree, not the runner: its files are to belong to the program's user. */
	isForProgram?: boolean
}

const DAMAGE = /missing|corrupt|unable to read|bad object|not a (valid|tree)|failed to unpack|bad tree/i

/** Brings the wanted commits into the mirror and checks the base out. A mirror that turns out damaged is made anew, once. */
export async function checkOutWithMirror(options: PrepareOptions): Promise<WorkTree> {
	const { mirror, wanted, run, baseCommit, phases, context, isForProgram = false } = options
	const { signal } = context.lease
	const { checkOutAs } = context.isolation
	const owner = isForProgram && checkOutAs ? { owner: { prefix: checkOutAs, tmp: run.dirs.tmp } } : {}
	const attempt = async (): Promise<WorkTree> => {
		await phases.measure('clone', () => mirror.ensure(wanted, signal))
		return await phases.measure('prepare', async () => {
			await context.isolation.admit(run.dirs, [mirror.gitDir])
			return await checkOut({ mirror: mirror.gitDir, gitDir: run.gitDir, directory: run.dirs.work, baseCommit, signal, ...owner })
		})
	}
	try {
		return await attempt()
	} catch (error) {
		const isDamaged = isAppError(error) && error.code === 'INTERNAL' && DAMAGE.test(error.message)
		if (!isDamaged || signal.aborted) throw error
		await mirror.discard()
		return await attempt()
	}
}
