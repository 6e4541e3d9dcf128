import { z } from 'zod'

/** One neutral step of a scripted agent; the emulator turns it into the tool call that the real CLI expects. */
export type ScenarioStep = z.infer<typeof ScenarioStep>
export const ScenarioStep = z.union([
	z.strictObject({ edit: z.strictObject({ path: z.string(), old: z.string(), new: z.string() }) }),
	z.strictObject({ write: z.strictObject({ path: z.string(), content: z.string() }) }),
	z.strictObject({ shell: z.string() }),
	z.strictObject({ say: z.string() }),
])

/** What goes wrong, and for how many requests; `times` absent means always. */
export type ScenarioFault = z.infer<typeof ScenarioFault>
export const ScenarioFault = z.strictObject({
	status: z.int().min(400).max(599).optional(),
	retryAfterS: z.number().min(0).optional(),
	stall: z.enum(['headers', 'body']).optional(),
	cut: z.literal(true).optional(),
	garbage: z.literal(true).optional(),
	delayMs: z.int().min(0).optional(),
	times: z.int().min(1).optional(),
})

/** The first scenario whose `match` (regular expression over the prompt) fits is played. */
export type Scenario = z.infer<typeof Scenario>
export const Scenario = z.strictObject({
	name: z.string().min(1),
	match: z.string(),
	/** Only for this provider; absent means whichever asks. */
	provider: z.string().optional(),
	steps: z.array(ScenarioStep).default([]),
	fault: ScenarioFault.optional(),
})

export type ScenarioFile = z.infer<typeof ScenarioFile>
export const ScenarioFile = z.array(Scenario)
