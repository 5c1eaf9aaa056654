/** What can be late. */
export const kinds = ['webcrypto', 'pool', 'files', 'names', 'sockets', 'timers', 'stalls'] as const;

export type Kind = (typeof kinds)[number];
