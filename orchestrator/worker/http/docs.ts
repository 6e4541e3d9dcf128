import { html, raw } from 'hono/html'

interface Operation {
	operationId?: string
	summary?: string
	responses?: Record<string, { description?: string }>
}
interface Document {
	info: { title: string; description?: string | undefined }
	paths?: object | undefined
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete']

const STYLE = raw(`body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.35rem .75rem .35rem 0;border-bottom:1px solid #ddd;vertical-align:top}
code{font:13px ui-monospace,monospace}.m{font-weight:600;text-transform:uppercase}@media(prefers-color-scheme:dark){body{background:#161616;color:#ddd}td,th{border-color:#333}a{color:#8bf}}`)

/** The description of the API for people: one page, no script, nothing fetched from elsewhere. */
export function docsPage(document: Document) {
	const paths = Object.entries(document.paths ?? {}) as [string, Record<string, unknown>][]
	const rows = paths.flatMap(([path, item]) =>
		METHODS.flatMap((method) => {
			const operation = item[method] as Operation | undefined
			return operation === undefined ? [] : [{ method, path, ...operation }]
		}),
	)
	return html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${document.info.title}</title><style>${STYLE}</style></head>
<body>
<h1>${document.info.title}</h1>
<p>${document.info.description ?? ''}</p>
<p>The whole description, with every schema: <a href="/openapi.json">openapi.json</a>, <a href="/openapi.yaml">openapi.yaml</a>.</p>
<table>
<tr><th>Route</th><th>Does</th><th>Answers</th></tr>
${rows.map(
	(row) => html`<tr><td><code><span class="m">${row.method}</span> ${row.path}</code></td><td>${row.summary ?? row.operationId ?? ''}</td><td>${Object.entries(row.responses ?? {})
		.filter(([status]) => status !== 'default')
		.map(([status, answer]) => html`${status} ${answer.description ?? ''} `)}</td></tr>`,
)}
</table>
</body>
</html>`
}
