import { parentName, RPC_PARENTS } from './classes.mjs'

/** What an RPC caller could reach although its author thought it hidden; null when the member is fine. */
function leak(member) {
	if (member.static || member.key?.type === 'PrivateIdentifier') return null
	if (member.accessibility === 'private' || member.accessibility === 'protected') return `TypeScript "${member.accessibility}"`
	if (member.kind === 'get') return 'a getter'
	if (member.type === 'AccessorProperty') return 'an accessor'
	return null
}

const nameOf = (member) => member.key?.name ?? member.key?.value ?? 'member'

/** TypeScript's `private` and getters are callable over RPC; only `#private` hides. */
export const rpcPrivacy = {
	create(context) {
		const check = (node) => {
			const parent = parentName(node)
			if (!parent || !RPC_PARENTS.has(parent)) return
			for (const member of node.body.body) {
				const what = leak(member)
				if (!what) continue
				context.report({
					node: member,
					message: `${nameOf(member)}: ${what} on a class that extends ${parent} can be called by every RPC client. Use #${nameOf(member)}, or a function of the module.`,
				})
			}
		}
		return { ClassDeclaration: check, ClassExpression: check }
	},
}
