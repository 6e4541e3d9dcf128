/** Adds up a basket of items, each with a price in cents and a quantity. */
export function total(items) {
	return items.reduce((sum, item) => sum + item.price, 0)
}

/** The same with a discount in per cent, rounded to whole cents. */
export function discounted(items, percent) {
	return Math.round(total(items) * (1 - percent / 100))
}
