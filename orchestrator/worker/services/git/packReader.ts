import { inflate } from './inflate.ts'
import { makeObject, toHex } from './objects.ts'
import type { GitObject } from './objects.ts'

export interface PackLimits {
	maxObjects: number
	/** Sum of all objects as unpacked. */
	maxTotalBytes: number
}

type ObjectType = GitObject['type'] | 'tag'
const TYPES: Record<number, ObjectType> = { 1: 'commit', 2: 'tree', 3: 'blob', 4: 'tag' }
const REF_DELTA = 7
const ID_BYTES = 20

/** An entry as it stands in the pack: whole, or the difference to another object of the pack. */
type Entry = { type: ObjectType; data: Uint8Array } | { baseId: string; delta: Uint8Array }

/**
 * The objects of a pack, by id. Ids are computed, so an object is what its id says whatever the sender meant. Null when there is more
 * than the limits allow. Throws RangeError for what is not a pack, or one that was not asked for (offset deltas, bases outside of it).
 */
export async function readPack(pack: Uint8Array, limits: PackLimits): Promise<Map<string, GitObject> | null> {
	const view = new DataView(pack.buffer, pack.byteOffset, pack.byteLength)
	if (pack.length < 12 + ID_BYTES || view.getUint32(0) !== 0x5041434b || view.getUint32(4) !== 2) throw new RangeError('not a version 2 pack')
	const count = view.getUint32(8)
	if (count > limits.maxObjects) return null
	const entries = readEntries(pack, { count, maxTotalBytes: limits.maxTotalBytes })
	return entries && resolveAll(entries, limits.maxTotalBytes)
}

function readEntries(pack: Uint8Array, { count, maxTotalBytes }: { count: number; maxTotalBytes: number }): Entry[] | null {
	const entries: Entry[] = []
	let at = 12
	let total = 0
	for (let index = 0; index < count; index += 1) {
		const header = readHeader(pack, at)
		const type = TYPES[header.type]
		if (type === undefined && header.type !== REF_DELTA) throw new RangeError(`an entry of type ${header.type}`)
		total += header.length
		if (total > maxTotalBytes) return null
		const start = type === undefined ? header.next + ID_BYTES : header.next
		const { data, usedBytes } = inflate(pack.subarray(start), header.length)
		entries.push(type === undefined ? { baseId: toHex(pack.subarray(header.next, start)), delta: data } : { type, data })
		at = start + usedBytes
	}
	return entries
}

function readHeader(pack: Uint8Array, from: number): { type: number; length: number; next: number } {
	let at = from
	let byte = pack[at] ?? 0
	const type = (byte >> 4) & 7
	let length = byte & 15
	for (let scale = 16; byte & 0x80; scale *= 128) {
		at += 1
		byte = pack[at] ?? 0
		length += (byte & 0x7f) * scale
	}
	return { type, length, next: at + 1 }
}

async function resolveAll(entries: readonly Entry[], maxTotalBytes: number): Promise<Map<string, GitObject> | null> {
	const resolved = new Map<string, { type: ObjectType; data: Uint8Array }>()
	let total = 0
	const add = async (type: ObjectType, data: Uint8Array) => {
		total += data.length
		resolved.set((await makeObject(type, data)).id, { type, data })
	}
	let waiting: { baseId: string; delta: Uint8Array }[] = []
	for (const entry of entries) {
		if ('type' in entry) await add(entry.type, entry.data)
		else waiting.push(entry)
	}
	while (waiting.length > 0) {
		const later: typeof waiting = []
		for (const entry of waiting) {
			const base = resolved.get(entry.baseId)
			if (base === undefined) later.push(entry)
			// A short delta can stand for a long object.
			else if (total + deltaLengths(entry.delta).result > maxTotalBytes) return null
			else await add(base.type, applyDelta(base.data, entry.delta))
		}
		if (later.length === waiting.length) throw new RangeError('a delta against an object that is not in the pack')
		waiting = later
	}
	return new Map(Array.from(resolved).flatMap(([id, { type, data }]) => (type === 'tag' ? [] : [[id, { id, type, data }]])))
}

/** The two lengths that a delta starts with, and where they end. */
function deltaLengths(delta: Uint8Array): { base: number; result: number; next: number } {
	let at = 0
	const read = () => {
		let length = 0
		for (let scale = 1, byte = 0x80; byte & 0x80; scale *= 128) {
			byte = delta[at++] ?? 0
			length += (byte & 0x7f) * scale
		}
		return length
	}
	return { base: read(), result: read(), next: at }
}

/** Git's delta: after the lengths, copies from the base (high bit set) and literal bytes. Throws RangeError where it does not fit. */
export function applyDelta(base: Uint8Array, delta: Uint8Array): Uint8Array {
	const lengths = deltaLengths(delta)
	const result = new Uint8Array(base.length === lengths.base ? lengths.result : 0)
	let at = lengths.next
	let filled = 0
	const readNumber = (flags: number, count: number) => {
		let value = 0
		for (let index = 0; index < count; index += 1) if (flags & (1 << index)) value += (delta[at++] ?? 0) * 256 ** index
		return value
	}
	while (at < delta.length) {
		const command = delta[at++] ?? 0
		const isCopy = (command & 0x80) !== 0
		const offset = isCopy ? readNumber(command, 4) : at
		const length = isCopy ? readNumber(command >> 4, 3) || 0x10000 : command
		const part = (isCopy ? base : delta).subarray(offset, offset + length)
		// Throws RangeError where it would not fit.
		result.set(part, filled)
		filled += part.length
		if (!isCopy) at += length
	}
	if (filled !== lengths.result || base.length !== lengths.base) throw new RangeError('a delta does not fit its base')
	return result
}
