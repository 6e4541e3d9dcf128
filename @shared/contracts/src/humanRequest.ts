import { z } from 'zod'

/** Something that waits for a person. What is decided is bound to `digest`: another content needs another decision. */
export type HumanRequest = z.infer<typeof HumanRequest>
export const HumanRequest = z.strictObject({
	requestId: z.string(),
	kind: z.enum(['patch-policy', 'validation-inconclusive', 'plan-approval', 'question']),
	/** The execution or batch that waits. */
	subjectId: z.string(),
	orderId: z.string().nullable(),
	question: z.string(),
	details: z.record(z.string(), z.unknown()),
	/** SHA-256 of what is decided on, for example of the patch set. */
	digest: z.string(),
	status: z.enum(['pending', 'approved', 'rejected', 'expired', 'consumed', 'superseded']),
	decidedBy: z.string().nullable(),
	reason: z.string().nullable(),
	/** What a person answered to a question. */
	answer: z.string().nullable(),
	expiresAt: z.int(),
	createdAt: z.int(),
	decidedAt: z.int().nullable(),
})
export type HumanRequestStatus = HumanRequest['status']

/** `digest` says what was looked at: a decision on anything else is refused. */
export type HumanDecision = z.infer<typeof HumanDecision>
export const HumanDecision = z.strictObject({
	decision: z.enum(['approve', 'reject']),
	digest: z.string().max(200),
	reason: z.string().max(2000).optional(),
	answer: z.string().max(20_000).optional(),
})
