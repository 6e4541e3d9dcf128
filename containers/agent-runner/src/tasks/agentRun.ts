import type { AgentRunOutput, ExecutionGrant, PatchSet } from '@shared/contracts'
import { AgentRunParameters, AppError } from '@shared/contracts'
import type { AgentCommand, AgentInput, AgentParser } from '../adapters/adapter.ts'
import { ADAPTERS, isAgentName } from '../adapters/index.ts'
import type { AgentName } from '../adapters/index.ts'
import { agentEnv, HOME_FILES } from '../agentEnv.ts'
import type { ResolvedCLI } from '../cliSource.ts'
import { execute } from '../execute.ts'
import type { Executed } from '../execute.ts'
import { collectChanges } from '../git/collectPatchSet.ts'
import type { Collected } from '../git/collectPatchSet.ts'
import { openMirror } from '../git/mirror.ts'
import { addAgentRepository } from '../git/workTree.ts'
import type { WorkTree } from '../git/workTree.ts'
import { requireConfinement } from '../isolation/selectIsolation.ts'
import { createPhases } from '../phases.ts'
import type { Phases } from '../phases.ts'
import { createRun, writeFiles } from '../runDirs.ts'
import type { Run } from '../runDirs.ts'
import { clip, taskFailure } from '../taskFailure.ts'
import { judgeRun } from './judgeRun.ts'
import { checkOutWithMirror } from './prepareTree.ts'
import { parseParameters, requireGrant } from './taskContext.ts'
import type { TaskContext } from './taskContext.ts'

interface AgentRun {
	context: TaskContext
	parameters: AgentRunParameters
	agent: AgentName
	grant: ExecutionGrant
	run: Run
	phases: Phases
}

/**
 * Runs an agent CLI on a fresh clone and hands in what it changed as a patch set.
 * @throws TaskFailure with the output as far as it exists: a failed run keeps its patch set
 */
export async function runAgent(context: TaskContext): Promise<AgentRunOutput> {
	const { isolation, isTrusted } = context
	const parameters = parseParameters(AgentRunParameters, context)
	const grant = requireGrant(context)
	const agent = requireAgent(parameters.provider, grant)
	requireConfinement(isolation, { isTrusted, upstream: grant.upstream })
	const run = await createRun(context.runsRoot)
	const all: AgentRun = { context, parameters, agent, grant, run, phases: createPhases() }
	try {
		return await runIn(all)
	} finally {
		await isolation.remove(run.dirs)
	}
}

async function runIn(all: AgentRun): Promise<AgentRunOutput> {
	const { context, parameters, agent, run, phases } = all
	const { lease, isolation } = context
	lease.report({ kind: 'phase', text: 'prepare' })
	const [tree, cli] = await Promise.all([prepareTree(all), phases.measure('cli-install', () => context.resolveCLI(agent))])
	const input = agentInput(all)
	const command = ADAPTERS[agent].command(input)
	await writeFiles(run.dirs.home, { ...HOME_FILES, ...command.files })
	lease.report({ kind: 'phase', text: 'run', data: { agent, version: cli.version, isolation: isolation.kind } })
	const parser = ADAPTERS[agent].createParser({ dirs: run.dirs, onEvent: (event) => lease.report(event) })
	const executed = await phases.measure('cli', () => launch(all, { cli, command, parser, tree }))
	await parser.finish(executed.exitCode)
	if (lease.stopReason && lease.stopReason.kind !== 'cancelled') throw taskFailure('RUNNER_LOST', 'The runner was stopped during the run.')
	await isolation.reclaim(run.dirs)
	const { taskUuid: taskId, provider, model } = parameters
	const collected = await phases.measure('diff', () => collectChanges(tree.tree, { taskId, provider, ...(model ? { model } : {}) }))
	const output = toOutput(all, { cli, parser, executed, collected })
	const failure = judgeRun({ executed, report: parser.report, collected, limits: parameters, stopReason: lease.stopReason })
	if (failure) throw taskFailure(failure.code, context.redactor.redact(failure.message), { output, retryAfterMs: failure.retryAfterMs })
	requireNoSecret(all, output)
	return output
}

function requireAgent(provider: string, grant: ExecutionGrant): AgentName {
	if (!isAgentName(provider)) throw taskFailure('CONTAINER_TASK_INVALID', `${provider} is not a program that a runner can start.`)
	// A CLI that can use the gateway never gets a real key; one that cannot has no use for the gateway.
	if ((provider === 'cursor') === (grant.mode === 'direct')) return provider
	throw taskFailure('CONTAINER_TASK_INVALID', `${provider} does not work in secret mode "${grant.mode}".`)
}

