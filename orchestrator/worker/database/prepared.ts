import type { Compilable, CompiledQuery } from 'kysely'
import { AppError } from '@shared/contracts'

type Value = string | number | null

/** Stands for a value while a statement is built. Whoever looks at it would decide once for all calls, so that throws. */
class Placeholder {
	readonly name: string
	constructor(name: string) {
		this.name = name
	}
	toJSON(): never {
		return this.#refuse()
	}
	[Symbol.toPrimitive](): never {
		return this.#refuse()
	}
	#refuse(): never {
		throw new AppError('INTERNAL', `The value ${this.name} of a prepared statement was used for more than binding it.`)
	}
}

/**
 * A statement whose text is made once an isolate; a call only binds its values. For the hot ones: building and compiling one takes as
 * long as D1 takes to run it. `build` gets placeholders, which it may bind and nothing else: no condition, no JSON, no arithmetic
 * outside of SQL.
 */
export function prepared<Values extends { [Name in keyof Values]: Value }, Row>(build: (values: Values) => Compilable<Row>): (values: Values) => Compilable<Row> {
	let known: CompiledQuery<Row> | undefined
	const compiled = () => (known ??= build(new Proxy({}, { get: (_, name) => new Placeholder(String(name)) }) as Values).compile())
	return (values) => ({
		compile() {
			const query = compiled()
			return { ...query, parameters: query.parameters.map((parameter) => (parameter instanceof Placeholder ? values[parameter.name as keyof Values] : parameter)) }
		},
	})
}
