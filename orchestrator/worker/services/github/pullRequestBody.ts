import { bounded, fenced, inlineCode } from './untrustedText.ts'

/** What a pull request says. Summary, names, commands and outputs come from agents and repositories: nothing of them is trusted. */
export interface PullRequestFacts {
	orderId: string
	/** What the agent says that it did. */
	summary: string
	/** What was run to check the change. */
	evidence: readonly { name: string; isPassed: boolean; output?: string | undefined }[]
	/** What the order cost so far; `unpricedCalls` come on top. Null when nothing is known. */
	cost: { microUSD: number; unpricedCalls: number } | null
	/** Where the whole trail can be seen; null where there is no such page. */
	auditURL: string | null
	patchSets: readonly { patchSetId: string; executionId: string; provider: string; commit: string }[]
}

/** GitHub takes 65,536 characters; the parts below stay under this together. */
export const MAX_BODY_LENGTH = 60_000
const MAX_SUMMARY = 8000
const MAX_OUTPUT = 4000
const MAX_OUTPUTS = 24_000
const MAX_EVIDENCE = 30
const MAX_PATCH_SETS = 60

/** The text of a pull request. The same facts give the same text, so that an unchanged one need not be sent. */
export function pullRequestBody({ orderId, summary, evidence, cost, auditURL, patchSets }: PullRequestFacts): string {
	const trail = auditURL !== null && /^https?:\/\//.test(auditURL) ? URL.parse(auditURL) : null
	const parts = [
		`VibeHQ made this for order ${inlineCode(orderId)}.${trail === null ? '' : ` [See everything that led to it](${trail.href.replaceAll('(', '%28').replaceAll(')', '%29')}).`}`,
		`### What the agent says\n\n${fenced(summary.trim() === '' ? 'It said nothing.' : summary, MAX_SUMMARY)}`,
		`### What was checked\n\n${evidenceText(evidence)}`,
		`### What landed\n\n${patchSetTable(patchSets)}`,
		`### What it cost\n\n${costText(cost)}`,
	]
	return bounded(parts.join('\n\n'), MAX_BODY_LENGTH)
}

function evidenceText(evidence: PullRequestFacts['evidence']): string {
	if (evidence.length === 0) return 'Nothing was run to check it.'
	const lines = evidence.slice(0, MAX_EVIDENCE).map(({ name, isPassed }) => `- ${isPassed ? 'passed' : '**failed**'}: ${inlineCode(name)}`)
	const outputs: string[] = []
	let room = MAX_OUTPUTS
	for (const { name, output } of evidence.slice(0, MAX_EVIDENCE)) {
		if (output === undefined || output.trim() === '' || room <= 0) continue
		// What went wrong stands at the end of an output.
		const tail = output.trim().slice(-Math.min(MAX_OUTPUT, room))
		room -= tail.length
		outputs.push(`Output of ${inlineCode(name)}:\n\n${fenced(tail, MAX_OUTPUT)}`)
	}
	return [lines.join('\n') + more(evidence.length, MAX_EVIDENCE), ...outputs].join('\n\n')
}

function patchSetTable(patchSets: PullRequestFacts['patchSets']): string {
	if (patchSets.length === 0) return 'Nothing yet.'
	const rows = patchSets.slice(0, MAX_PATCH_SETS).map(({ patchSetId, executionId, provider, commit }) => `| ${[patchSetId, executionId, provider, commit].map((text) => inlineCode(text)).join(' | ')} |`)
	return ['| patch set | execution | provider | commit |', '|---|---|---|---|', ...rows].join('\n') + more(patchSets.length, MAX_PATCH_SETS)
}

const more = (count: number, shown: number) => (count > shown ? `\n\nand ${count - shown} more` : '')

function costText(cost: PullRequestFacts['cost']): string {
	if (cost === null) return 'Not known.'
	const { microUSD, unpricedCalls } = cost
	const amount = `$${(microUSD / 1_000_000).toFixed(4)}`
	return unpricedCalls === 0 ? `${amount}.` : `At least ${amount}; ${unpricedCalls} model calls have no known price.`
}
