import { GitObjectId } from '@shared/contracts'
import { z } from 'zod'

// Only what is used of GitHub's events. They are loose: GitHub adds fields at any time.

const Account = z.object({ login: z.string().min(1).max(100), type: z.string() })
const Repository = z.object({ full_name: z.string().max(201), pushed_at: z.union([z.number(), z.string()]).nullish() })
const Comment = z.object({ id: z.number().int().positive(), body: z.string(), user: Account.nullable() })
const Pull = z.object({
	number: z.number().int().positive(),
	head: z.object({ ref: z.string().min(1).max(500), sha: GitObjectId.nullable(), repo: Repository.nullable() }),
	merged: z.boolean().nullish(),
	merge_commit_sha: GitObjectId.nullish(),
	closed_at: z.string().nullish(),
})
const Base = { repository: Repository, sender: Account }

export const IssueCommentEvent = z.object({
	...Base,
	action: z.string(),
	comment: Comment,
	issue: z.object({ number: z.number().int().positive(), pull_request: z.looseObject({}).nullish() }),
})
export type IssueCommentEvent = z.infer<typeof IssueCommentEvent>

export const ReviewCommentEvent = z.object({
	...Base,
	action: z.string(),
	comment: Comment.extend({ path: z.string().max(4096), line: z.number().int().positive().nullish(), in_reply_to_id: z.number().nullish() }),
	pull_request: Pull,
})
export type ReviewCommentEvent = z.infer<typeof ReviewCommentEvent>

export const PullRequestEvent = z.object({ ...Base, action: z.string(), pull_request: Pull })
export type PullRequestEvent = z.infer<typeof PullRequestEvent>

export const PushEvent = z.object({ ...Base, ref: z.string().min(1).max(500), before: GitObjectId, after: GitObjectId, forced: z.boolean() })
export type PushEvent = z.infer<typeof PushEvent>
