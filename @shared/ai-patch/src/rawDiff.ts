import { AppError } from '@shared/contracts'
import { decodeUTF8 } from './text.ts'

/** One changed file as `git diff-index --raw -z --no-abbrev` lists it. Ids may be all zeros where git did not compute them. */
export interface RawChange {
	status: string
	/** The old path of a rename or copy, else the path itself. */
	from: string
	path: string
	/** Set where the names are not UTF-8; `from` and `path` are then only good for a message. */
	isPathUnreadable: boolean
	oldMode: string
	newMode: string
	oldBlob: string
	newBlob: string
}

const META = /^:([0-7]{6}) ([0-7]{6}) ([0-9a-f]{40}) ([0-9a-f]{40}) ([A-Z])(?:\d{1,3})?$/

/** Throws PATCH_CORRUPT if the listing is not complete and well-formed. */
export function parseRawDiff(raw: Uint8Array): RawChange[] {
	const fields = splitFields(raw)
	const changes: RawChange[] = []
	for (let at = 0; at < fields.length; ) {
		const meta = META.exec(readField(fields, at))
		if (meta === null) throw corrupt(`field ${at} is not the description of a change`)
		const [, oldMode = '', newMode = '', oldBlob = '', newBlob = '', status = ''] = meta
		const nameCount = status === 'R' || status === 'C' ? 2 : 1
		const names = fields.slice(at + 1, at + 1 + nameCount)
		const [first, last] = [names[0], names[nameCount - 1]]
		at += nameCount + 1
		if (first === undefined || last === undefined) throw corrupt('the last change lacks its path')
		const isPathUnreadable = names.some((name) => decodeUTF8(name) === null)
		changes.push({ status, from: readable(first), path: readable(last), isPathUnreadable, oldMode, newMode, oldBlob, newBlob })
	}
	return changes
}

function splitFields(raw: Uint8Array): Uint8Array[] {
	const fields: Uint8Array[] = []
	for (let from = 0; from < raw.length; ) {
		const end = raw.indexOf(0, from)
		if (end === -1) throw corrupt('it does not end with NUL; make it with -z')
		fields.push(raw.subarray(from, end))
		from = end + 1
	}
	return fields
}

function readField(fields: Uint8Array[], at: number): string {
	return readable(fields[at] ?? new Uint8Array())
}

function readable(bytes: Uint8Array): string {
	return new TextDecoder('utf-8', { fatal: false, ignoreBOM: true }).decode(bytes)
}

function corrupt(problem: string): AppError {
	return new AppError('PATCH_CORRUPT', `The raw listing of the diff is damaged: ${problem}. Make it again.`, { problem })
}
