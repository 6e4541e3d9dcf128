import { verifyWithFallback } from '@octokit/webhooks-methods'
import { AppError } from '@shared/contracts'
import { readCommand } from './webhookCommands.ts'
import type { WebhookCommand } from './webhookCommands.ts'

/** What an event may have at most. GitHub's own limit is 25 MB, which only pushes of thousands of commits come near. */
export const MAX_WEBHOOK_BYTES = 4 * 1024 * 1024

/** A request as it came in: the signature is over the very bytes. */
export interface WebhookRequest {
	headers: Headers
	body: Uint8Array
}

export interface WebhookDelivery {
	/** `X-GitHub-Delivery`: the same for a repeated delivery. It is not signed. */
	deliveryId: string
	event: string
	command: WebhookCommand
}

/**
 * The event of a request whose signature is right. `secrets` are the webhook secret and, while it is being changed, the one before.
 * Throws NOT_CONFIGURED without a secret, PAYLOAD_TOO_LARGE, UNAUTHENTICATED, UNSUPPORTED_MEDIA_TYPE, INVALID_INPUT, INVALID_JSON; nothing is
 * parsed before the signature was checked.
 */
export async function readWebhook({ headers, body }: WebhookRequest, secrets: readonly string[]): Promise<WebhookDelivery> {
	if (body.length > MAX_WEBHOOK_BYTES) throw new AppError('PAYLOAD_TOO_LARGE', `The event has ${body.length} bytes; at most ${MAX_WEBHOOK_BYTES} are taken.`)
	const text = await verified(body, headers.get('x-hub-signature-256'), secrets)
	if (!/^application\/json\b/i.test(headers.get('content-type') ?? '')) {
		throw new AppError('UNSUPPORTED_MEDIA_TYPE', 'Events are taken as application/json only. Set the content type of the webhook.')
	}
	const deliveryId = header(headers, 'x-github-delivery', /^[\w-]{1,100}$/)
	const event = header(headers, 'x-github-event', /^[a-z_]{1,60}$/)
	return { deliveryId, event, command: readCommand(event, parseJSON(text)) }
}

/**
 * What makes two deliveries one. An order has the id of its comment, because the delivery id is not signed: whoever caught a request
 * could send it again under another one. The same event of a webhook of the repository and of the App is one too.
 */
export function dedupeKey({ deliveryId, command }: WebhookDelivery): string {
	switch (command.kind) {
		case 'order':
			return `github:comment:${command.repo}:${command.commentId}`
		case 'followup':
			return `github:review-comment:${command.repo}:${command.commentId}`
		case 'merged':
		case 'closed':
			return `github:pull:${command.repo}:${command.pullRequest}:${command.kind}:${command.closedAt ?? ''}`
		case 'pushed':
			return `github:push:${command.repo}:${command.ref}:${command.before ?? ''}:${command.after ?? ''}:${command.pushedAt}`
		case 'ping':
		case 'ignored':
			return `github:delivery:${deliveryId}`
	}
}

async function verified(body: Uint8Array, signature: string | null, secrets: readonly string[]): Promise<string> {
	const [secret, ...older] = secrets.filter((known) => known !== '')
	if (secret === undefined) throw new AppError('NOT_CONFIGURED', 'There is no GITHUB_WEBHOOK_SECRET, so no event can be trusted. Set it here and in the webhook.')
	// The library also takes a digest without its prefix.
	if (signature === null || !/^sha256=[0-9a-f]{64}$/i.test(signature)) throw refused()
	try {
		const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
		if (await verifyWithFallback(secret, text, signature, older)) return text
	} catch {
		// An empty body, or one that is not text, throws instead of being refused.
	}
	throw refused()
}

const refused = () => new AppError('UNAUTHENTICATED', 'The event is not signed with our secret. Check the secret of the webhook.')

function header(headers: Headers, name: string, pattern: RegExp): string {
	const value = headers.get(name) ?? ''
	if (!pattern.test(value)) throw new AppError('INVALID_INPUT', `The header ${name} is missing or not what GitHub sends.`)
	return value
}

function parseJSON(text: string): unknown {
	try {
		return JSON.parse(text)
	} catch {
		throw new AppError('INVALID_JSON', 'The body of the event is not JSON.')
	}
}
