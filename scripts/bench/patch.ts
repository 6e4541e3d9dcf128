import { parseArgs } from 'node:util'
import { mergeText } from '@shared/ai-patch'
import { projectRoot } from '@shared/testing/stack'
import type { Corpus } from './patchCase.ts'
import { type Engine, IN_PROCESS, otherProcesses, prepare, type Prepared } from './patchEngines.ts'
import { generatedConflicts, generatedDrift } from './patchGenerated.ts'
import { conflictCorpus, driftCorpus, historyCorpora, RepositoryError } from './patchHistory.ts'
import { startPatchManager } from './patchManagerProcess.ts'
import { makeReport, REPETITIVE, type Row } from './patchReport.ts'
import { median, percentile, printReport } from './report.ts'

const USAGE = `npm run bench -- patch [--repo PATH]... [--cases N] [--seed N] [--in-process] [--json]

  --repo        a git repository to take cases from, as often as wanted (default: this project)
  --cases       cases of each corpus and repository (default 300)
  --in-process  leaves out the engines that run as a process of their own`

/** Lands patches on files that have moved on, with our engines and with others. */
export async function run(args: string[]): Promise<number> {
	const options = readOptions(args)
	if (options === null) return 2
	const patchManager = options.isInProcess ? null : startPatchManager()
	try {
		const engines = patchManager === null ? IN_PROCESS : [...IN_PROCESS, ...otherProcesses(patchManager)]
		const rows: Row[] = []
		for (const corpus of makeCorpora(options)) rows.push(...(await measureCorpus(corpus, engines)))
		rows.push(measureRepetitive())
		printReport(makeReport(rows), options.isJSON)
		return 0
	} catch (error) {
		if (!(error instanceof RepositoryError)) throw error
		process.stderr.write(`${error.message}\n\n${USAGE}\n`)
		return 2
	} finally {
		await patchManager?.stop()
	}
}

interface Options {
	/** Null: this project, if it has a history here. */
	repos: string[] | null
	cases: number
	seed: number
	isInProcess: boolean
	isJSON: boolean
}

function readOptions(args: string[]): Options | null {
	try {
		const string = { type: 'string' } as const
		const boolean = { type: 'boolean' } as const
		const options = { repo: { ...string, multiple: true }, cases: string, seed: string, 'in-process': boolean, json: boolean } as const
		const { values } = parseArgs({ args, options, strict: true })
		const [cases, seed] = [Number(values.cases ?? 300), Number(values.seed ?? 1)]
		if (!Number.isSafeInteger(cases) || cases < 1 || !Number.isSafeInteger(seed)) throw new Error('--cases and --seed are whole numbers.')
		return { repos: values.repo ?? null, cases, seed, isInProcess: values['in-process'] === true, isJSON: values.json === true }
	} catch (error) {
		process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}\n`)
		return null
	}
}

function makeCorpora({ repos, cases: count, seed }: Options): Corpus[] {
	const histories = repos === null ? [ownHistory(seed, count)] : repos.map((repository) => historyCorpora(repository, { seed, count }))
	return [
		driftCorpus(histories.flatMap(({ drift }) => drift)),
		conflictCorpus(histories.flatMap(({ conflict }) => conflict)),
		generatedDrift(seed, count),
		generatedConflicts(seed, count),
	]
}

/** Nobody has asked for it by name, so a copy of the project without a history is no mistake. */
function ownHistory(seed: number, count: number): ReturnType<typeof historyCorpora> {
	try {
		return historyCorpora(projectRoot, { seed, count })
	} catch (error) {
		if (!(error instanceof RepositoryError)) throw error
		process.stderr.write(`${error.message} Only generated cases are measured.\n`)
		return { drift: [], conflict: [] }
	}
}

async function measureCorpus({ name, about, cases }: Corpus, engines: readonly Engine[]): Promise<Row[]> {
	process.stderr.write(`${name}: ${cases.length} cases; ${about}\n`)
	if (cases.length === 0) return []
	const prepared: Prepared[] = []
	for (const patchCase of cases) prepared.push(await prepare(patchCase))
	const rows: Row[] = []
	for (const engine of engines) rows.push(await measure(engine, { name, prepared: prepared.slice(0, engine.atMost) }))
	return rows
}

async function measure(engine: Engine, { name, prepared }: { name: string; prepared: Prepared[] }): Promise<Row> {
	const tally = { right: 0, silentlyWrong: 0, refused: 0 }
	const times: number[] = []
	// In a process that serves, the code is warm.
	if (!engine.isSpawned) for (let round_ = 0; round_ < 4; round_ += 1) for (const each of prepared.slice(0, 150)) await engine.land(each)
	for (const each of prepared) {
		const startedAt = performance.now()
		const landed = await engine.land(each)
		times.push(performance.now() - startedAt)
		if (landed !== null && landed !== each.truth) tally.silentlyWrong += 1
		else if (landed === each.truth) tally.right += 1
		if (landed === null) tally.refused += 1
	}
	return { engine: engine.name, case: name, cases: prepared.length, ...tally, p50Ms: round(median(times)), p99Ms: round(percentile(times, 99)) }
}

/** Merges of ten thousand lines that repeat: a function at either end, and scattered edits. */
function measureRepetitive(): Row {
	const lines = Array.from({ length: 10_000 }, (_, at) => (at % 2 === 0 ? '}\n' : '\n'))
	const scattered = (step: number) => lines.flatMap((line, at) => (at % step === 0 ? [line, `edit ${at}\n`] : [line]))
	const times = Array.from({ length: 20 }, (_, round_) => {
		const [ours = [], theirs = []] = round_ % 2 === 0 ? [['first\n', ...lines], [...lines, 'last\n']] : [scattered(701), scattered(613)]
		const startedAt = performance.now()
		mergeText({ base: lines, ours, theirs })
		return performance.now() - startedAt
	})
	return { engine: 'ai-patch mergeText', case: REPETITIVE, cases: times.length, p50Ms: round(median(times)), p99Ms: round(Math.max(...times)) }
}

function round(ms: number): number {
	return Math.round(ms * 1000) / 1000
}
