import type { RestArtifact, RestSessionOutput, RestSessionResource, RestSource } from '@google/jules-sdk/types'

/** Resources typed by what the official SDK publishes, so that whoever parses them is held to Google's own names. */

const SESSION = '31415926535897932384'
const PATCH = 'diff --git a/hello.txt b/hello.txt\n--- a/hello.txt\n+++ b/hello.txt\n@@ -1 +1 @@\n-hello\n+goodbye\n'
const GIT_PATCH = { unidiffPatch: PATCH, baseCommitId: '36ead0a4caefc451b9652ed926a15af9570f4f35', suggestedCommitMessage: 'Say goodbye' }
const CHANGE_SET = { source: 'sources/github/acme/shop', gitPatch: GIT_PATCH }

export const SDK_OUTPUTS: RestSessionOutput[] = [
	{ changeSet: CHANGE_SET },
	{ pullRequest: { url: 'https://github.com/acme/shop/pull/7', title: 'Say goodbye', description: 'As asked.', baseRef: 'main', headRef: 'jules-7' } },
]

export const SDK_SESSION: RestSessionResource = {
	name: `sessions/${SESSION}`,
	id: SESSION,
	prompt: 'Say goodbye',
	sourceContext: { source: 'sources/github/acme/shop', githubRepoContext: { startingBranch: 'main' } },
	title: '[vibehq EXE-1] Say goodbye',
	createTime: '2026-01-26T10:00:00.123456Z',
	updateTime: '2026-01-26T10:20:00.123456789Z',
	state: 'COMPLETED',
	url: `https://jules.google.com/session/${SESSION}`,
	outputs: SDK_OUTPUTS,
}

export const SDK_ARTIFACTS: RestArtifact[] = [
	{ changeSet: CHANGE_SET },
	{ media: { data: 'aGVsbG8=', mimeType: 'image/png' } },
	{ bashOutput: { command: 'npm test', output: '1 failed', exitCode: 1 } },
]

export const SDK_SOURCE: RestSource = {
	name: 'sources/github/acme/shop',
	id: 'github/acme/shop',
	githubRepo: { owner: 'acme', repo: 'shop', isPrivate: true, defaultBranch: { displayName: 'main' }, branches: [{ displayName: 'main' }, { displayName: 'next' }] },
}
