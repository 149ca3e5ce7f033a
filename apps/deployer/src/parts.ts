/** Tokens of what is injected. */
export const Parts = { database: Symbol('database'), command: Symbol('command') } as const
