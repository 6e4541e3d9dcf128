import { AppError } from '@shared/contracts'
import type { PushOptions, RefUpdate } from './gitStore.ts'
import { concatBytes, NULL_ID } from './objects.ts'
import { parsePktLines, pktDelimiter, pktFlush, pktLine, pktText } from './pktLine.ts'
import type { Pkt } from './pktLine.ts'

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

/** Objects to be sent as a pack. */
export interface FetchRequest {
	wants: readonly string[]
	/** How many commits deep; everything behind each want when left out. */
	depth?: number
	/** Of the answer: a longer one is cut off. */
	maxBytes: number
}

type Service = 'git-upload-pack' | 'git-receive-pack'

/** An answer about references is never longer than this. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024

/** The requests of git's smart HTTP protocol that landing needs; each is one round trip. Throws GIT_UPSTREAM and WORKSPACE_NOT_FOUND. */
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

	/** The answer, or null when it is longer than `maxBytes`. */
	const post = async (service: Service, body: Uint8Array<ArrayBuffer>, maxBytes = MAX_ANSWER_BYTES): Promise<Pkt[] | null> => {
		let response = await send(service, body, false)
		if (response.status === 401) {
			await response.body?.cancel()
			response = await send(service, body, true)
		}
		const bytes = await readBody(response, maxBytes)
		if (response.status === 404) throw new AppError('WORKSPACE_NOT_FOUND', 'The host of the workspace has no such repository.')
		if (!response.ok) throw upstream(`${service} was answered with HTTP ${response.status}`)
		return bytes && readPkts(service, bytes)
	}

	return {
		/** Protocol version 2 `ls-refs`: only references of these exact names. */
		async listRefs(refs: readonly string[]): Promise<Map<string, string>> {
			const command = [pktLine('command=ls-refs\n'), pktLine('object-format=sha1'), pktDelimiter()]
			const prefixes = refs.map((ref) => pktLine(`ref-prefix ${ref}\n`))
			const lines = textLines('git-upload-pack', await post('git-upload-pack', concatBytes([...command, ...prefixes, pktFlush()])))
			const wanted = new Set(refs)
			const found = new Map<string, string>()
			for (const line of lines) {
				const [, id, ref] = /^([0-9a-f]{40}) ([^ ]+)/.exec(line) ?? []
				if (id !== undefined && ref !== undefined && wanted.has(ref)) found.set(ref, id)
			}
			return found
		},

		/** Protocol version 2 `fetch`: the pack, without offset deltas; null when it is longer than asked for. */
		async fetchPack({ wants, depth, maxBytes }: FetchRequest): Promise<Uint8Array | null> {
			const lines = [...wants.map((id) => `want ${id}\n`), ...(depth === undefined ? [] : [`deepen ${depth}\n`]), 'no-progress\n', 'done\n']
			const command = [pktLine('command=fetch\n'), pktLine('object-format=sha1'), pktDelimiter()]
			const pkts = await post('git-upload-pack', concatBytes([...command, ...lines.map(pktLine), pktFlush()]), maxBytes)
			return pkts && packOf(pkts)
		},

		/** Sends the pack (left out when every update deletes) and says what became of each reference. */
		async receivePack(updates: readonly RefUpdate[], pack: Uint8Array, { isAtomic = true }: PushOptions): Promise<ReceivePackReport> {
			const capabilities = `\0report-status${isAtomic ? ' atomic' : ''} object-format=sha1`
			const commands = updates.map((update, index) =>
				pktLine(`${update.old ?? NULL_ID} ${update.new ?? NULL_ID} ${update.ref}${index === 0 ? capabilities : ''}`),
			)
			const needsPack = updates.some((update) => update.new !== null)
			const lines = textLines('git-receive-pack', await post('git-receive-pack', concatBytes([...commands, pktFlush(), ...(needsPack ? [pack] : [])])))
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

async function readBody(response: Response, maxBytes: number): Promise<Uint8Array | null> {
	const chunks: Uint8Array[] = []
	let length = 0
	for await (const chunk of response.body ?? []) {
		length += chunk.length
		// Leaving the loop cancels the body.
		if (length > maxBytes) return null
		chunks.push(chunk)
	}
	return concatBytes(chunks)
}

function readPkts(service: Service, bytes: Uint8Array): Pkt[] {
	let pkts: Pkt[]
	try {
		pkts = parsePktLines(bytes)
	} catch {
		throw upstream(`the answer of ${service} is not the git protocol`)
	}
	const first = pkts[0]?.kind === 'data' ? pktText(pkts[0].bytes) : ''
	if (first.startsWith('ERR ')) throw upstream(`${service} said: ${first.slice(4)}`)
	return pkts
}

function textLines(service: Service, pkts: readonly Pkt[] | null): string[] {
	if (pkts === null) throw upstream(`the answer of ${service} is too long`)
	return pkts.flatMap((pkt) => (pkt.kind === 'data' ? [pktText(pkt.bytes)] : []))
}

const PACK_DATA = 1
const FATAL = 3

/** What follows the line `packfile`: the first byte of each line says whether it is data, a word on progress, or the end of it. */
function packOf(pkts: readonly Pkt[]): Uint8Array {
	const start = pkts.findIndex((pkt) => pkt.kind === 'data' && pktText(pkt.bytes) === 'packfile')
	if (start === -1) throw upstream('git-upload-pack sent no pack')
	const parts = pkts.slice(start + 1).flatMap((pkt) => (pkt.kind === 'data' ? [pkt.bytes] : []))
	const fatal = parts.find((part) => part[0] === FATAL)
	if (fatal !== undefined) throw upstream(`git-upload-pack said: ${pktText(fatal.subarray(1))}`)
	return concatBytes(parts.filter((part) => part[0] === PACK_DATA).map((part) => part.subarray(1)))
}

const upstream = (problem: string) => new AppError('GIT_UPSTREAM', `Git at the host of the workspace failed: ${problem}. Try again.`)
