import { AppError, Principal } from '@shared/contracts'
import type { SocketTicket } from '@shared/contracts'
import { sha256Of } from '../sha256.ts'

export interface TicketDeps {
	/** The hub's own database: it is the only one that asks, so taking a ticket out is atomic. */
	sql: Pick<SqlStorage, 'exec'>
	now: () => number
	/** At least 120 bits that nobody can guess. */
	random: () => string
}

const TICKET_MS = 30_000
const MAX_TICKETS = 10_000

/** Tickets that open one socket each, where a client cannot choose its headers. Only their hashes are kept. */
export function createTickets({ sql, now, random }: TicketDeps) {
	sql.exec('create table if not exists tickets (hash text primary key, principal text not null, expires_at integer not null)')
	return {
		async issue(principal: Principal): Promise<SocketTicket> {
			const ticket = `ticket_${random()}`
			const hash = await sha256Of(ticket)
			const expiresAt = Math.min(now() + TICKET_MS, principal.expiresAt)
			sql.exec('delete from tickets where expires_at <= ?', now())
			const { open } = sql.exec<{ open: number }>('select count(*) as open from tickets').one()
			if (open >= MAX_TICKETS) throw new AppError('RATE_LIMITED', `${MAX_TICKETS} tickets are open already. Each ends after ${TICKET_MS / 1000} s: try again then.`)
			sql.exec('insert into tickets (hash, principal, expires_at) values (?, ?, ?)', hash, JSON.stringify(principal), expiresAt)
			return { ticket, expiresAt }
		},
		/** Who was given the ticket; null when it was used before, is too old or never was. */
		async redeem(ticket: string): Promise<Principal | null> {
			const hash = await sha256Of(ticket)
			const [row] = sql.exec<{ principal: string }>('delete from tickets where hash = ? and expires_at > ? returning principal', hash, now()).toArray()
			return row ? Principal.parse(JSON.parse(row.principal)) : null
		},
	}
}
export type Tickets = ReturnType<typeof createTickets>
