import { stripVTControlCharacters } from 'node:util'
import type { RunDirs } from '../isolation/isolation.ts'

/** What failed, by a name that is the same in another directory and after other lines have moved, and how often it was named. */
export type Signatures = ReadonlyMap<string, number>

/** A line and those after it, already free of what differs from run to run. */
interface Place {
	line: string
	next: readonly string[]
	/** The last line that was not indented: the file in ESLint's listing. */
	heading: string
}

type Format = (place: Place) => string | null

const MAX_LINE_LENGTH = 2000

/** The order matters: the first format that knows a line names it. Output that none knows has no signatures. */
const FORMATS: readonly Format[] = [
	// tsc, plain and pretty, and about the whole project
	byLine(/^(\S.*?)\(\d+,\d+\): (error TS\d+: .*)$/, (file, what) => `${file}: ${what}`),
	byLine(/^(\S.*?):\d+:\d+ - (error TS\d+: .*)$/, (file, what) => `${file}: ${what}`),
	byLine(/^(error TS\d+: .*)$/, (what) => what),
	// TAP; what is still to be done is no failure
	byLine(/^\s*not ok\b(?: \d+)?(?: -)? ?(?!.*# (?:todo|skip)\b)(.*)$/i, (name) => `not ok - ${name}`),
	compilerOf(/^\s+[x×] (.+)$/, /^\s+[,╭][-─]+\[(.+?)(?::\d+)*\]$/),
	compilerOf(/^(error(?:\[E\d+\])?: .+)$/, /^\s*--> (.+?)(?::\d+)*$/),
	eslintRow,
	byLine(/^(\S.*?):\d+:\d+: (.*\[Error\/.*\])$/, (file, what) => `${file}: ${what}`),
	// node:test, vitest and jest one by one; "✖ 4 problems" is ESLint's sum
	byLine(/^\s*[✖×✕✗] (?!failing tests:$|\d+ problems? \()(.+)$/, (name) => `✖ ${name}`),
	byLine(/^\s*● (?!Console$)(.+)$/, (name) => `● ${name}`),
	byLine(/^⎯+ (Unhandled \w+) ⎯+$/, (what) => what),
	// vitest and jest by file, go by package
	byLine(/^\s*FAIL +((?:\|\S+\| )?\S*[./].*)$/, (name) => `FAIL ${name}`),
	byLine(/^FAIL\t(\S+)/, (name) => `FAIL ${name}`),
	byLine(/^\s*--- FAIL: (\S+)/, (name) => `--- FAIL: ${name}`),
	byLine(/^(?:vet: )?(\S+\.go):\d+(?::\d+)?: (.+)$/, (file, what) => `${file}: ${what}`),
	// pytest, unittest
	byLine(/^((?:FAILED|ERROR) [^\s:]+\.py(?:::[^\s[]+(?:\[.*?\])?)?)(?: - .*)?$/, (name) => name),
	byLine(/^((?:FAIL|ERROR): \S+ \(.*)$/, (name) => name),
	byLine(/^test (.+?)(?: \(line \d+\))? \.\.\. FAILED$/, (name) => `test ${name}`),
]

/** The failures that known compilers, linters and test programs name in their output. */
export function failureSignatures(output: string, dirs: RunDirs): Signatures {
	const lines = withoutPlaces(stripVTControlCharacters(output), dirs).split(/\r?\n/)
	const found = new Map<string, number>()
	let heading = ''
	for (const [index, line] of lines.entries()) {
		if (line.length > MAX_LINE_LENGTH) continue
		const name = nameOf({ line, next: lines.slice(index + 1, index + 4), heading })
		if (name !== null) found.set(name, (found.get(name) ?? 0) + 1)
		if (/^\S/.test(line)) heading = line
	}
	return found
}

function nameOf(place: Place): string | null {
	for (const format of FORMATS) {
		const name = format(place)
		if (name !== null) return withoutChance(name)
	}
	return null
}

function byLine(pattern: RegExp, name: (first: string, second: string) => string): Format {
	return ({ line }) => {
		const found = pattern.exec(line)
		return found && name(found[1] ?? '', found[2] ?? '')
	}
}

/** oxlint and rustc tell what is wrong, and where in one of the next lines; without a place it is a sum or a remark. */
function compilerOf(what: RegExp, where: RegExp): Format {
	return ({ line, next }) => {
		const message = what.exec(line)?.[1]
		if (message === undefined) return null
		const file = next.map((each) => where.exec(each)?.[1]).find((each) => each !== undefined)
		return file === undefined ? null : `${file}: ${message}`
	}
}

function eslintRow({ line, heading }: Place): string | null {
	const message = /^\s+\d+:\d+ +error +(.+)$/.exec(line)?.[1]
	return message === undefined ? null : `${heading}: ${message}`
}

/** Both sides run in directories of their own. */
function withoutPlaces(text: string, { work, home, tmp }: RunDirs): string {
	return text.replaceAll(`file://${work}/`, '').replaceAll(`${work}/`, '').replaceAll(work, '.').replaceAll(home, '<home>').replaceAll(tmp, '<tmp>')
}

/** Takes durations, line numbers, addresses, temporary names and alignment out of a name. */
function withoutChance(name: string): string {
	return name
		.replace(/\s+\(?\d+(?:\.\d+)?\s?(?:ms|s|m)\)?$/, '')
		.replace(/\b\d+(?:\.\d+)?\s?(?:ms|seconds?)\b/g, '<time>')
		.replace(/(\.\w{1,5}):\d+(?::\d+)?\b/g, '$1')
		.replace(/\/(?:private\/)?(?:tmp|var\/folders)\/[^\s'"`:)\]]+/g, '<tmp>')
		.replace(/<tmp>\/[^\s'"`:)\]]+/g, '<tmp>')
		.replace(/\b0x[0-9a-f]+\b/gi, '0x')
		.replace(/\s+/g, ' ')
		.trim()
}
