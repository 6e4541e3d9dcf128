const OWN = 60
const WHOLE = 200

const linesOf = (node) => node.loc.end.line - node.loc.start.line + 1

/**
 * At most 60 lines a function. A factory such as `createOrders(deps)` counts like a class: each function inside it counts by
 * itself, and the whole may not pass 200 lines, where it has become two ideas.
 */
export const maxFunctionLines = {
	create(context) {
		const open = []
		const enter = (node) => open.push({ node, inner: 0 })
		const leave = () => {
			const { node, inner } = open.pop()
			const whole = linesOf(node)
			const outer = open.at(-1)
			if (outer && whole > 1) outer.inner += whole
			const name = node.id?.name ?? node.parent?.id?.name ?? node.parent?.key?.name ?? 'this function'
			if (whole - inner > OWN) context.report({ node, message: `${name} has ${whole - inner} lines of its own; at most ${OWN}. Give a part of it a name.` })
			else if (whole > WHOLE) context.report({ node, message: `${name} and the functions inside it have ${whole} lines; at most ${WHOLE}. Split it by concept.` })
		}
		return {
			FunctionDeclaration: enter,
			FunctionExpression: enter,
			ArrowFunctionExpression: enter,
			'FunctionDeclaration:exit': leave,
			'FunctionExpression:exit': leave,
			'ArrowFunctionExpression:exit': leave,
		}
	},
}
