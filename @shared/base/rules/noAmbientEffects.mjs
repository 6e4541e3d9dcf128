const CALLS = {
	Date: { now: 'the clock (`now: () => number`)' },
	Math: { random: 'a source of random bytes' },
	crypto: { randomUUID: 'the ids', getRandomValues: 'a source of random bytes' },
	performance: { now: 'the clock (`now: () => number`)' },
}

/** The dependency to inject in place of `Object.method`, or undefined when it is no effect. */
function dependencyFor(node) {
	const object = node.object.type === 'MemberExpression' && node.object.object.name === 'globalThis' ? node.object.property : node.object
	if (object.type !== 'Identifier' || node.property.type !== 'Identifier') return undefined
	if (object.name === 'globalThis' && node.property.name === 'fetch') return 'fetch'
	return CALLS[object.name]?.[node.property.name]
}

/** Uses of a value that no declaration of the file provides; `typeof name` in a type is not a use. */
function freeReferences({ globalScope }, name) {
	const declaredNowhere = globalScope.set.get(name)?.references ?? []
	const undeclared = globalScope.through.filter(({ identifier }) => identifier.name === name)
	const identifiers = new Set([...undeclared, ...declaredNowhere].map(({ identifier }) => identifier))
	return [...identifiers].filter(({ parent }) => parent.type !== 'TSTypeQuery')
}

/** A service that reads the clock, makes ids or fetches by itself cannot be tested for what it does with them. */
export const noAmbientEffects = {
	create(context) {
		const report = (node, what, dependency) =>
			context.report({ node, message: `${what} inside a service: take ${dependency} from the deps of its create function.` })
		return {
			MemberExpression(node) {
				const dependency = dependencyFor(node)
				if (dependency) report(node, context.sourceCode.getText(node), dependency)
			},
			NewExpression(node) {
				if (node.callee.type === 'Identifier' && node.callee.name === 'Date' && node.arguments.length === 0) {
					report(node, 'new Date()', CALLS.Date.now)
				}
			},
			'Program:exit'() {
				for (const node of freeReferences(context.sourceCode.scopeManager, 'fetch')) report(node, 'The global fetch', 'fetch')
			},
		}
	},
}
