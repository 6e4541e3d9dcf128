// For tests only: git over https on this machine, with a certificate of its own.
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface GitServer {
	url: string
	/** Repositories lie below it. */
	directory: string
	/** PEM file that a client has to trust. */
	certificate: string
	git(...args: string[]): void
	close(): Promise<void>
}

export async function startGitServer(): Promise<GitServer> {
	const directory = mkdtempSync(join(tmpdir(), 'git-server-'))
	const env = { PATH: process.env['PATH'], HOME: directory, GIT_CONFIG_NOSYSTEM: '1' }
	const certificate = join(directory, 'cert.pem')
	const key = join(directory, 'key.pem')
	const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
	execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', certificate, ...subject], { stdio: 'ignore' })
	const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (request, response) => serve(directory, request, response))
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
	const identity = ['-c', 'user.name=test', '-c', 'user.email=test@example.com']
	return {
		url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
		directory,
		certificate,
		git: (...args) => void execFileSync('git', [...identity, ...args], { cwd: directory, env, stdio: 'pipe' }),
		async close() {
			server.closeAllConnections()
			await new Promise((resolve) => server.close(resolve))
			rmSync(directory, { recursive: true })
		},
	}
}

/** git http-backend is a CGI program: a header block, an empty line, the body. */
function serve(directory: string, request: IncomingMessage, response: ServerResponse): void {
	const { pathname, search } = new URL(request.url ?? '/', 'https://localhost')
	const child = spawn('git', ['http-backend'], {
		env: {
			PATH: process.env['PATH'],
			GIT_PROJECT_ROOT: directory,
			GIT_HTTP_EXPORT_ALL: '1',
			PATH_INFO: pathname,
			QUERY_STRING: search.slice(1),
			REQUEST_METHOD: request.method,
			CONTENT_TYPE: request.headers['content-type'] ?? '',
			GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
		},
	})
	request.pipe(child.stdin)
	const chunks: Buffer[] = []
	child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
	child.on('close', () => {
		const output: Buffer = Buffer.concat(chunks)
		const end = output.indexOf('\r\n\r\n')
		const lines: string[] = output.subarray(0, end).toString().split('\r\n')
		const headers = new Map(lines.map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]))
		response.writeHead(Number(headers.get('Status')?.slice(0, 3) ?? 200), Object.fromEntries(headers)).end(output.subarray(end + 4))
	})
}
