// For tests only: a real git repository in a temporary directory.
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { ReadBase } from '../apply.ts'
import { GIT_DIFF_PATCH_ARGS, GIT_DIFF_RAW_ARGS } from '../fromDiff.ts'

export interface TreeFile {
	content: string | Uint8Array
	mode: '100644' | '100755'
}

export type Tree = Map<string, TreeFile>

export function treeOf(files: Record<string, string | Uint8Array>): Tree {
	return new Map(Object.entries(files).map(([path, content]) => [path, { content, mode: '100644' }]))
}

export function bytesOf({ content }: TreeFile): Uint8Array {
	return typeof content === 'string' ? new TextEncoder().encode(content) : content
}

export function readFrom(tree: Tree): ReadBase {
	return async (path) => {
		const file = tree.get(path)
		return file === undefined ? null : bytesOf(file)
	}
}

export interface GitRepository {
	directory: string
	git(args: readonly string[], input?: string): Buffer
	/** Makes the work tree and the index exactly `tree`; returns the tree id. */
	store(tree: Tree): string
	/** Stages the work tree as it is; returns the tree id. */
	stage(): string
	diffFrom(base: string): { raw: Uint8Array; diff: Uint8Array }
	/** The tree id after `git apply` of `diff` on the tree `base`. */
	applyDiff(base: string, diff: string): string
	remove(): void
}

export function createGitRepository(): GitRepository {
	const directory = mkdtempSync(join(tmpdir(), 'ai-patch-'))
	const git = (args: readonly string[], input?: string, index = 'index') => {
		const env = { PATH: process.env['PATH'], HOME: directory, GIT_CONFIG_NOSYSTEM: '1', GIT_INDEX_FILE: join(directory, '.git', index) }
		return execFileSync('git', args, { cwd: directory, env, input: input ?? '', maxBuffer: 2 ** 28, stdio: ['pipe', 'pipe', 'pipe'] })
	}
	const id = (output: Buffer) => output.toString().trim()
	const stage = () => {
		git(['add', '-A', '-f', '.'])
		return id(git(['write-tree']))
	}
	git(['init', '-q', '.'])
	git(['config', 'core.autocrlf', 'false'])
	return {
		directory,
		git,
		stage,
		store(tree) {
			for (const name of readdirSync(directory)) if (name !== '.git') rmSync(join(directory, name), { recursive: true })
			for (const [path, file] of tree) {
				mkdirSync(dirname(join(directory, path)), { recursive: true })
				writeFileSync(join(directory, path), bytesOf(file))
				if (file.mode === '100755') chmodSync(join(directory, path), 0o755)
			}
			return stage()
		},
		diffFrom: (base) => ({ raw: git([...GIT_DIFF_RAW_ARGS, base]), diff: git([...GIT_DIFF_PATCH_ARGS, base]) }),
		applyDiff(base, diff) {
			git(['read-tree', base], '', 'other')
			if (diff !== '') git(['apply', '--cached', '--whitespace=nowarn', '-'], diff, 'other')
			return id(git(['write-tree'], '', 'other'))
		},
		remove: () => rmSync(directory, { recursive: true }),
	}
}
