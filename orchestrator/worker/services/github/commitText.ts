import { AppError } from '@shared/contracts'
import type { GitObject } from '../git/objects.ts'

/** Somebody at a moment, as the API takes it. */
export interface Signature {
	name: string
	email: string
	/** ISO 8601 in UTC, which the API stores as `+0000`. */
	date: string
}

/** What a commit object says, as the API takes it. */
export interface CommitText {
	tree: string
	parents: string[]
	author: Signature
	committer: Signature
	/** To the last newline: the API stores it as it is given. */
	message: string
}

const COMMIT = /^tree ([0-9a-f]{40})\n((?:parent [0-9a-f]{40}\n)*)author ([^\n]*)\ncommitter ([^\n]*)\n\n([^]*)$/
const SIGNATURE = /^(.*) <(.*)> (\d{1,11}) \+0000$/

/** Throws PATCH_CORRUPT for a commit that the API cannot make alike: another time zone, a signature, bytes that are not UTF-8. */
export function readCommitText({ id, data }: GitObject): CommitText {
	const [, tree, parents, author, committer, message] = COMMIT.exec(decode(id, data)) ?? []
	if (tree === undefined || parents === undefined || message === undefined) throw cannotBeMade(id, 'has headers of another kind')
	return {
		tree,
		parents: parents.split('\n').flatMap((line) => (line === '' ? [] : [line.slice('parent '.length)])),
		author: readSignature(id, author),
		committer: readSignature(id, committer),
		message,
	}
}

function readSignature(id: string, text = ''): Signature {
	const [, name, email, seconds] = SIGNATURE.exec(text) ?? []
	if (name === undefined || email === undefined) throw cannotBeMade(id, 'has an author or a time zone of another kind')
	return { name, email, date: new Date(Number(seconds) * 1000).toISOString().replace('.000Z', 'Z') }
}

function decode(id: string, data: Uint8Array): string {
	try {
		return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data)
	} catch {
		throw cannotBeMade(id, 'is not UTF-8')
	}
}

function cannotBeMade(id: string, problem: string): AppError {
	return new AppError('PATCH_CORRUPT', `The commit ${id} ${problem}, so GitHub cannot make the same one. Nothing was written.`, { commit: id })
}
