import type { z } from 'zod'
import { AppError } from '@shared/contracts'
import { NULL_ID } from '../git/objects.ts'
import { IssueCommentEvent, PullRequestEvent, PushEvent, ReviewCommentEvent } from './webhookPayloads.ts'

/** Who asked, and what the orchestrator has to make sure of before it starts paid work. */
interface Asked {
	/** `owner/name`. */
	repo: string
	prompt: string
	/** Login of who wrote the comment. */
	author: string
	/** What the author must have: see `hasWriteAccess`. */
	needs: 'write'
	commentId: number
}

/** What an event asks the orchestrator to do. `isOurs` says that the branch is one that the orchestrator made. */
export type WebhookCommand =
	| (Asked & { kind: 'order'; branch?: string; issue: number; isPullRequest: boolean })
	| (Asked & { kind: 'followup'; pullRequest: number; branch: string; path?: string; line?: number })
	| { kind: 'merged' | 'closed'; repo: string; pullRequest: number; branch: string; isOurs: boolean; commit: string | null; closedAt: string | null; by: string }
	| { kind: 'pushed'; repo: string; ref: string; before: string | null; after: string | null; isForced: boolean; by: string; pushedAt: string }
	| { kind: 'ping' }
	| { kind: 'ignored'; reason: string }

/** In every comment that the orchestrator writes, so that it never answers itself, whoever's token it writes with. */
export const OWN_COMMENT = '<!-- vibehq -->'
const OWN_BRANCH = /^factory\//
const MAX_PROMPT = 60_000
const BRANCH = /^(?!.*(?:\.\.|\/\/))(?![-/.])[\w./-]{1,200}(?<![./])$/

/** Throws INVALID_INPUT for an event that is not in GitHub's shape. Events that nobody asked for are `ignored`. */
export function readCommand(event: string, payload: unknown): WebhookCommand {
	if (event === 'ping') return { kind: 'ping' }
	if (event === 'issue_comment') return fromIssueComment(parse(IssueCommentEvent, payload, event))
	if (event === 'pull_request_review_comment') return fromReviewComment(parse(ReviewCommentEvent, payload, event))
	if (event === 'pull_request') return fromPullRequest(parse(PullRequestEvent, payload, event))
	if (event === 'push') return fromPush(parse(PushEvent, payload, event))
	return ignored(`events of kind ${event} are not used`)
}

function parse<T>(schema: z.ZodType<T>, payload: unknown, event: string): T {
	const parsed = schema.safeParse(payload)
	if (parsed.success) return parsed.data
	const issues = parsed.error.issues.slice(0, 10).map(({ path, message }) => ({ path: path.join('.'), message }))
	throw new AppError('INVALID_INPUT', `The ${event} event is not in GitHub's shape (${issues[0]?.path ?? ''}).`, { issues })
}

const ignored = (reason: string): WebhookCommand => ({ kind: 'ignored', reason })

type Commented = IssueCommentEvent | ReviewCommentEvent

/** Why a comment starts nothing, or null. Only new ones count: an edit could repeat an order, or change it after it was paid for. */
function whyNot({ action, comment, sender }: Commented): string | null {
	if (action !== 'created') return `a comment was ${action.slice(0, 20)}`
	if (comment.user === null) return 'its author is gone'
	if (comment.user.login !== sender.login) return 'somebody else sent it'
	if ([comment.user, sender].some(({ type, login }) => type !== 'User' || login.endsWith('[bot]'))) return 'a program wrote it'
	if (comment.body.includes(OWN_COMMENT)) return 'the orchestrator wrote it'
	return null
}

/** What stands behind `/vibehq` at the very beginning, with a branch if it names one: `/vibehq branch=develop fix the build`. */
function readPrompt(body: string): { prompt: string; branch?: string } | null {
	const [, rest] = /^\s*\/vibehq(?:\s+([^]*))?$/.exec(body) ?? []
	if (rest === undefined) return null
	const [, name, prompt] = /^branch=(\S+)\s+([^]*)$/.exec(rest) ?? []
	return name !== undefined && prompt !== undefined && BRANCH.test(name) ? { prompt: prompt.trim(), branch: name } : { prompt: rest.trim() }
}

function lengthProblem(prompt: string): string | null {
	if (prompt === '') return 'it asks for nothing'
	return prompt.length > MAX_PROMPT ? `it is longer than ${MAX_PROMPT} characters` : null
}

function fromIssueComment(event: IssueCommentEvent): WebhookCommand {
	const { comment, issue, repository } = event
	const asked = readPrompt(comment.body)
	if (asked === null) return ignored('the comment does not start with /vibehq')
	const problem = whyNot(event) ?? lengthProblem(asked.prompt)
	if (problem !== null) return ignored(problem)
	return { kind: 'order', repo: repository.full_name, ...asked, author: event.sender.login, needs: 'write', commentId: comment.id, issue: issue.number, isPullRequest: Boolean(issue.pull_request) }
}

/** Every new remark on our own pull requests is meant for us; an answer in a thread is people talking, unless it says /vibehq. */
function fromReviewComment(event: ReviewCommentEvent): WebhookCommand {
	const { comment, pull_request: pull, repository } = event
	if (!isOurs(event)) return ignored('the pull request is not ours')
	const asked = readPrompt(comment.body)
	if (asked === null && typeof comment.in_reply_to_id === 'number') return ignored('an answer in a thread does not start with /vibehq')
	const prompt = asked?.prompt ?? comment.body.trim()
	const problem = whyNot(event) ?? lengthProblem(prompt)
	if (problem !== null) return ignored(problem)
	return {
		kind: 'followup',
		repo: repository.full_name,
		pullRequest: pull.number,
		branch: pull.head.ref,
		prompt,
		author: event.sender.login,
		needs: 'write',
		commentId: comment.id,
		path: comment.path,
		...(typeof comment.line === 'number' ? { line: comment.line } : {}),
	}
}

// A fork may name its branch as we do.
const isOurs = ({ pull_request: { head }, repository }: { pull_request: PullRequestEvent['pull_request']; repository: { full_name: string } }) =>
	OWN_BRANCH.test(head.ref) && head.repo?.full_name === repository.full_name

function fromPullRequest(event: PullRequestEvent): WebhookCommand {
	const { action, pull_request: pull, repository, sender } = event
	if (action !== 'closed') return ignored(`a pull request was ${action.slice(0, 40)}`)
	const isMerged = pull.merged === true
	return {
		kind: isMerged ? 'merged' : 'closed',
		repo: repository.full_name,
		pullRequest: pull.number,
		branch: pull.head.ref,
		isOurs: isOurs(event),
		commit: (isMerged ? pull.merge_commit_sha : pull.head.sha) ?? null,
		closedAt: pull.closed_at ?? null,
		by: sender.login,
	}
}

const orNull = (id: string) => (id === NULL_ID ? null : id)

function fromPush({ ref, before, after, forced, repository, sender }: PushEvent): WebhookCommand {
	return { kind: 'pushed', repo: repository.full_name, ref, before: orNull(before), after: orNull(after), isForced: forced, by: sender.login, pushedAt: String(repository.pushed_at ?? '') }
}
