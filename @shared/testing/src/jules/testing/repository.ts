import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { git } from '../../stack/git.ts'

/** A bare repository whose branch `main` holds these files. */
export async function bareRepository(files: Record<string, string | Buffer>): Promise<{ gitDir: string; head: string; remove: () => Promise<void> }> {
	const root = await mkdtemp(join(tmpdir(), 'fake-jules-test-'))
	const work = join(root, 'work')
	const gitDir = join(root, 'bare.git')
	await git(['init', '--quiet', '--initial-branch=main', work])
	for (const [name, content] of Object.entries(files)) await writeFile(join(work, name), content)
	await git(['add', '--all'], { cwd: work })
	await git(['commit', '--quiet', '--message', 'Start'], { cwd: work })
	await git(['clone', '--quiet', '--bare', '--', work, gitDir])
	const head = (await git(['rev-parse', 'HEAD'], { cwd: gitDir })).trim()
	return { gitDir, head, remove: () => rm(root, { recursive: true, force: true }) }
}
