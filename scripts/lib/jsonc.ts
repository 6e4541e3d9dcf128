/** Where a property of the outermost object stands in the text. */
interface Property {
	key: string
	keyStart: number
	valueStart: number
	valueEnd: number
}

const TOKENS = /"(?:[^"\\]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g

/** The same text with comments and trailing commas blanked out, so that offsets stay true. */
function blank(text: string): string {
	const withoutComments = text.replace(TOKENS, (token) => (token.startsWith('"') ? token : token.replace(/[^\n]/g, ' ')))
	return withoutComments.replace(/"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])/g, (token) => (token === ',' ? ' ' : token))
}

/** Parses JSON with comments and trailing commas. Throws SyntaxError on anything else. */
export function parseJSONC(text: string): unknown {
	return JSON.parse(blank(text))
}

function properties(text: string): Property[] {
	const plain = blank(text)
	const found: Property[] = []
	let depth = 0
	let key: { name: string; start: number } | undefined
	let valueStart = -1
	const close = (end: number) => {
		if (key && valueStart >= 0) found.push({ key: key.name, keyStart: key.start, valueStart, valueEnd: plain.slice(0, end).trimEnd().length })
		key = undefined
		valueStart = -1
	}
	for (const match of plain.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s{}[\]:,"]+/g)) {
		const token = match[0]
		const isValue = depth === 1 && key !== undefined && token !== ':' && valueStart < 0
		if (depth === 1 && !key && token.startsWith('"')) key = { name: JSON.parse(token), start: match.index }
		else if (isValue && token !== '}') valueStart = match.index
		if (depth === 1 && (token === ',' || token === '}')) close(match.index)
		if (token === '{' || token === '[') depth += 1
		if (token === '}' || token === ']') depth -= 1
	}
	return found
}

/** JSON on one line with the spaces people write; a list of objects has one line an object. */
export function formatJSON(value: unknown, indent = '\t'): string {
	if (Array.isArray(value)) {
		const items = value.map((item: unknown) => formatJSON(item, `${indent}\t`))
		const hasObjects = value.some((item) => typeof item === 'object' && item !== null)
		return hasObjects ? `[\n${items.map((item) => `${indent}\t${item}`).join(',\n')}\n${indent}]` : `[${items.join(', ')}]`
	}
	if (typeof value === 'object' && value !== null) {
		const entries = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${formatJSON(item, indent)}`)
		return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`
	}
	return JSON.stringify(value)
}

/** The text with one property of its outermost object set; comments and everything else stay as they are. */
export function setProperty(text: string, key: string, value: unknown): string {
	const all = properties(text)
	const own = all.find((property) => property.key === key)
	if (own) return text.slice(0, own.valueStart) + formatJSON(value) + text.slice(own.valueEnd)
	const last = all.at(-1)
	const line = `\n\t${JSON.stringify(key)}: ${formatJSON(value)}`
	if (!last) return text.replace('{', `{${line}\n`)
	const hasComma = /^\s*,/.test(text.slice(last.valueEnd))
	const at = hasComma ? text.indexOf(',', last.valueEnd) + 1 : last.valueEnd
	return `${text.slice(0, at)}${hasComma ? '' : ','}${line}${hasComma ? ',' : ''}${text.slice(at)}`
}
