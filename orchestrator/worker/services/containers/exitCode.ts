const EXITED = /(?:runtime signalled the container to exit|container exited with unexpected exit code):\s*(\d+)/i

/** The exit code in what the platform throws when a container has ended by a signal or other than with 0; null when it ended otherwise. */
export function exitCodeOf(error: unknown): number | null {
	const code = EXITED.exec(error instanceof Error ? error.message : String(error))?.[1]
	return code === undefined ? null : Number(code)
}
