import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the checkout. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** Where local D1, R2, Workflows and Durable Objects live: the `--persist-to` of every local run. */
export const STATE_DIRECTORY = join(ROOT, '.vibehq', 'state')
