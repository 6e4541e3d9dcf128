import { harmless } from '../github/untrustedText.ts'

const MAX_SUBJECT = 72
const MAX_BODY = 8000

/**
 * A commit message: subject, the text where it says more than the subject, and trailers in their own last paragraph, which is the only
 * one that git reads trailers from; so no text can forge one. On GitHub a message that came to the default branch would notify whom it mentions
 * and close the issues it names, so the text is made harmless.
 */
export function commitMessage(text: string, trailers: Record<string, string>): string {
	const clean = harmless(text.toWellFormed().replaceAll('\r\n', '\n').replace(/[\0-\x08\x0b-\x1f\x7f]/g, '')).trim()
	const firstLine = clean.split('\n', 1)[0]?.replace(/^#+\s*/, '').trim() || 'Change made by an agent'
	const subject = firstLine.length <= MAX_SUBJECT ? firstLine : `${cut(firstLine, MAX_SUBJECT - 1).replace(/\s+\S*$/, '')}…`
	const rest = subject === firstLine ? clean.slice(clean.indexOf('\n') + 1 || clean.length).trim() : clean
	const lines = Object.entries(trailers).map(([key, value]) => `${key}: ${value.replace(/\s+/g, ' ').trim()}`)
	return [subject, cut(rest, MAX_BODY).trim(), lines.join('\n')].filter((part) => part !== '').join('\n\n')
}

// Never between the halves of a surrogate pair.
const cut = (text: string, length: number) => text.slice(0, length).replace(/[\ud800-\udbff]$/, '')
