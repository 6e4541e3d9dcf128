import { delimiter, dirname, isAbsolute } from 'node:path'

// Programs that must trust a company's certificate authority find it by these; none of them is a secret.
const CA_VARIABLES = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'GIT_SSL_CAINFO']
const PROXY_VARIABLES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy']

/** PATH for child programs: ours without relative entries, and the directory of this node, so that `node` always exists. */
export function toolPath(env: Record<string, string | undefined> = process.env): string {
	const own = (env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin').split(delimiter).filter(isAbsolute)
	return [...new Set([...own, dirname(process.execPath)])].join(delimiter)
}

export function certificateEnv(env: Record<string, string | undefined> = process.env): Record<string, string> {
	return pick(env, CA_VARIABLES)
}

/** For the runner's own git only: a proxy URL may hold a password. */
export function networkEnv(env: Record<string, string | undefined> = process.env): Record<string, string> {
	return pick(env, [...CA_VARIABLES, ...PROXY_VARIABLES])
}

function pick(env: Record<string, string | undefined>, names: string[]): Record<string, string> {
	return Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name]]] : [])))
}
