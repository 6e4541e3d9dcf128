import { parseArgs } from 'node:util'
import { mergeText } from '@shared/ai-patch'
import { projectRoot } from '@shared/testing/stack'
import type { Corpus } from './patchCase.ts'
import { type Engine, ENGINES, prepare, type Prepared } from './patchEngines.ts'
import { generatedConflicts, generatedDrift } from './patchGenerated.ts'
import { conflictCorpus, driftCorpus, historyCorpora } from './patchHistory.ts'
import { hasPatchManagerMergeFile } from './patchSpawned.ts'
import { type BenchReport, median, printReport } from './report.ts'

const USAGE = `npm run bench -- patch [--repo PATH]... [--cases N] [--seed N] [--in-process] [--json]

  --repo        a git repository to take cases from, as often as wanted (default: this project)
  --cases       cases of each corpus and repository (default 160)
  --in-process  leaves out the engines that are started as a process for each patch`

const OURS = 'ai-patch landPatchSet'

/** Lands patches on files that have moved on, with our engines and with others. */
export async function run(args: string[]): Promise<number> {
	const options = readOptions(args)
	if (options === null) return 2
	const say = (text: string) => process.stderr.write(`${text}\n`)
	const corpora = makeCorpora(options)
	const hasMergeFile = options.isInProcess ? false : hasPatchManagerMergeFile()
	const rows: Row[] = []
	for (const { name, about, cases } of corpora) {
		say(`${name}: ${cases.length} cases; ${about}`)
		if (cases.length === 0) continue
		const prepared: Prepared[] = []
		for (const patchCase of cases) prepared.push(await prepare(patchCase))
		for (const engine of ENGINES) {
			if (engine.isSpawned && options.isInProcess) continue
			const isAbsent = engine.name === 'patch_manager.py merge-file' && !hasMergeFile
			rows.push(isAbsent ? { engine: engine.name, case: name, absent: true } : await measure(engine, { name, prepared }))
		}
	}
	const braces = measureBraces()
	rows.push({ engine: 'ai-patch mergeText', case: '10,000 lines of } and blank', cases: braces.length, p50Ms: round(median(braces)), p99Ms: round(Math.max(...braces)) })
	printReport(report(rows), options.isJSON)
	return 0
}

interface Options {
	repos: string[]
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
		const [cases, seed] = [Number(values.cases ?? 160), Number(values.seed ?? 1)]
		if (!Number.isSafeInteger(cases) || cases < 1 || !Number.isSafeInteger(seed)) throw new Error('--cases and --seed are whole numbers.')
		return { repos: values.repo ?? [projectRoot], cases, seed, isInProcess: values['in-process'] === true, isJSON: values.json === true }
	} catch (error) {
		process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}\n`)
		return null
	}
}

function makeCorpora({ repos, cases: count, seed }: Options): Corpus[] {
	const histories = repos.map((repository) => historyCorpora(repository, { seed, count }))
	return [
		driftCorpus(histories.flatMap(({ drift }) => drift)),
		conflictCorpus(histories.flatMap(({ conflict }) => conflict)),
		generatedDrift(seed, count),
		generatedConflicts(seed, count),
	]
}

interface Row extends Record<string, unknown> {
	engine: string
	case: string
	cases?: number
	right?: number
	silentlyWrong?: number
	refused?: number
	p50Ms?: number
	p99Ms?: number
}

async function measure(engine: Engine, { name, prepared }: { name: string; prepared: Prepared[] }): Promise<Row> {
	const tally = { right: 0, silentlyWrong: 0, refused: 0 }
	const times: number[] = []
	// In a process that serves, the code is warm.
	if (!engine.isSpawned) for (const each of prepared.slice(0, 40)) await engine.land(each)
	for (const each of prepared) {
		const startedAt = performance.now()
		const landed = await engine.land(each)
		times.push(performance.now() - startedAt)
		if (landed !== null && landed !== each.truth) tally.silentlyWrong += 1
		else if (landed === each.truth) tally.right += 1
		if (landed === null) tally.refused += 1
	}
	times.sort((a, b) => a - b)
	const p99 = times[Math.min(times.length - 1, Math.ceil(times.length * 0.99) - 1)] ?? Number.NaN
	return { engine: engine.name, case: name, cases: prepared.length, ...tally, p50Ms: round(median(times)), p99Ms: round(p99) }
}

/** Merges of ten thousand lines that repeat, ms each: a function at either end, and scattered edits. */
function measureBraces(): number[] {
	const lines = Array.from({ length: 10_000 }, (_, at) => (at % 2 === 0 ? '}\n' : '\n'))
	const scattered = (step: number) => lines.flatMap((line, at) => (at % step === 0 ? [line, `edit ${at}\n`] : [line]))
	return Array.from({ length: 10 }, (_, round_) => {
		const [ours, theirs] = round_ % 2 === 0 ? [['first\n', ...lines], [...lines, 'last\n']] : [scattered(701), scattered(613)]
		const startedAt = performance.now()
		mergeText({ base: lines, ours: ours ?? [], theirs: theirs ?? [] })
		return performance.now() - startedAt
	})
}

function report(rows: Row[]): BenchReport {
	const ours = rows.filter(({ engine }) => engine === OURS)
	const drift = ours.filter(({ case: name }) => name === 'drift, history' || name === 'drift, generated')
	const sum = (of: Row[], key: 'cases' | 'right' | 'silentlyWrong') => of.reduce((total, row) => total + (row[key] ?? 0), 0)
	const most = (key: 'p50Ms' | 'p99Ms') => Math.max(...ours.map((row) => row[key] ?? Number.NaN))
	const target = (name: string, limit: number, value: number) => ({ name, target: limit, value, met: value <= limit })
	const targets = [
		target('silently wrong, all corpora', 0, sum(ours, 'silentlyWrong')),
		target('drift not landed, percent', 0.4, (100 * (sum(drift, 'cases') - sum(drift, 'right'))) / sum(drift, 'cases')),
		target('p50, ms', 1, most('p50Ms')),
		target('p99, ms', 20, most('p99Ms')),
		target('10,000 repetitive lines, slowest, ms', 100, rows.at(-1)?.p99Ms ?? Number.NaN),
	]
	return { bench: 'patch', rows, ratios: ratios(rows), targets }
}

/** Our p50 to that of each other engine on the same cases. */
function ratios(rows: Row[]): Record<string, number> {
	const found: Record<string, number> = {}
	for (const { engine, case: name, p50Ms } of rows) {
		const own = rows.find((row) => row.engine === OURS && row.case === name)?.p50Ms
		if (engine !== OURS && own !== undefined && p50Ms) found[`${OURS}/${engine} p50, ${name}`] = own / p50Ms
	}
	return found
}

function round(ms: number): number {
	return Math.round(ms * 1000) / 1000
}
