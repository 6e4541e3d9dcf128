/** What a check found. `problems` is empty when all is well. */
export interface Findings {
	problems: string[]
	/** A figure or two worth reading when all is well. */
	note?: string
}

export interface Check {
	name: string
	/** How a person repairs what it finds. */
	remedy: string
	run(root: string): Promise<Findings>
}
