/** Who acts: written to `worker_name` and `container_name` of every row. */
export interface Origin {
	workerName: string
	containerName?: string | undefined
}
