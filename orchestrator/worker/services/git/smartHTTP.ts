import { AppError } from '@shared/contracts'
import type { PushOptions, RefUpdate } from './gitStore.ts'
import { concatBytes, NULL_ID } from './objects.ts'
import { parsePktLines, pktDelimiter, pktFlush, pktLine } from './pktLine.ts'

export type RemoteScope = 'read' | 'write'

/** Where a repository speaks git over HTTP, and the header value that lets one in. */
export interface GitRemote {
	url: string
	authorization: string
}

export interface SmartHTTPDeps {
	/** `isFresh` asks for a new credential because the known one was refused. */
	remote(scope: RemoteScope, options?: { isFresh?: boolean }): Promise<GitRemote>
	fetch: typeof fetch
}

/** What the server said of one reference: null when it was moved, else the reason why not. */
export type ReceivePackReport = Map<string, string | null>

type Service = 'git-upload-pack' | 'git-receive-pack'

/** The two requests of git's smart HTTP protocol that landing needs; each is one round trip. Throws GIT_UPSTREAM and WORKSPACE_NOT_FOUND. */
export function createSmartHTTP(deps: SmartHTTPDeps) {
	const send = async (service: Service, body: Uint8Array<ArrayBuffer>, isFresh: boolean): Promise<Response> => {
		const { url, authorization } = await deps.remote(service === 'git-receive-pack' ? 'write' : 'read', { isFresh })
		const headers = {
			authorization,
			'content-type': `application/x-${service}-request`,
			accept: `application/x-${service}-result`,
			'git-protocol': 'version=2',
		}
		return await deps.fetch(`${url}/${service}`, { method: 'POST', headers, body, redirect: 'manual' })
	}

	const post = async (service: Service, body: Uint8Array<ArrayBuffer>) => {
		let response = await send(service, body, false)
		if (response.status === 401) {
			await response.body?.cancel()
			response = await send(service, body, true)
		}
		const bytes = new Uint8Array(await response.arrayBuffer())
		if (response.status === 404) throw new AppError('WORKSPACE_NOT_FOUND', 'The host of the workspace has no such repository.')
		if (!response.ok) throw upstream(`${service} was answered with HTTP ${response.status}`)
		return readLines(service, bytes)
	}

	return {
		/** Protocol version 2 `ls-refs`: only references of these exact names. */
		async listRefs(refs: readonly string[]): Promise<Map<string, string>> {
			const command = [pktLine('command=ls-refs\n'), pktLine('object-format=sha1'), pktDelimiter()]
			const prefixes = refs.map((ref) => pktLine(`ref-prefix ${ref}\n`))
			const lines = await post('git-upload-pack', concatBytes([...command, ...prefixes, pktFlush()]))
			const wanted = new Set(refs)
			const found = new Map<string, string>()
			for (const line of lines) {
				const [, id, ref] = /^([0-9a-f]{40}) ([^ ]+)/.exec(line) ?? []
				if (id !== undefined && ref !== undefined && wanted.has(ref)) found.set(ref, id)
			}
			return found
		},

		/** Sends the pack (left out when every update deletes) and says what became of each reference. */
		async receivePack(updates: readonly RefUpdate[], pack: Uint8Array, { isAtomic = true }: PushOptions): Promise<ReceivePackReport> {
			const capabilities = `\0report-status${isAtomic ? ' atomic' : ''} object-format=sha1`
			const commands = updates.map((update, index) =>
				pktLine(`${update.old ?? NULL_ID} ${update.new ?? NULL_ID} ${update.ref}${index === 0 ? capabilities : ''}`),
			)
			const needsPack = updates.some((update) => update.new !== null)
			const lines = await post('git-receive-pack', concatBytes([...commands, pktFlush(), ...(needsPack ? [pack] : [])]))
			const unpack = lines.find((line) => line.startsWith('unpack '))
			if (unpack !== 'unpack ok') throw upstream(`the pack was refused (${unpack ?? 'no report'})`)
			return readReport(lines)
		},
	}
}
export type SmartHTTP = ReturnType<typeof createSmartHTTP>

function readReport(lines: readonly string[]): ReceivePackReport {
	const report: ReceivePackReport = new Map()
	for (const line of lines) {
		const [, verdict, ref, reason] = /^(ok|ng) ([^ ]+)(?: (.*))?$/.exec(line) ?? []
		if (ref !== undefined) report.set(ref, verdict === 'ok' ? null : (reason ?? 'refused'))
	}
	return report
}

function readLines(service: Service, bytes: Uint8Array): string[] {
	let lines: string[]
	try {
		lines = parsePktLines(bytes).flatMap((pkt) => (pkt.kind === 'data' ? [pkt.text] : []))
	} catch {
		throw upstream(`the answer of ${service} is not the git protocol`)
	}
	const error = lines.find((line) => line.startsWith('ERR '))
	if (error !== undefined) throw upstream(`${service} said: ${error.slice(4)}`)
	return lines
}

const upstream = (problem: string) => new AppError('GIT_UPSTREAM', `Git at the host of the workspace failed: ${problem}. Try again.`)
