const BENCHES: Record<string, { about: string; load: () => Promise<{ run: (args: string[]) => Promise<number> }> }> = {
	fanout: { about: 'live events to 1,000 WebSocket clients: events a second, delay, and whether each gets all', load: () => import('./fanout.ts') },
	overhead: { about: 'wall time of an order against the same CLI run bare', load: () => import('./overhead.ts') },
	patch: { about: 'patches landed on files that moved on: right, silently wrong, refused, and the time, beside other engines', load: () => import('./patch.ts') },
	queue: { about: 'the container task queue against BullMQ, graphile-worker and pg-boss: add, process, pick up, re-run after a kill', load: () => import('./queue.ts') },
}

/** Runs the bench that is named; prints a table, or with --json one JSON object. */
export async function run(args: string[]): Promise<number> {
	const [name, ...rest] = args
	const bench = name === undefined ? undefined : BENCHES[name]
	if (!bench) {
		const list = Object.entries(BENCHES).map(([key, { about }]) => `  ${key.padEnd(12)} ${about}`)
		process.stderr.write(`npm run bench -- <name> [--json]\n\n${list.join('\n')}\n`)
		return 2
	}
	return (await bench.load()).run(rest)
}
