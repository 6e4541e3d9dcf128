import { expect, it } from 'vitest'
import { basicPassword, bearerToken } from './auth.ts'

const headers = (authorization?: string) => new Headers(authorization === undefined ? {} : { authorization })

it.each([
	['Bearer abc', 'abc'],
	['bearer  abc ', 'abc'],
	['Bearer', undefined],
	['Bearer a b', undefined],
	['Basic abc', undefined],
	['', undefined],
])('reads the bearer token of %j', (value, token) => {
	expect(bearerToken(headers(value))).toBe(token)
})

it.each([
	[`Basic ${btoa('x:secret')}`, 'secret'],
	[`basic ${btoa('x:with:colons')}`, 'with:colons'],
	[`Basic ${btoa(':only')}`, 'only'],
	[`Basic ${btoa('user')}`, undefined],
	[`Basic ${btoa('user:')}`, undefined],
	['Basic ???', undefined],
	['Bearer abc', undefined],
])('reads the password of %j', (value, password) => {
	expect(basicPassword(headers(value))).toBe(password)
})

it('finds nothing where there is nothing', () => {
	expect([bearerToken(headers()), basicPassword(headers())]).toEqual([undefined, undefined])
})
