/** What a plan needs to know of a task: its name among the others and what it waits for. */
export interface PlanNode {
	key?: string | undefined
	dependsOn: readonly string[]
}

/** `from` waits for `on`: the position of another task of the same plan, or the id of a task that exists already. */
export interface PlanEdge {
	from: number
	on: number | string
}

/** Which task waits for which, each once. A name that no task of the plan has is taken for the id of another task. */
export function planEdges(nodes: readonly PlanNode[]): PlanEdge[] {
	const positions = new Map(nodes.flatMap((node, position) => (node.key === undefined ? [] : [[node.key, position] as const])))
	return nodes.flatMap((node, from) => [...new Set(node.dependsOn)].map((name) => ({ from, on: positions.get(name) ?? name })))
}

/** Why the tasks cannot be a plan, or null: two of one name, or tasks that wait for each other. */
export function planProblem(nodes: readonly PlanNode[]): string | null {
	const keys = nodes.flatMap((node) => node.key ?? [])
	const double = keys.find((key, position) => keys.indexOf(key) !== position)
	if (double !== undefined) return `Two tasks have the key ${double}. Give each a key of its own.`
	const stuck = stuckNodes(nodes)
	if (stuck.length === 0) return null
	return `The tasks ${stuck.map((position) => nodes[position]?.key ?? `#${position}`).join(', ')} wait for each other: none of them could ever start.`
}

/** Positions of the tasks that could never start: what is left when again and again those that wait for nobody are taken away. */
function stuckNodes(nodes: readonly PlanNode[]): number[] {
	const waits = nodes.map(() => 0)
	const dependents = nodes.map((): number[] => [])
	for (const { from, on } of planEdges(nodes)) {
		if (typeof on !== 'number') continue
		waits[from] = (waits[from] ?? 0) + 1
		dependents[on]?.push(from)
	}
	const free = waits.flatMap((count, position) => (count === 0 ? [position] : []))
	for (let position = free.pop(); position !== undefined; position = free.pop()) {
		for (const dependent of dependents[position] ?? []) {
			waits[dependent] = (waits[dependent] ?? 0) - 1
			if (waits[dependent] === 0) free.push(dependent)
		}
	}
	return waits.flatMap((count, position) => (count > 0 ? [position] : []))
}
