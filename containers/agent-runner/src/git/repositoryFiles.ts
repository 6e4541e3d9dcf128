import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

// Everything in the work tree is bytes to us, whatever a .gitattributes of the repository says. `!diff` gives the decision
// between text and binary back to the content.
const RAW_ATTRIBUTES = '* -text -filter -ident -working-tree-encoding !diff\n'

export interface RepositoryFiles {
	/** Written as `core.bare`. */
	isBare: boolean
	/** Object directories of other repositories. */
	alternates?: readonly string[]
	/** More lines of the config file. */
	config?: string
	head?: string
	refs?: Record<string, string>
}

/** Makes a git directory by hand: the same as `git init` and a few commands more, without starting a process. */
export async function writeRepository(gitDir: string, files: RepositoryFiles): Promise<void> {
	const entries: Record<string, string> = {
		HEAD: `${files.head ?? 'ref: refs/heads/main'}\n`,
		config: `[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = ${files.isBare}\n\tlogallrefupdates = false\n${files.config ?? ''}`,
		'info/attributes': RAW_ATTRIBUTES,
	}
	for (const [name, id] of Object.entries(files.refs ?? {})) entries[name] = `${id}\n`
	if (files.alternates) entries['objects/info/alternates'] = files.alternates.map((path) => `${path}\n`).join('')
	await Promise.all(['objects/info', 'objects/pack', 'refs/heads', 'info'].map((name) => mkdir(join(gitDir, name), { recursive: true })))
	await Promise.all(
		Object.entries(entries).map(async ([name, content]) => {
			if (name.startsWith('refs/')) await mkdir(dirname(join(gitDir, name)), { recursive: true })
			await writeFile(join(gitDir, name), content)
		}),
	)
}
