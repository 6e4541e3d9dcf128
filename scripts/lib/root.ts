import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the checkout. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** What `npm start` gives wrangler as `--persist-to`: the local D1, R2, Workflows and Durable Objects. */
export const STATE_DIRECTORY = join(ROOT, '.vibehq', 'state', 'wrangler')
