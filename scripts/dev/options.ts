import { parseArgs } from 'node:util'

/** Parses flags; prints what is wrong with the usage and returns null when they do not fit. */
export function parseOptions(args: string[], flags: Record<string, 'string' | 'boolean'>, usage: string): Record<string, string | boolean | undefined> | null {
	try {
		const { values } = parseArgs({ args, options: Object.fromEntries(Object.entries(flags).map(([name, type]) => [name, { type }])), strict: true })
		return values as Record<string, string | boolean | undefined>
	} catch (error) {
		process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}\n`)
		return null
	}
}
