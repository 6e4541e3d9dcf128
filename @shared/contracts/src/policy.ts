import { z } from 'zod'

/** What becomes of a patch set that breaks a rule: it lands all the same, a person decides, or it may not land. */
export type PolicyOutcome = z.infer<typeof PolicyOutcome>
export const PolicyOutcome = z.enum(['allow', 'ask', 'refuse'])

/** Rules whose outcome a workspace may choose. Paths that lead out of the workspace or into `.git` are always refused. */
export type PolicyRule = z.infer<typeof PolicyRule>
export const PolicyRule = z.enum(['file-count', 'block-bytes', 'protected-file', 'file-not-allowed', 'outside-scope', 'conflict-markers', 'secret', 'validation-inconclusive'])

/** `*` is anything but a slash, `**` anything, `?` one character; letters match in both cases. */
const Glob = z.string().min(1).max(300)

/** A name of the public internet, or `*.` and one for all names below it; no address, so that nothing inside a network is meant. */
const Host = z
	.string()
	.max(253)
	.regex(/^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/, 'a host name in small letters, or *. and one')
	.refine((host) => !/\.(internal|local|localhost|localdomain|lan|home|intranet|private)$/.test(host), 'a name of a private network')

/**
 * What has to be looked at before an agent changes it: what runs by itself (CI, hooks), what decides which foreign code is taken
 * (lockfiles, registries), and what tells the next agent what to do.
 */
export const PROTECTED_FILES: readonly string[] = [
	'.*/**', '.gitlab-ci.yml', 'Jenkinsfile', 'azure-pipelines.yml', 'bitbucket-pipelines.yml',
	'**/package-lock.json', '**/npm-shrinkwrap.json', '**/pnpm-lock.yaml', '**/yarn.lock', '**/bun.lock', '**/bun.lockb', '**/deno.lock', '**/Cargo.lock',
	'**/poetry.lock', '**/uv.lock', '**/Pipfile.lock', '**/go.sum', '**/Gemfile.lock', '**/composer.lock',
	'**/.npmrc', '**/.yarnrc.yml', '**/.gitmodules', '**/.gitattributes',
	'**/AGENTS.md', '**/CLAUDE.md', '**/GEMINI.md', '**/.cursorrules', '**/.mcp.json',
]

/** What a workspace lets land. */
export type WorkspacePolicy = z.infer<typeof WorkspacePolicy>
export const WorkspacePolicy = z.strictObject({
	maxFiles: z.int().min(1).max(10_000).default(500),
	/** Sum of all blocks, UTF-8 bytes. */
	maxBlockBytes: z.int().min(1).max(24 * 1024 * 1024).default(4 * 1024 * 1024),
	protectedFiles: z.array(Glob).max(300).default([...PROTECTED_FILES]),
	/** When it names any, other files are `file-not-allowed`. */
	allowedFiles: z.array(Glob).max(300).default([]),
	/** What the containers that work on it may reach beside the orchestrator. */
	allowedHosts: z.array(Host).max(100).default([]),
	outcomes: z.partialRecord(PolicyRule, PolicyOutcome).default({}),
	/** How long a person has to decide, in ms. */
	approvalTtlMs: z.int().min(60_000).max(30 * 86_400_000).default(7 * 86_400_000),
	/** Whether a person has to approve what Jules plans before it writes anything; left out, what the orchestrator is set to. */
	planApproval: z.enum(['ask', 'none']).optional(),
	/** Commands that run on every candidate, before those of the order. */
	validate: z.array(z.string().min(1).max(2000)).max(20).default([]),
})

export const DEFAULT_OUTCOMES: Readonly<Record<PolicyRule, PolicyOutcome>> = {
	'file-count': 'refuse',
	'block-bytes': 'refuse',
	'protected-file': 'ask',
	'file-not-allowed': 'refuse',
	'outside-scope': 'refuse',
	'conflict-markers': 'refuse',
	secret: 'refuse',
	'validation-inconclusive': 'ask',
}

/** A place that a task may touch: the whole file, or lines of the base (1-based, inclusive). `path` may be a glob when it names no lines. */
export type ScopeEntry = z.infer<typeof ScopeEntry>
export const ScopeEntry = z
	.strictObject({ path: z.string().min(1).max(4096), start: z.int().min(1).optional(), end: z.int().min(1).optional() })
	.refine(({ start, end }) => (start === undefined) === (end === undefined) && (start ?? 0) <= (end ?? 0), 'give both start and end, start first')
