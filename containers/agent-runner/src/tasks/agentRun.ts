import type { AgentRunOutput, ExecutionGrant } from '@shared/contracts'
import { AgentRunParameters } from '@shared/contracts'
import type { AgentCommand, AgentInput, AgentParser } from '../adapters/adapter.ts'
import { ADAPTERS, isAgentName } from '../adapters/index.ts'
import type { AgentName } from '../adapters/index.ts'
import { agentEnv, HOME_FILES } from '../agentEnv.ts'
import type { ResolvedCLI } from '../cliSource.ts'
import { execute } from '../execute.ts'
import type { Executed } from '../execute.ts'
import { collectChanges } from '../git/collectPatchSet.ts'
import { createTouchedFiles } from '../git/touchedFiles.ts'
import { openMirror } from '../git/mirror.ts'
import type { Mirror } from '../git/mirror.ts'
import { addAgentRepository } from '../git/workTree.ts'
import type { WorkTree } from '../git/workTree.ts'
import { requireConfinement } from '../isolation/selectIsolation.ts'
import { createPhases } from '../phases.ts'
import type { Phases } from '../phases.ts'
import { createRun, writeFiles } from '../runDirs.ts'
import type { Run } from '../runDirs.ts'
import { taskFailure, TaskFailure } from '../taskFailure.ts'
import { agentOutput } from './agentOutput.ts'
import { judgeRun } from './judgeRun.ts'
import { checkOutWithMirror } from './prepareTree.ts'
import { disposeRun, parseParameters, requireGrant } from './taskContext.ts'
import type { TaskContext } from './taskContext.ts'
import { watchTouched } from './touchedWatch.ts'

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
	// A work tree can hold a hundred thousand files by now: the report does not wait for that.
	context.defer(() => disposeRun(context, run.dirs))
	return await runIn({ context, parameters, agent, grant, run, phases: createPhases() })
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
	const touched = watchTouched({
		list: createTouchedFiles(tree.tree),
		report: (event) => lease.report(event),
		...(context.touchedMs === undefined ? {} : { intervalMs: context.touchedMs }),
	})
	const executed = await phases.measure('cli', () => launch(all, { cli, command, parser, tree })).finally(() => touched.stop())
	await parser.finish(executed.exitCode)
	if (lease.stopReason && lease.stopReason.kind !== 'cancelled') throw taskFailure('RUNNER_LOST', 'The runner was stopped during the run.')
	await isolation.reclaim(run.dirs)
	const { taskUuid: taskId, provider, model } = parameters
	const collected = await phases.measure('diff', () => collectChanges(tree.tree, { taskId, provider, ...(model ? { model } : {}) }))
	void tree.mirror.maintain()
	const { report } = parser
	const made = { parameters, report, executed, collected, cliVersion: cli.version, isolation: isolation.kind, phasesMs: phases.ms }
	const { output, isLeaking } = agentOutput(made, context.redactor)
	const failure = judgeRun({ executed, report, collected, limits: parameters, stopReason: lease.stopReason, isLeaking })
	if (failure) throw new TaskFailure(failure, output)
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
	mirror: Mirror
}

async function prepareTree({ context, parameters, grant, run, phases }: AgentRun): Promise<Prepared> {
	const url = `${context.orchestratorURL}${grant.gitPath}`
	const { workspaceId, baseCommit, baseRef } = parameters
	const mirror = await openMirror(context.mirrorsRoot, { workspaceId, url, token: grant.executionToken })
	const wanted = [{ commit: baseCommit, ref: baseRef }]
	const tree = await checkOutWithMirror({ mirror, wanted, run, baseCommit, phases, context, isForProgram: true })
	await addAgentRepository(tree, { mirror: mirror.gitDir, commit: baseCommit, ref: baseRef, remoteURL: context.isolation.reach(url) })
	return { tree, mirror }
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
			readOnly: [tree.mirror.gitDir, ...cli.readOnly],
		},
		stdin: command.stdin,
		wallClockMs: parameters.wallClockMs,
		stallMs: parameters.stallMs,
		signal: context.lease.signal,
		onLine: (line) => parser.push(line),
		onWarning: (text) => context.lease.report({ kind: 'warning', text }),
	})
}
