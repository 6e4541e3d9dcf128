const PIECE_LENGTH = 24
const MOST_PIECES = 40

/** Cuts a text as a streaming API does, in at most a few dozen pieces however long it is; never inside a surrogate pair. */
export function textPieces(text: string): string[] {
	const characters = [...text]
	const length = Math.max(PIECE_LENGTH, Math.ceil(characters.length / MOST_PIECES))
	const pieces: string[] = []
	for (let at = 0; at < characters.length; at += length) pieces.push(characters.slice(at, at + length).join(''))
	return pieces
}
