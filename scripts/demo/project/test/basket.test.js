import assert from 'node:assert/strict'
import { test } from 'node:test'
import { discounted, total } from '../src/basket.js'

test('counts every piece of an item', () => {
	assert.equal(total([{ price: 250, quantity: 2 }, { price: 99, quantity: 1 }]), 599)
})

test('takes the discount off the whole basket', () => {
	assert.equal(discounted([{ price: 1000, quantity: 3 }], 10), 2700)
})
