const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const isSpace = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

const MAX_DEPTH = 64
const MAX_KEY_BYTES = 64
const MAX_VALUE_BYTES = 16_384

const decoder = new TextDecoder()

/**
 * Reads JSON as it comes, in pieces of any size, and hands out the values at the wanted paths (`response.usage`; an array adds no
 * step to a path). Everything else is passed over, so a text of any length takes the memory of its largest wanted value. What is
 * not JSON silences the picker until `reset`.
 */
export function createJSONPicker(wanted: ReadonlySet<string>, found: (path: string, value: unknown) => void) {
	/** One entry a container: its path, and whether it is an object. */
	let stack: { path: string; isObject: boolean }[] = []
	let state: 'value' | 'key' | 'colon' | 'after' | 'dead' = 'value'
	let inString = false
	let isEscaped = false
	let path = ''
	let key: number[] | null = null
	let isKeyString = false
	let capture: { bytes: number[]; depth: number; path: string } | null = null

	const record = (byte: number) => {
		if (capture && capture.bytes.push(byte) > MAX_VALUE_BYTES) capture = null
		if (isKeyString && key && key.push(byte) > MAX_KEY_BYTES) key = null
	}
	const startValue = () => {
		if (!capture && wanted.has(path)) capture = { bytes: [], depth: stack.length, path }
	}
	const endValue = () => {
		if (!capture || capture.depth !== stack.length) return
		const { bytes, path: at } = capture
		capture = null
		try {
			found(at, JSON.parse(decoder.decode(Uint8Array.from(bytes))))
		} catch {
			state = 'dead'
		}
	}
	const open = (isObject: boolean) => {
		if (stack.length >= MAX_DEPTH) state = 'dead'
		else {
			stack.push({ path, isObject })
			state = isObject ? 'key' : 'value'
		}
	}
	const close = () => {
		const container = stack.pop()
		if (!container) state = 'dead'
		else {
			path = container.path
			state = 'after'
		}
	}
	const endString = () => {
		inString = false
		if (!isKeyString) return void (state = 'after')
		const base = stack.at(-1)?.path ?? ''
		const name = key ? decoder.decode(Uint8Array.from(key)) : '\0'
		path = base === '' ? name : `${base}.${name}`
		isKeyString = false
		key = null
		state = 'colon'
	}
	const stringByte = (byte: number) => {
		if (isEscaped) {
			isEscaped = false
			record(byte)
		} else if (byte === QUOTE) {
			if (capture) record(byte)
			const wasKey = isKeyString
			endString()
			if (!wasKey) endValue()
		} else {
			isEscaped = byte === BACKSLASH
			record(byte)
		}
	}
	const afterValue = (byte: number) => {
		const container = stack.at(-1)
		if (byte === COMMA && container) {
			path = container.path
			state = container.isObject ? 'key' : 'value'
		} else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
			closing(byte)
		} else if (container) state = 'dead'
	}
	const closing = (byte: number) => {
		close()
		if (capture) record(byte)
		endValue()
	}
	/** A number, true, false or null ends at the first byte that cannot be part of it. */
	let inScalar = false
	const structural = (byte: number) => {
		if (inScalar) {
			if (!isSpace(byte) && byte !== COMMA && byte !== CLOSE_OBJECT && byte !== CLOSE_ARRAY) return record(byte)
			inScalar = false
			state = 'after'
			endValue()
		}
		if (capture && (state !== 'after' || byte === COMMA)) record(byte)
		if (isSpace(byte)) return
		if (state === 'colon') state = byte === COLON ? 'value' : 'dead'
		else if (state === 'after') afterValue(byte)
		else if (state === 'key') {
			if (byte === QUOTE) {
				inString = isKeyString = true
				key = []
			} else if (byte === CLOSE_OBJECT) closeEmpty(byte)
			else state = 'dead'
		} else valueByte(byte)
	}
	const closeEmpty = (_byte: number) => {
		close()
		endValue()
	}
	const valueByte = (byte: number) => {
		if (byte === CLOSE_ARRAY) return closeEmpty(byte)
		const isCaptured = capture !== null
		startValue()
		if (capture && !isCaptured) record(byte)
		if (byte === OPEN_OBJECT) open(true)
		else if (byte === OPEN_ARRAY) open(false)
		else if (byte === QUOTE) inString = true
		else inScalar = true
	}

	return { stack, structural, stringByte }
}
