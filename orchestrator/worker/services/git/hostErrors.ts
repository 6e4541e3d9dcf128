import { AppError, isAppError } from '@shared/contracts'

/** The code of an error that the Artifacts binding threw, some of which are also codes of ours; undefined for any other error. */
export function hostCode(error: unknown): string | undefined {
	return error instanceof Error && error.name === 'ArtifactsError' && 'code' in error ? String(error.code) : undefined
}

const BUSY = new Set(['CREATE_IN_PROGRESS', 'IMPORT_IN_PROGRESS', 'FORK_IN_PROGRESS'])

/** What opening a repository of the host failed with, as a failure with a name. */
export function openFailure(error: unknown, workspaceId: string): AppError {
	const code = hostCode(error)
	if (code === undefined && isAppError(error)) return error
	if (code === 'NOT_FOUND') return new AppError('WORKSPACE_NOT_FOUND', `The repository of workspace ${workspaceId} is gone from its host. Create a new workspace.`)
	if (code !== undefined && BUSY.has(code)) return new AppError('UNAVAILABLE', `Workspace ${workspaceId} is still being made (${code}). Try again in a moment.`)
	return new AppError('GIT_UPSTREAM', `The host of workspace ${workspaceId} failed (${code ?? 'no answer'}). Try again.`)
}

const IMPORT_HELP: Record<string, string> = {
	INVALID_INPUT: 'The host imports public repositories over https only. Check the URL.',
	INVALID_URL: 'No git repository answers there. Check the URL; it is the one that git clone takes.',
	REMOTE_AUTH_REQUIRED: 'The repository is private. Create an empty workspace and push to it instead.',
	NOT_FOUND: 'There is no such repository, or it is private. Check the URL, or create an empty workspace and push to it.',
	MEMORY_LIMIT: 'The repository is too large to import. Create an empty workspace and push a shallow copy to it.',
	UPSTREAM_UNAVAILABLE: 'The server did not answer, or its certificate is not trusted. Try again, or create an empty workspace and push to it.',
}

/** What an import failed with, and what to do about it. */
export function importFailure(error: unknown, importUrl: string): AppError {
	if (hostCode(error) === undefined && isAppError(error)) return error
	const code = hostCode(error) ?? 'no answer'
	const help = IMPORT_HELP[code] ?? 'Try again, or create an empty workspace and push to it.'
	return new AppError('WORKSPACE_IMPORT_FAILED', `${importUrl} could not be imported (${code}). ${help}`, { importUrl, reason: code })
}
