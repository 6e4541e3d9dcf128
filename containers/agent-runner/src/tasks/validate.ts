import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecutionGrant, ValidateOutput } from '@shared/contracts'
import { isAppError, ValidateParameters } from '@shared/contracts'
import { ANY_BRANCH, openMirror, treeOf } from '../git/mirror.ts'
import type { Mirror } from '../git/mirror.ts'
import { writeTree } from '../git/workTree.ts'
import type { WorkTree } from '../git/workTree.ts'
import { requireConfinement } from '../isolation/selectIsolation.ts'
import { remake } from '../patchManager.ts'
import { createPhases } from '../phases.ts'
import type { Phases } from '../phases.ts'
import { createRun, hasRoom } from '../runDirs.ts'
import type { Run } from '../runDirs.ts'
import { taskFailure } from '../taskFailure.ts'
import { checkOutWithMirror } from './prepareTree.ts'
import { disposeRun, parseParameters, requireGrant } from './taskContext.ts'
import type { TaskContext } from './taskContext.ts'
import { validateByCommands } from './validationCommands.ts'

const CANDIDATE_WAIT_MS = 5000

interface Validation {
	context: TaskContext
	parameters: ValidateParameters
	grant: ExecutionGrant
	run: Run
	phases: Phases
}

/**
 * Re-makes a candidate with the second engine, from its patch set and the commit it sits on, compares the trees, and runs the
 * workspace's commands on it; what fails is run on that commit, too.
 */
export async function validate(context: TaskContext): Promise<ValidateOutput> {
	const parameters = parseParameters(ValidateParameters, context)
	const grant = requireGrant(context)
	const { isolation, isTrusted } = context
	if (parameters.commands.length > 0) requireConfinement(isolation, { isTrusted, upstream: grant.upstream })
	const { memoryRoot } = context
	const root = parameters.commands.length === 0 && memoryRoot && (await hasRoom(memoryRoot)) ? memoryRoot : context.runsRoot
	const all = { context, parameters, grant, phases: createPhases() }
	try {
		return await validateAt(root, all)
	} catch (error) {
		if (root === context.runsRoot || !/No space left|ENOSPC/.test(String(error))) throw error
		return await validateAt(context.runsRoot, all)
	}
}

async function validateAt(root: string, all: Omit<Validation, 'run'>): Promise<ValidateOutput> {
	const run = await createRun(root)
	try {
		return await validateIn({ ...all, run })
	} finally {
		await disposeRun(all.context, run.dirs)
	}
}

async function validateIn(all: Validation): Promise<ValidateOutput> {
	const { context, parameters, run, phases } = all
	const mirror = await openMirror(context.mirrorsRoot, remoteOf(all))
	const patchSetFile = join(run.dirs.root, 'patch-set.json')
	const downloaded = downloadPatchSet(all, patchSetFile)
	downloaded.catch(() => {})
	const tree = await checkOutOnto(all, mirror)
	await downloaded
	const remade = await phases.measure('remake', () => remake({ root: run.dirs.work, patchSetFile, ...movedBase(parameters, mirror), signal: context.lease.signal }))
	const treeId = await phases.measure('tree', () => writeTree(tree))
	const isSame = remade.problem === null && treeId === parameters.candidateTree
	// The commit itself is needed only where commands run: they find it as the HEAD of their repository.
	const needsCandidate = isSame && parameters.commands.length > 0
	const problem = remade.problem ?? (needsCandidate ? await fetchCandidate(all, mirror) : null)
	const agrees = isSame && problem === null
	const { commands, baseTree } = agrees && needsCandidate ? await validateByCommands({ ...all, tree, mirror }) : { commands: [], baseTree: null }
	if (context.lease.stopReason) throw taskFailure('RUNNER_LOST', 'The runner was stopped during the validation.')
	return { treeId, baseTree, agrees, engineError: problem && context.redactor.redact(problem), commands, phasesMs: phases.ms }
}

function remoteOf({ context, parameters, grant }: Validation): Parameters<typeof openMirror>[1] {
	return { workspaceId: parameters.workspaceId, url: `${context.orchestratorURL}${grant.gitPath}`, token: grant.executionToken }
}

async function checkOutOnto({ context, parameters, run, phases }: Validation, mirror: Mirror): Promise<WorkTree> {
	const { baseCommit, ontoCommit } = parameters
	// The candidate may not be there yet, and its base need not be the tip of anything any more.
	const wanted = [...new Set([ontoCommit, baseCommit])].map((commit) => ({ commit, ref: ANY_BRANCH }))
	return await checkOutWithMirror({ mirror, wanted, run, baseCommit: ontoCommit, phases, context })
}

/** Where the branch has moved on, the other engine needs the base beside the tree. */
function movedBase({ baseCommit, ontoCommit }: ValidateParameters, { gitDir }: Mirror): { base?: { gitDir: string; commit: string } } {
	return baseCommit === ontoCommit ? {} : { base: { gitDir, commit: baseCommit } }
}

/** The orchestrator pushes the candidate while its tree is made again here, so it may take a moment to be there. Returns what is wrong with it. */
async function fetchCandidate({ context, parameters, phases }: Validation, mirror: Mirror): Promise<string | null> {
	const wanted = [{ commit: parameters.candidateCommit, ref: parameters.candidateRef }]
	const { signal } = context.lease
	const deadline = performance.now() + CANDIDATE_WAIT_MS
	const fetch = async (): Promise<void> => {
		try {
			await mirror.ensure(wanted, signal)
		} catch (error) {
			if (!isAppError(error) || error.code !== 'GIT_UPSTREAM' || signal.aborted || performance.now() > deadline) throw error
			await sleep(100)
			await fetch()
		}
	}
	await phases.measure('candidate', fetch)
	const { candidateCommit, candidateTree } = parameters
	const actual = await treeOf(mirror.gitDir, candidateCommit)
	return actual === candidateTree ? null : `Commit ${candidateCommit} has the tree ${actual}, not ${candidateTree} as the orchestrator says.`
}

async function downloadPatchSet({ context, grant, phases }: Validation, file: string): Promise<void> {
	const set = await phases.measure('patch', () => context.client.getPatchSet(grant.patchPath, grant.executionToken, context.lease.signal))
	await writeFile(file, JSON.stringify(set))
}
