import { applyD1Migrations } from 'cloudflare:test'
import { env } from 'cloudflare:workers'

// All test files share one workerd, because starting one for each takes six times as long; so each file starts by emptying
// what the one before it left.
await applyD1Migrations(env.DB, env.TEST_MIGRATIONS)
const { results } = await env.DB.prepare("select name from sqlite_master where type = 'table' and name not like 'sqlite_%' and name not like '_cf_%' and name not like 'd1_%'").all<{ name: string }>()
await env.DB.batch(results.map(({ name }) => env.DB.prepare(`delete from "${name}"`)))
for (const { key } of (await env.OUTPUTS.list()).objects) await env.OUTPUTS.delete(key)
