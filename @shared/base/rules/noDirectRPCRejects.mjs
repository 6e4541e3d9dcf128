const ROOTS = /^(env|exports|.*(stub|rpc|binding))$/i

/** The identifier that a chain of members and calls starts from: `env` for `env.TASKS.get(1).run()`. */
function rootName(node) {
	let current = node
	while (current) {
		if (current.type === 'Identifier') return current.name
		if (current.type === 'MemberExpression') current = current.object
		else if (current.type === 'CallExpression') current = current.callee
		else if (current.type === 'TSNonNullExpression' || current.type === 'ChainExpression' || current.type === 'TSAsExpression') current = current.expression
		else return null
	}
	return null
}

/** `expect(env.X.method()).rejects` passes and then ends the run with an unhandled error: the RPC promise is also a proxy. */
export const noDirectRPCRejects = {
	create(context) {
		return {
			MemberExpression(node) {
				if (node.property.type !== 'Identifier' || node.property.name !== 'rejects') return
				const call = node.object
				if (call.type !== 'CallExpression' || call.callee.type !== 'Identifier' || call.callee.name !== 'expect') return
				const promise = call.arguments[0]
				if (promise?.type !== 'CallExpression') return
				const root = rootName(promise.callee)
				if (!root || !ROOTS.test(root)) return
				context.report({
					node: promise,
					message: `An RPC promise given straight to expect(...).rejects ends the run with an unhandled error. Write expect((async () => await ${root}...)()).rejects, or use a helper that catches it.`,
				})
			},
		}
	},
}
