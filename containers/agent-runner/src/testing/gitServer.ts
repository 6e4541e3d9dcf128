// For tests only: a bare repository in a temporary directory, served by git's own HTTP backend.
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export interface TestRepository {
	directory: string
	/** Commits exactly these files (an executable file's name ends with `*`) and moves the ref to the commit. */
	commit(files: Record<string, string>, options?: { ref?: string; parent?: string }): { commit: string; tree: string }
	git(args: string[], input?: string | Buffer): string
	serve(request: IncomingMessage, response: ServerResponse, pathInfo: string): void
	remove(): void
}

export function createTestRepository(): TestRepository {
	const root = mkdtempSync(join(tmpdir(), 'vibehq-test-git-'))
	const directory = join(root, 'repo.git')
	mkdirSync(directory)
	const env = {
		PATH: process.env['PATH'],
		HOME: root,
		GIT_CONFIG_NOSYSTEM: '1',
		GIT_AUTHOR_NAME: 't',
		GIT_AUTHOR_EMAIL: 't@t.invalid',
		GIT_COMMITTER_NAME: 't',
		GIT_COMMITTER_EMAIL: 't@t.invalid',
	}
	const git = (args: string[], input: string | Buffer = '', more: Record<string, string> = {}): string =>
		execFileSync('git', args, { cwd: directory, env: { ...env, ...more }, input, stdio: ['pipe', 'pipe', 'pipe'] }).toString().trim()
	git(['init', '-q', '--bare', '-b', 'main'])
	// Files are stored as they are given, whatever a .gitattributes among them says.
	mkdirSync(join(directory, 'info'), { recursive: true })
	writeFileSync(join(directory, 'info/attributes'), '* -text\n')
	return {
		directory,
		git,
		commit(files, { ref = 'refs/heads/main', parent } = {}) {
			const work = mkdtempSync(join(root, 'work-'))
			for (const [name, content] of Object.entries(files)) {
				const path = join(work, name.replace(/\*$/, ''))
				mkdirSync(dirname(path), { recursive: true })
				writeFileSync(path, content, { mode: name.endsWith('*') ? 0o755 : 0o644 })
			}
			const index = { GIT_INDEX_FILE: join(work, '..', `index-${Math.random()}`), GIT_WORK_TREE: work, GIT_DIR: directory }
			git(['add', '-A', '-f', '.'], '', { ...index, GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'core.autocrlf', GIT_CONFIG_VALUE_0: 'false' })
			const tree = git(['write-tree'], '', index)
			const commit = git(['commit-tree', tree, ...(parent ? ['-p', parent] : []), '-m', 'test'])
			git(['update-ref', ref, commit])
			return { commit, tree }
		},
		serve: (request, response, pathInfo) => serveGit({ root, env, request, response, pathInfo }),
		remove: () => rmSync(root, { recursive: true, force: true }),
	}
}

interface GitRequest {
	root: string
	env: Record<string, string | undefined>
	request: IncomingMessage
	response: ServerResponse
	pathInfo: string
}

function serveGit({ root, env, request, response, pathInfo }: GitRequest): void {
	const url = new URL(request.url ?? '/', 'http://x')
	const child = spawn('git', ['http-backend'], {
		env: {
			...env,
			GIT_PROJECT_ROOT: root,
			GIT_HTTP_EXPORT_ALL: '1',
			PATH_INFO: pathInfo,
			QUERY_STRING: url.search.slice(1),
			REQUEST_METHOD: request.method,
			CONTENT_TYPE: request.headers['content-type'] ?? '',
			HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
			GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
		},
	})
	request.pipe(child.stdin)
	child.stdin.on('error', () => {})
	const parts: Buffer[] = []
	child.stdout.on('data', (chunk: Buffer) => parts.push(chunk))
	child.on('close', () => {
		const output = Buffer.concat(parts)
		const end = output.indexOf('\r\n\r\n')
		let status = 200
		for (const line of output.subarray(0, end).toString().split('\r\n')) {
			const [name = '', value = ''] = line.split(/: (.*)/s)
			if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10)
			else response.setHeader(name, value)
		}
		response.writeHead(status)
		response.end(output.subarray(end + 4))
	})
}
