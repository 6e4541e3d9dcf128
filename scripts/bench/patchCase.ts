/** One patch and the file it has to land on. */
export interface PatchCase {
	name: string
	/** What the agent saw, and what it made of it. */
	base: string
	target: string
	/** The file on the branch by now. */
	current: string
	/** The right result, or null where refusing is right. */
	truth: string | null
}

export interface Corpus {
	name: string
	/** How the cases were chosen, for the reader of the table. */
	about: string
	cases: PatchCase[]
}
