import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

/** A package of this repository. */
export interface Package {
	name: string
	/** Relative to the root, with forward slashes. */
	directory: string
	manifest: Manifest
}

export interface Manifest {
	name?: string
	private?: boolean
	type?: string
	sideEffects?: boolean
	scripts?: Record<string, string>
	dependencies?: Record<string, string>
	devDependencies?: Record<string, string>
}

/** The packages that pnpm-workspace.yaml names, dependencies before those that depend on them. */
export function listPackages(root: string): Package[] {
	const { packages: globs }: { packages: string[] } = parse(readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8'))
	const directories = globs.flatMap((glob) => expand(root, glob)).filter((directory) => existsSync(join(root, directory, 'package.json')))
	const packages = [...new Set(directories)].sort().map((directory) => {
		const manifest: Manifest = JSON.parse(readFileSync(join(root, directory, 'package.json'), 'utf8'))
		return { name: manifest.name ?? directory, directory, manifest }
	})
	return dependenciesFirst(packages)
}

function expand(root: string, glob: string): string[] {
	if (!glob.endsWith('/*')) return [glob]
	const parent = glob.slice(0, -2)
	if (!existsSync(join(root, parent))) return []
	return readdirSync(join(root, parent)).map((name) => `${parent}/${name}`)
}

function dependenciesFirst(packages: Package[]): Package[] {
	const byName = new Map(packages.map((each) => [each.name, each]))
	const ordered = new Set<Package>()
	const visiting = new Set<Package>()
	const visit = (each: Package) => {
		if (ordered.has(each) || visiting.has(each)) return
		visiting.add(each)
		for (const name of Object.keys({ ...each.manifest.dependencies, ...each.manifest.devDependencies }).sort()) {
			const dependency = byName.get(name)
			if (dependency) visit(dependency)
		}
		ordered.add(each)
	}
	for (const each of packages) visit(each)
	return [...ordered]
}
