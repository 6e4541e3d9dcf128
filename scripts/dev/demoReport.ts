import type { ExecutionView, LogEntry, OrderCreated } from '@shared/contracts'
import { git, RequestRefused } from '@shared/testing/stack'
import type { Stack } from '@shared/testing/stack'

export interface Outcome {
	created: OrderCreated
	execution: ExecutionView
	durationMs: number
	/** A bare copy of the workspace that outlives the demo. */
	mirror: string
}

/** Everything the demo shows about one order. */
export async function collectReport(stack: Stack, { created, execution, durationMs, mirror }: Outcome) {
	const audit = await stack.client.log(execution.executionId)
	const patchSet = await stack.client.patchSet(execution.executionId).catch((error: unknown) => {
		if (error instanceof RequestRefused && error.status === 404) return null
		throw error
	})
	const { baseCommit, landedCommit } = execution
	const diff = baseCommit !== null && landedCommit !== null ? await git(['diff', baseCommit, landedCommit], { cwd: mirror }) : ''
	const json = {
		orderId: created.orderId,
		taskId: created.taskId,
		executionId: execution.executionId,
		provider: execution.provider,
		status: execution.status,
		error: execution.error,
		route: execution.route,
		branch: execution.branch,
		commit: landedCommit,
		cloneUrl: mirror,
		patchSet,
		usage: execution.usage,
		costUsd: execution.cost.unpriced ? null : execution.cost.usd,
		durationMs,
		phasesMs: execution.phasesMs,
		audit,
	}
	return { json, diff, execution, cloneCommand: `git clone ${landedCommit === null ? '' : `--branch ${execution.branch} `}${mirror}` }
}
export type Report = Awaited<ReturnType<typeof collectReport>>

/** Prints diff, audit trail, tokens, cost and where to get the result. */
export function showReport({ json, diff, execution, cloneCommand }: Report): void {
	const out = (text = '') => process.stdout.write(`${text}\n`)
	out()
	out(execution.status === 'completed' ? `landed ${json.commit ?? ''} on ${json.branch} in ${(json.durationMs / 1000).toFixed(2)} s` : `${execution.status}: ${execution.error?.code ?? ''}: ${execution.error?.message ?? ''}`)
	if (diff) out(`\n${diff.trimEnd()}`)
	for (const check of checksOf(json.audit)) out(`checked before it landed: ${check}`)
	out('\naudit trail')
	for (const line of json.audit) out(`  ${describe(line)}`)
	out(`\ntime   ${Object.entries(json.phasesMs).map(([phase, ms]) => `${phase} ${Math.round(ms)} ms`).join(', ')}`)
	const { usage, cost } = execution
	out(`tokens ${usage === null ? 'not told' : `${usage.inputTokens} in, ${usage.outputTokens} out`} in ${cost.calls} model calls`)
	out(`cost   ${cost.usd.toFixed(6)} USD${cost.unpriced ? ' and calls whose price is not known' : ''}`)
	out(`\n${cloneCommand}`)
}

/** What ran on the candidate, and how it ended. */
export function checksOf(audit: readonly Pick<LogEntry, 'operation' | 'details'>[]): string[] {
	const validated = audit.find((line) => line.operation === 'patch-set.validated')
	if (!validated) return []
	const { treeId, commands } = validated.details as { treeId: string; commands: { command: string; durationMs: number }[] }
	return [`both engines made tree ${treeId}`, ...commands.map(({ command, durationMs }) => `\`${command}\` passed on it in ${durationMs} ms`)]
}

function describe(line: LogEntry): string {
	const details = JSON.stringify(line.details)
	return `${new Date(line.at).toISOString().slice(11, 23)}  ${line.operation.padEnd(26)} ${details.length > 110 ? `${details.slice(0, 110)}...` : details}`
}
