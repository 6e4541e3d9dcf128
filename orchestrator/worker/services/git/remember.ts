/** What was loaded under this key. A promise is kept, so that two readers at once make one request; a failure is forgotten, so that a retry can succeed. */
export function remember<T>(known: Map<string, Promise<T>>, key: string, load: () => Promise<T>): Promise<T> {
	const before = known.get(key)
	if (before !== undefined) return before
	const loading = load()
	known.set(key, loading)
	loading.catch(() => known.delete(key))
	return loading
}
