import { agentEnv } from '../agentEnv.ts'
import { execute } from '../execute.ts'
import { requireConfinement } from '../isolation/selectIsolation.ts'
import { createRun } from '../runDirs.ts'
import { taskFailure } from '../taskFailure.ts'
import { disposeRun } from './taskContext.ts'
import type { TaskContext } from './taskContext.ts'

/** `output` of a `command` task. The exit code is a result, not a failure of the task. */
export interface CommandOutput {
	exitCode: number | null
	signal: string | null
	timedOut: boolean
	stdout: string
	stderr: string
}

/** Runs the argument vector in an empty throw-away directory. */
export async function runCommand(context: TaskContext): Promise<CommandOutput> {
	const { claimed, isolation, isTrusted, runsRoot, lease, redactor } = context
	const [bin, ...args] = claimed.task.command
	if (bin === undefined) throw taskFailure('CONTAINER_TASK_INVALID', 'A task of type "command" needs at least the program in "command".')
	requireConfinement(isolation, { isTrusted, upstream: claimed.grant?.upstream })
	const { id: runId, dirs } = await createRun(runsRoot)
	try {
		await isolation.admit(dirs, [])
		const executed = await execute({
			isolation,
			spec: { runId, bin, args, env: agentEnv(dirs), dirs, readOnly: [] },
			wallClockMs: claimed.task.timeoutMs,
			signal: lease.signal,
		})
		if (lease.stopReason) throw taskFailure('RUNNER_LOST', 'The runner was stopped during the command.')
		if (executed.startError !== null) throw taskFailure('CONTAINER_TASK_INVALID', `${bin} could not be started: ${executed.startError}`)
		return {
			exitCode: executed.exitCode,
			signal: executed.signal,
			timedOut: executed.ending === 'timeout',
			stdout: redactor.redact(executed.stdoutTail),
			stderr: redactor.redact(executed.stderrTail),
		}
	} finally {
		await disposeRun(context, dirs)
	}
}
