export interface LineSplitter {
	push(chunk: Buffer): void
	/** Hands over what stands after the last line feed. */
	end(): void
}

export interface LineSplitterOptions {
	maxLineBytes: number
	onLine: (line: string) => void
	/** A line was longer than `maxLineBytes` and was left out. */
	onDropped: (byteCount: number) => void
}

/** Cuts a byte stream into lines without ever holding more than `maxLineBytes`. */
export function createLineSplitter({ maxLineBytes, onLine, onDropped }: LineSplitterOptions): LineSplitter {
	let parts: Buffer[] = []
	let size = 0
	const add = (part: Buffer): void => {
		size += part.length
		if (size <= maxLineBytes) parts.push(part)
		else parts = []
	}
	const finish = (): void => {
		if (size > maxLineBytes) onDropped(size)
		else if (size > 0) {
			const line = Buffer.concat(parts).toString('utf8')
			onLine(line.endsWith('\r') ? line.slice(0, -1) : line)
		}
		parts = []
		size = 0
	}
	return {
		push(chunk) {
			let start = 0
			for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
				add(chunk.subarray(start, end))
				finish()
				start = end + 1
			}
			if (start < chunk.length) add(chunk.subarray(start))
		},
		end: finish,
	}
}
