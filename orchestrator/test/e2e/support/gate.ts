import { globSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PlacedOrder, Stack } from './stack.ts'

/** Looks until there is an answer; throws with `what` after `timeoutMs`. */
export async function until<Answer>(what: string, look: () => Answer | undefined | Promise<Answer | undefined>, timeoutMs = 60_000): Promise<Answer> {
	const deadline = Date.now() + timeoutMs
	for (;;) {
		const answer = await look()
		if (answer !== undefined) return answer
		if (Date.now() > deadline) throw new Error(`It did not happen within ${timeoutMs} ms: ${what}`)
		await sleep(25)
	}
}

/** A run that stands at a gate: where it works, and on which runner. */
export interface Waiting {
	runner: string
	folder: string
	/** Lets it go on. */
	open: () => void
}

export interface Gate {
	/** For a shell of the run: waits until the test opens, and leaves nothing behind. */
	shell: string
	/** Waits until a run of the order stands here, other than `except`; throws when the order ends before. */
	reached: (placed: PlacedOrder, except?: Waiting) => Promise<Waiting>
}

/** A place in a run where it waits for the test, so that the test can act while the run is going on. */
export function createGate(stack: Stack, name: string): Gate {
	const [waits, opens] = [`.waits-at-${name}`, `.opens-${name}`]
	return {
		shell: `touch ${waits}; until test -e ${opens}; do sleep 0.05; done; rm ${waits} ${opens}`,
		reached: ({ executionId }, except) =>
			until(`a run stands at the gate ${name}`, async () => {
				const found = globSync(`${stack.stateDir}/runners/*/runs/*/*/${waits}`).map(dirname).find((folder) => folder !== except?.folder)
				if (found === undefined) {
					const { completedAt, status, error } = await stack.client.execution(executionId)
					if (completedAt !== null) throw new Error(`No run comes to the gate ${name}: the execution is ${status}. ${JSON.stringify(error)}`)
					return undefined
				}
				const runner = basename(dirname(dirname(dirname(found))))
				return { runner, folder: found, open: () => writeFileSync(join(found, opens), '') }
			}),
	}
}

