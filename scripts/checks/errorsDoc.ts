import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ERRORS } from '@shared/contracts'
import type { ErrorSpec } from '@shared/contracts'
import type { Check } from './check.ts'

const DOCUMENT = 'docs/ERRORS.md'
const BEGIN = '<!-- table:begin, written by npm run fix; the last column is yours -->'
const END = '<!-- table:end -->'
const MISSING = '(to be described)'

export const errorsDocCheck: Check = {
	name: 'errors-doc',
	remedy: '`npm run fix` writes the rows; then describe each new code in its last column',
	async run(root) {
		const text = readFileSync(join(root, DOCUMENT), 'utf8')
		const undescribed = [...descriptions(text)].filter(([, meaning]) => meaning === MISSING).map(([code]) => `${DOCUMENT}: ${code} is not described`)
		return { problems: [...(text === withTable(text, ERRORS) ? [] : [`${DOCUMENT}: the table is not that of ERRORS in @shared/contracts`]), ...undescribed], note: `${Object.keys(ERRORS).length} codes` }
	},
}

/** Writes the table of codes into the document and keeps what people wrote; true when something changed. */
export function writeErrorsDoc(root: string): boolean {
	const path = join(root, DOCUMENT)
	const before = readFileSync(path, 'utf8')
	const after = withTable(before, ERRORS)
	if (after !== before) writeFileSync(path, after)
	return after !== before
}

/** The document with one row a code, in the order of the table in the contracts. */
export function withTable(text: string, errors: Record<string, ErrorSpec>): string {
	const known = descriptions(text)
	const rows = Object.entries(errors).map(([code, { status, retryable }]) => `| <a id="${code}"></a>\`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${known.get(code) ?? MISSING} |`)
	const table = [BEGIN, '| code | status | retry | what it means, and what to do |', '|---|---|---|---|', ...rows, END].join('\n')
	const begin = text.indexOf(BEGIN)
	const end = text.indexOf(END)
	if (begin < 0 || end < begin) return `${text.trimEnd()}\n\n${table}\n`
	return text.slice(0, begin) + table + text.slice(end + END.length)
}

function descriptions(text: string): Map<string, string> {
	const rows = text.matchAll(/^\| <a id="[A-Z_]+"><\/a>`([A-Z_]+)` \| \d+ \| (?:yes|no) \| (.*) \|$/gm)
	return new Map([...rows].map((match) => [match[1] ?? '', match[2] ?? '']))
}
