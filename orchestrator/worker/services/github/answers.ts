import { AppError, GitObjectId } from '@shared/contracts'
import { z } from 'zod'

// Only what is used of GitHub's answers. They are loose: GitHub adds fields at any time.

export const RefAnswer = z.object({ object: z.object({ sha: GitObjectId }) })
export const MadeAnswer = z.object({ sha: GitObjectId })
export const CommitAnswer = z.object({ sha: GitObjectId, tree: MadeAnswer, parents: z.array(MadeAnswer) })
export const TreeAnswer = z.object({
	sha: GitObjectId,
	tree: z.array(z.object({ path: z.string().min(1), mode: z.string().regex(/^[0-7]{5,6}$/), sha: GitObjectId })),
	truncated: z.boolean(),
})
export const RepoAnswer = z.object({ full_name: z.string().min(3), default_branch: z.string().min(1) })
export const PermissionAnswer = z.object({ permission: z.string(), role_name: z.string().optional() })
export const PullAnswer = z.object({
	number: z.number().int().positive(),
	html_url: z.string(),
	title: z.string(),
	body: z.string().nullable(),
	base: z.object({ ref: z.string() }),
})
export type PullAnswer = z.infer<typeof PullAnswer>
export const PullHeadAnswer = z.object({ head: z.object({ ref: z.string().min(1), repo: z.object({ full_name: z.string() }).nullable() }) })
export const PullsAnswer = z.array(PullAnswer)
export const InstallationAnswer = z.object({ id: z.number().int().positive() })
export const TokenAnswer = z.object({ token: z.string().min(1), expires_at: z.iso.datetime() })

/** The answer in its shape. Throws GIT_UPSTREAM: what stands between us and GitHub may answer anything. */
export function readAnswer<T>(schema: z.ZodType<T>, data: unknown, what: string): T {
	const parsed = schema.safeParse(data)
	if (parsed.success) return parsed.data
	throw new AppError('GIT_UPSTREAM', `GitHub's answer about ${what} is not what it should be (${parsed.error.issues[0]?.path.join('.') ?? 'unreadable'}). Try again.`)
}