interface Prepared {
	tree: WorkTree
	mirror: string
}

async function prepareTree({ context, parameters, grant, run, phases }: AgentRun): Promise<Prepared> {
	const url = `${context.orchestratorURL}${grant.gitPath}`
	const { workspaceId, baseCommit, baseRef } = parameters
	const mirror = await openMirror(context.mirrorsRoot, { workspaceId, url, token: grant.executionToken })
	const wanted = [{ commit: baseCommit, ref: baseRef }]
	const tree = await checkOutWithMirror({ mirror, wanted, run, baseCommit, phases, context })
	await addAgentRepository(tree, { mirror: mirror.gitDir, baseRef, remoteURL: context.isolation.reach(url) })
	return { tree, mirror: mirror.gitDir }
}

function agentInput({ context, parameters, grant, run }: AgentRun): AgentInput {
	const url = `${context.isolation.reach(context.orchestratorURL)}${grant.gatewayPath}`
	return {
		prompt: parameters.prompt,
		model: parameters.model,
		gateway: grant.mode === 'gateway' ? { url, token: grant.executionToken } : null,
		secretEnv: grant.secretEnv,
		dirs: run.dirs,
		isRoot: context.isolation.isRoot,
	}
}

interface Launch {
	cli: ResolvedCLI
	command: AgentCommand
	parser: AgentParser
	tree: Prepared
}

async function launch({ context, parameters, run }: AgentRun, { cli, command, parser, tree }: Launch): Promise<Executed> {
	return await execute({
		isolation: context.isolation,
		spec: {
			runId: run.id,
			bin: cli.bin,
			args: [...cli.argvPrefix, ...command.args],
			env: { ...agentEnv(run.dirs), ...cli.env, ...command.env },
			dirs: run.dirs,
			readOnly: [tree.mirror, ...cli.readOnly],
		},
		stdin: command.stdin,
		wallClockMs: parameters.wallClockMs,
		stallMs: parameters.stallMs,
		signal: context.lease.signal,
		onLine: (line) => parser.push(line),
		onWarning: (text) => context.lease.report({ kind: 'warning', text }),
	})
}

interface Results {
	cli: ResolvedCLI
	parser: AgentParser
	executed: Executed
	collected: Collected
}

function toOutput({ context, parameters, phases }: AgentRun, { cli, parser, executed, collected }: Results): AgentRunOutput {
	const { redactor, isolation } = context
	const { report } = parser
	const model = report.model ?? parameters.model
	const summary = clip(redactor.redact(report.summary), 100_000)
	const patchSet: PatchSet | null = collected.changes && {
		patch_set_id: parameters.patchSetId,
		task_id: parameters.taskUuid,
		execution_id: parameters.executionId,
		order_id: parameters.orderId,
		base_commit: parameters.baseCommit,
		...collected.changes,
		summary,
		metadata: {
			provider: parameters.provider,
			...(model ? { model } : {}),
			tool_version: cli.version,
			...(report.usage ? { usage: report.usage } : {}),
		},
	}
	const isClean = patchSet === null || !redactor.finds(JSON.stringify([patchSet.files, patchSet.patches]))
	return {
		patchSet: isClean ? patchSet : null,
		summary: collected.refusal ? withEvidence(summary, collected, redactor.redact) : summary,
		sessionId: report.sessionId,
		model,
		cliVersion: cli.version,
		usage: report.usage,
		exitCode: executed.exitCode,
		signal: executed.signal,
		isolation: isolation.kind,
		phasesMs: phases.ms,
		unknownEvents: report.unknownEvents,
		stderrTail: redactor.redact(executed.stderrTail).slice(-20_000),
	}
}

/** What was made and cannot be a patch set stays readable. */
function withEvidence(summary: string, { refusal, diff }: Collected, redact: (text: string) => string): string {
	return clip(`${summary}\n\nNot taken as a patch set: ${refusal?.message ?? ''}\n\n${redact(diff)}`, 100_000)
}

/** A patch that carries a token out is not sent: it would be stored and landed. */
function requireNoSecret({ context, parameters }: AgentRun, output: AgentRunOutput): void {
	if (output.patchSet) return
	void context
	throw taskFailure(
		'PATCH_POLICY',
		`The changes of ${parameters.provider} hold a token or key of this run (rule "secret"). They were not handed in.`,
		{ output: new AppError('PATCH_POLICY', '').details ?? { ...output } },
	)
}
