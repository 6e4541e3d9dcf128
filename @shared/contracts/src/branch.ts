import { z } from 'zod'

export const Branch = z.string().min(1).max(200).regex(/^(?!.*\.\.)(?![-/.])[\w./-]+(?<![./])$/, 'not a branch name that git accepts')
