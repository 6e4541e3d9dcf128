import { mintToken, verifyToken } from '@shared/worker-base/token'
import type { TokenRequest } from '@shared/worker-base/token'
import { AppError } from '@shared/contracts'
import type { Principal } from '@shared/contracts'

export interface TokensDeps {
	/** TOKEN_SIGNING_KEY: base64 of at least 32 bytes. */
	key: string | undefined
	now: () => number
}

/** Signs and checks every token of the system. Without a key each call throws NOT_CONFIGURED: nobody gets in, nothing else breaks. */
export function createTokens({ key, now }: TokensDeps) {
	const signingKey = () => {
		if (key) return key
		throw new AppError('NOT_CONFIGURED', 'The orchestrator has no TOKEN_SIGNING_KEY, so it can neither sign nor check tokens. Make one with: openssl rand -base64 32')
	}
	return {
		/** Throws INVALID_INPUT when the request asks for more than its kind may have. */
		mint: async (request: TokenRequest): Promise<string> => await mintToken(signingKey(), request, now()),
		/** Throws UNAUTHENTICATED or TOKEN_EXPIRED. */
		verify: async (token: string): Promise<Principal> => await verifyToken(signingKey(), token, now()),
	}
}
export type Tokens = ReturnType<typeof createTokens>
