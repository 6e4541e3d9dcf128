import { parentName, PLATFORM_PARENTS } from './classes.mjs'

/** Files that keep another name, with the reason. */
const EXCEPTIONS = [
	/\/entrypoints\/tasks\.ts$/, // the path that callers of the module know
]

const stem = (filename) => filename.slice(filename.lastIndexOf('/') + 1).replace(/\..*$/, '')

/** True for `class Orders extends WorkerEntrypoint`; an abstract class is a base for others and never an instance. */
function isPlatformClass(node) {
	return node?.type === 'ClassDeclaration' && !node.abstract && PLATFORM_PARENTS.has(parentName(node) ?? '')
}

/** PascalCase exactly when the file exports a class that the platform instantiates, camelCase otherwise. */
export const fileNameCase = {
	create(context) {
		const filename = context.filename.replaceAll('\\', '/')
		if (EXCEPTIONS.some((path) => path.test(filename))) return {}
		const name = stem(filename)
		return {
			Program(node) {
				const declared = node.body.map((statement) => (statement.type.startsWith('Export') ? statement.declaration : null)).filter(Boolean)
				const instantiated = declared.find(isPlatformClass)
				if (instantiated && !/^[A-Z][A-Za-z0-9]*$/.test(name)) {
					context.report({ node: instantiated, message: `${name}: this file exports a class that the platform instantiates; name it ${instantiated.id?.name ?? 'after the class'}.ts` })
				}
				const isBase = declared.some((declaration) => declaration.type === 'ClassDeclaration' && declaration.abstract)
				if (!instantiated && !isBase && !/^[a-z][A-Za-z0-9]*$/.test(name)) {
					context.report({ node, message: `${name}: file names are camelCase; PascalCase is for files that export a class the platform instantiates.` })
				}
			},
		}
	},
}
