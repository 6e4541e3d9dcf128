import { parseArgs } from 'node:util'

/** The switches and the other words of a verb; on one that it does not know, says so with the usage and returns undefined. */
export function parseSwitches<Name extends string>(args: string[], names: readonly Name[], usage: string) {
	try {
		const options = Object.fromEntries(names.map((name) => [name, { type: 'boolean', default: false }] as const))
		const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
		return { isOn: (name: Name) => values[name] === true, words: positionals }
	} catch (error) {
		console.error(`${error instanceof Error ? error.message : String(error)}\nUsage: ${usage}`)
		return undefined
	}
}
