import type { ExecutionGrant, ValidateOutput, ValidateParameters } from '@shared/contracts'
import { agentEnv, HOME_FILES } from '../agentEnv.ts'
import { execute } from '../execute.ts'
import { ANY_BRANCH, treeOf } from '../git/mirror.ts'
import type { Mirror } from '../git/mirror.ts'
import { addAgentRepository } from '../git/workTree.ts'
import type { WorkTree } from '../git/workTree.ts'
import type { Phases } from '../phases.ts'
import { createRun, writeFiles } from '../runDirs.ts'
import type { Run } from '../runDirs.ts'
import { hasPassed, judgeCommand } from './judgeCommand.ts'
import type { CommandRun } from './judgeCommand.ts'
import { checkOutWithMirror } from './prepareTree.ts'
import { disposeRun } from './taskContext.ts'
import type { TaskContext } from './taskContext.ts'

/** What has been made of the candidate by the time its commands run. */
export interface CommandsInput {
	context: TaskContext
	parameters: ValidateParameters
	grant: ExecutionGrant
	run: Run
	phases: Phases
	tree: WorkTree
	mirror: Mirror
}

type CommandResult = ValidateOutput['commands'][number]

export interface CommandsOutput {
	commands: CommandResult[]
	/** The tree of the base side; null where it was not needed. */
	baseTree: string | null
}

/** Bytes of output that failures are looked for in, and characters of it that are handed on. */
const TAIL_BYTES = 1024 * 1024
const SHOWN_CHARACTERS = 16 * 1024
/** Of the time there is for both sides; without a rest for the base, a candidate that hangs would prove nothing. */
const CANDIDATE_SHARE = 2 / 3

/**
 * Runs the commands on the candidate, and those that fail on what it sits on, in a directory of their own: only what does not
 * fail there too is to be blamed on the candidate. No token is in their environment: they are whatever the repository and the
 * agent made of them.
 */
export async function validateByCommands(input: CommandsInput): Promise<CommandsOutput> {
	const { parameters, context } = input
	const start = performance.now()
	const candidate: Side = { ...input, phase: 'commands', commit: parameters.candidateCommit, branch: 'candidate' }
	await prepareSide(candidate)
	const runs: CommandRun[] = []
	for (const command of parameters.commands) {
		if (context.lease.signal.aborted) break
		runs.push(await runCommand(candidate, command, start + CANDIDATE_SHARE * parameters.wallClockMs))
	}
	const isNeeded = runs.some((run) => !hasPassed(run)) && !context.lease.signal.aborted
	const base = isNeeded ? await runOnBase(input, { runs, deadline: start + parameters.wallClockMs }) : { runs: [], tree: null }
	const commands = runs.map((run, index) => toResult(parameters.commands[index] ?? '', run, base.runs[index] ?? null))
	return { commands, baseTree: base.tree }
}

function toResult(command: string, run: CommandRun, base: CommandRun | null): CommandResult {
	const compared = hasPassed(run) ? null : base
	return { command, ...shown(run), base: compared && shown(compared), ...judgeCommand(run, compared) }
}

function shown({ exitCode, durationMs, timedOut, output }: CommandRun): NonNullable<CommandResult['base']> {
	return { exitCode, durationMs, timedOut, outputTail: output.slice(-SHOWN_CHARACTERS) }
}

interface Side extends CommandsInput {
	phase: string
	commit: string
	branch: string
}

interface BaseRuns {
	/** By the index of their command; what there was no time for is missing. */
	runs: (CommandRun | undefined)[]
	tree: string | null
}

/**
 * Runs what failed on the base side. The commands before it come first, whatever became of them: they may be what installs and
 * builds. A base that cannot be set up leaves the comparison open; what is known of the candidate is worth keeping.
 */
async function runOnBase(input: CommandsInput, { runs, deadline }: { runs: readonly CommandRun[]; deadline: number }): Promise<BaseRuns> {
	const { context, parameters, mirror, phases } = input
	const { lease, runsRoot } = context
	const found: BaseRuns = { runs: [], tree: null }
	const last = runs.findLastIndex((run) => !hasPassed(run))
	if (performance.now() >= deadline) return found
	const run = await createRun(runsRoot)
	try {
		const { ontoCommit } = parameters
		const wanted = [{ commit: ontoCommit, ref: ANY_BRANCH }]
		const tree = await checkOutWithMirror({ mirror, wanted, run, baseCommit: ontoCommit, phases, context })
		const side: Side = { ...input, run, tree, phase: 'base-commands', commit: ontoCommit, branch: 'base' }
		await prepareSide(side)
		found.tree = await treeOf(mirror.gitDir, ontoCommit)
		for (const command of parameters.commands.slice(0, last + 1)) {
			if (lease.signal.aborted || performance.now() >= deadline) break
			found.runs.push(await runCommand(side, command, deadline))
		}
	} catch (error) {
		lease.report({ kind: 'warning', text: `The base could not be compared: ${error instanceof Error ? error.message : String(error)}`.slice(0, 2000) })
	} finally {
		await disposeRun(context, run.dirs)
	}
	return found
}

/** Gives the commands a repository whose HEAD is the side's commit, and a home. */
async function prepareSide({ context, grant, run, tree, mirror, commit, branch }: Side): Promise<void> {
	const remoteURL = context.isolation.reach(`${context.orchestratorURL}${grant.gitPath}`)
	await Promise.all([
		addAgentRepository(tree, { mirror: mirror.gitDir, commit, ref: `refs/heads/${branch}`, remoteURL }),
		writeFiles(run.dirs.home, HOME_FILES),
	])
}

async function runCommand({ context, run, phases, mirror, phase, branch }: Side, command: string, deadline: number): Promise<CommandRun> {
	const { isolation, lease, redactor } = context
	const { dirs } = run
	const start = performance.now()
	if (start >= deadline) return { exitCode: null, durationMs: 0, timedOut: true, output: '', isCut: false, dirs }
	lease.report({ kind: 'phase', text: `validate (${branch}): ${command}`.slice(0, 2000) })
	const executed = await phases.measure(phase, () =>
		execute({
			isolation,
			spec: { runId: run.id, bin: '/bin/sh', args: ['-c', `exec 2>&1\n${command}`], env: agentEnv(dirs), dirs, readOnly: [mirror.gitDir] },
			wallClockMs: deadline - start,
			signal: lease.signal,
			tailBytes: TAIL_BYTES,
		}),
	)
	return {
		exitCode: executed.ending === 'exited' ? executed.exitCode : null,
		durationMs: Math.round(performance.now() - start),
		timedOut: executed.ending === 'timeout',
		output: redactor.redact(`${executed.stdoutTail}${executed.stderrTail}${executed.startError ?? ''}`),
		// The first character of a tail may be lost with its first byte.
		isCut: Buffer.byteLength(executed.stdoutTail) > TAIL_BYTES - 4,
		dirs,
	}
}
