import { git } from './git.ts'

/** Reads blobs by id in one process. Only regular files of a diff are asked for, so the answer is small next to the tree. */
export async function readBlobs(gitDir: string, ids: readonly string[]): Promise<Map<string, Uint8Array>> {
	const blobs = new Map<string, Uint8Array>()
	if (ids.length === 0) return blobs
	const output = await git(['cat-file', '--batch'], { gitDir, input: `${ids.join('\n')}\n`, maxOutputBytes: 512 * 1024 * 1024 })
	for (let at = 0; at < output.length; ) {
		const end = output.indexOf(10, at)
		const [id = '', type = '', size = ''] = output.subarray(at, end).toString('latin1').split(' ')
		at = end + 1
		if (type === 'missing') continue
		const length = Number(size)
		if (type === 'blob') blobs.set(id, output.subarray(at, at + length))
		at += length + 1
	}
	return blobs
}
