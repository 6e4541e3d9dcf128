/** The last name of what a class extends: `DurableObject` for `DurableObject<Env>` and for `workers.DurableObject`. */
export function parentName(node) {
	const parent = node.superClass
	if (!parent) return null
	if (parent.type === 'Identifier') return parent.name
	if (parent.type === 'MemberExpression' && parent.property.type === 'Identifier') return parent.property.name
	return null
}

/** Classes whose prototype a caller reaches over RPC. */
export const RPC_PARENTS = new Set(['WorkerEntrypoint', 'BaseWorkerEntrypoint', 'RpcTarget', 'DurableObject', 'Container'])

/** Classes that the platform makes instances of, by name. */
export const PLATFORM_PARENTS = new Set(['WorkerEntrypoint', 'BaseWorkerEntrypoint', 'DurableObject', 'Container', 'WorkflowEntrypoint'])
