import { z } from 'zod'
import type { PullRequestFacts } from '../github/pullRequestBody.ts'

/** What the event `validated` of a set keeps of each command. */
const Validated = z.object({
	commands: z.array(z.object({ command: z.string(), verdict: z.string(), outputTail: z.string() })),
})

/** What the validation of a set ran. The newest one counts: the set may have been merged, and validated, more than once. */
export function evidenceOf(events: readonly { eventType: string; metadata: unknown }[]): PullRequestFacts['evidence'] {
	const newest = Validated.safeParse(events.findLast(({ eventType }) => eventType === 'validated')?.metadata)
	if (!newest.success) return []
	return newest.data.commands.map(({ command, verdict, outputTail }) => {
		const isPassed = verdict === 'passed'
		// What does not pass could land because it fails without the change as well, or because a person allowed it.
		return { name: isPassed ? command : `${command} (${verdict})`, isPassed, output: outputTail }
	})
}
