import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { git } from '@shared/testing/stack'

const run = promisify(execFile)

export interface Clone {
	folder: string
	/** Runs git in the clone; answers its output without the last newline. */
	git: (...args: string[]) => Promise<string>
	/** Contents by path as git has them, byte for byte; executable files as `path *`, links as `path @`. */
	tree: (ref?: string) => Promise<Record<string, string>>
}

export interface CloneRequest {
	url: string
	ref: string
	token: string
	folder: string
}

/** Clones one branch through the git gateway, checked by `git fsck`. */
export async function cloneRef({ url, ref, token, folder }: CloneRequest): Promise<Clone> {
	await git(['clone', '--quiet', '--branch', ref, url, folder], { token })
	const here = async (...args: string[]) => (await git(args, { cwd: folder })).replace(/\n$/, '')
	await here('fsck', '--strict', '--no-dangling')
	return {
		folder,
		git: here,
		async tree(at = 'HEAD') {
			const listing = await git(['ls-tree', '-r', '-z', at], { cwd: folder })
			const entries = listing.split('\0').filter(Boolean).map(parseEntry)
			return Object.fromEntries(await Promise.all(entries.map(async ({ mode, id, path }) => [path + (MARKS[mode] ?? ''), await blob(folder, id)] as const)))
		},
	}
}

const MARKS: Record<string, string> = { '100755': ' *', '120000': ' @' }

function parseEntry(entry: string): { mode: string; id: string; path: string } {
	const [, mode, id, path] = /^(\d+) \w+ (\w+)\t(.*)$/s.exec(entry) ?? []
	if (mode === undefined || id === undefined || path === undefined) throw new Error(`git ls-tree printed ${JSON.stringify(entry)}.`)
	return { mode, id, path }
}

/** Text as text; anything that is not UTF-8 as hexadecimal, so that no byte can hide. */
async function blob(folder: string, id: string): Promise<string> {
	const { stdout } = await run('git', ['cat-file', 'blob', id], { cwd: folder, encoding: 'buffer', maxBuffer: 256 * 1024 * 1024 })
	const text = stdout.toString('utf8')
	return Buffer.from(text, 'utf8').equals(stdout) ? text : `hex:${stdout.toString('hex')}`
}
