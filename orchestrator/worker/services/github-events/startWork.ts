import { AppError, isAppError } from '@shared/contracts'
import type { OrderCreated } from '@shared/contracts'
import { hasWriteAccess } from '../github/access.ts'
import { PullHeadAnswer, readAnswer, RepoAnswer } from '../github/answers.ts'
import type { GitHubClient } from '../github/githubClient.ts'
import { parseGitHubRepo } from '../github/githubRepo.ts'
import type { GitHubRepo } from '../github/githubRepo.ts'
import { inlineCode } from '../github/untrustedText.ts'
import type { WebhookCommand } from '../github/webhookCommands.ts'
import { answerComment } from './answerComment.ts'
import { done, ignored, orderOfBranch } from './context.ts'
import type { EventOutcome, GitHubEventsDeps } from './context.ts'

type OrderCommand = Extract<WebhookCommand, { kind: 'order' }>
type FollowupCommand = Extract<WebhookCommand, { kind: 'followup' }>
type Started = Pick<OrderCreated, 'orderId' | 'taskId'>

/** Starts what a person asks for in a comment. GitHub decides who that is and may be; nothing of the comment counts before it says that they may write. */
export function createStartWork({ db, clientFor, orders, publicURL, workerName }: GitHubEventsDeps) {
	const origin = { workerName }

	/** Does the work for a person who may write, and answers below the issue or pull request of that number. */
	async function answered(command: OrderCommand | FollowupCommand, number: number, start: (client: GitHubClient, place: GitHubRepo) => Promise<Started>): Promise<EventOutcome> {
		const place = parseGitHubRepo(command.repo)
		const client = clientFor(place, 'write')
		if (!(await hasWriteAccess(client, place, command.author))) return ignored(`${command.author} may not write to ${command.repo}`)
		const answer = (text: string) => answerComment(clientFor(place, 'comment'), place, { number, text })
		try {
			const started = await start(client, place)
			return done({ ...started, isAnswered: await answer(toldOf(started)) })
		} catch (error) {
			const stored = storedBy(error)
			if (!isAppError(error) || (error.retryable && stored === null)) throw error
			const problem = `${error.code}: ${error.message}`
			const text = stored === null ? `This could not be started. ${problem}` : `${toldOf(stored)}\n\nIt could not be started yet. ${problem}`
			return done({ ...stored, refused: error.code, isAnswered: await answer(text) })
		}
	}

	/** `/vibehq <prompt>`: a new order, or one more task of the order whose pull request is commented on. */
	const startOrder = (command: OrderCommand) =>
		answered(command, command.issue, async (client, place) => {
			const { repo, commentId, author, issue, prompt } = command
			const branch = command.branch ?? (await branchOf(command, client, place))
			const known = command.branch === undefined ? await orderOfBranch(db, { repo, branch }) : null
			if (known !== null) return addTask(known.orderId, prompt, `github comment ${commentId}`)
			const { orderId, taskId } = await orders.create({ prompt, workspace: { kind: 'github', repo, branch }, context: { gitHub: { repo, issue, commentId, author } } }, origin, `github comment ${commentId}`)
			return { orderId, taskId }
		})

	/** The branch that an issue or pull request is about. Throws INVALID_INPUT for a pull request of another repository: its branch is nowhere we may push. */
	async function branchOf({ repo, issue, isPullRequest }: OrderCommand, { rest }: GitHubClient, place: GitHubRepo): Promise<string> {
		if (!isPullRequest) return readAnswer(RepoAnswer, (await rest.repos.get({ ...place })).data, 'the repository').default_branch
		const { head } = readAnswer(PullHeadAnswer, (await rest.pulls.get({ ...place, pull_number: issue })).data, 'the pull request')
		if (head.repo?.full_name.toLowerCase() === repo.toLowerCase()) return head.ref
		throw new AppError('INVALID_INPUT', 'The pull request comes from another repository. Name a branch of this one: /vibehq branch=<name> <what to do>')
	}

	/** A remark on the pull request of an order: one more task of it. */
	async function followUp(command: FollowupCommand): Promise<EventOutcome> {
		const order = await orderOfBranch(db, command)
		if (order === null) return ignored('no order has that branch')
		return answered(command, command.pullRequest, () => addTask(order.orderId, aboutPlace(command), `github review comment ${command.commentId}`))
	}

	/** The key is the comment's: work that was cut off before it was on record finds what it has made. */
	const addTask = async (orderId: Started['orderId'], prompt: string, idempotencyKey: string): Promise<Started> => ({ orderId, taskId: (await orders.addTask(orderId, { prompt }, { ...origin, idempotencyKey })).taskId })

	function toldOf({ orderId, taskId }: Started): string {
		const name = `order ${inlineCode(orderId)}, task ${inlineCode(taskId)}`
		return publicURL === undefined ? `Started as ${name}.` : `Started as [${name}](${publicURL.replace(/\/+$/, '')}/api/orders/${orderId}).`
	}

	return { startOrder, followUp }
}

function aboutPlace({ prompt, path, line }: FollowupCommand): string {
	return path === undefined ? prompt : `A reviewer wrote this about ${JSON.stringify(path)}${line === undefined ? '' : `, line ${line}`}:\n\n${prompt}`
}

/** The order and task that a refusal left behind: they are there, so they must not be made again. */
function storedBy(error: unknown): Started | null {
	const { orderId, taskId } = isAppError(error) ? (error.details ?? {}) : {}
	return typeof orderId === 'string' && typeof taskId === 'string' ? ({ orderId, taskId } as Started) : null
}
