import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Paths, relative to `root`, of the files that git tracks or would track: no dependencies, no build output. */
export function listFiles(root: string): string[] {
	const output = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20 })
	const paths = new Set(output.split('\0').filter((path) => path !== ''))
	return [...paths].filter((path) => existsSync(join(root, path))).sort()
}
