import type { GitObject } from './objects.ts'

/** One entry of a directory. `mode` is git's, without a leading zero: 100644, 100755, 120000 (symlink), 160000 (submodule), 40000 (directory). */
export interface TreeEntry {
	name: string
	mode: string
	id: string
}

export interface Commit {
	id: string
	tree: string
	parents: string[]
}

/** A reference from one object to another; null stands for "does not exist" on both sides. */
export interface RefUpdate {
	ref: string
	old: string | null
	new: string | null
}

/** What became of one update. When it was not made, `actual` is where the reference stands now and `reason` is the server's word. */
export type RefOutcome = { ref: string; isDone: true } | { ref: string; isDone: false; reason: string; actual: string | null }

/** One outcome for each update, in their order. */
export type PushResult = RefOutcome[]

export interface PushOptions {
	/** All updates or none; true unless said otherwise. */
	isAtomic?: boolean
}

/**
 * A git repository as landing needs it. Reads of objects return null for what is not there. Everything throws GIT_UPSTREAM
 * when the host of the repository cannot be reached or answers nonsense, and WORKSPACE_NOT_FOUND when it has no such repository.
 */
export interface GitStore {
	readRef(ref: string): Promise<string | null>
	/** Where the named references stand, in one request; those that do not exist are left out. */
	readRefs(refs: readonly string[]): Promise<Map<string, string>>
	/** Name of the branch that a clone checks out, for example `main`; it may not have a commit yet. */
	defaultBranch(): Promise<string>
	/**
	 * A hint that the tree of this commit and these blobs will be read: a host that can hand them over in one request does so. Never throws.
	 */
	readAhead(commit: string, blobs: readonly string[]): Promise<void>
	readCommit(id: string): Promise<Commit | null>
	readTree(treeId: string): Promise<TreeEntry[] | null>
	/** Throws PATCH_TOO_LARGE for a file that no patch can be for. */
	readBlob(id: string): Promise<Uint8Array | null>
	/** Stores the objects and moves the references, each only from its `old`. A reference that stands elsewhere is a returned outcome. */
	push(updates: readonly RefUpdate[], objects: readonly GitObject[], options?: PushOptions): Promise<PushResult>
	/** Lets go of what the store holds at the host; it is not used afterwards. */
	dispose(): void
}
