/** A course: one run of a sequence, the same for every peer and in both directions; and what an end executed of it. */
import type { PeerEvent } from './child.ts';
import type { RmVersion } from './gsoap-build.ts';

/** One run of a sequence, the same for both directions. */
export interface Course {
  readonly version: RmVersion;
  readonly operation: 'echo' | 'notify';
  readonly messages: number;
  /** Octets of each text. */
  readonly size: number;
  readonly secure: boolean;
  readonly soap: '1.1' | '1.2';
  /** WS-Addressing; 2005/08 where not given. */
  readonly addressing?: '2004/08' | '2005/08';
  /** Whether a gSOAP server keeps connections alive and has threads; default only for RM 1.1, see the head of server.c. */
  readonly keepAlive?: boolean;
}

/** The course that others are told apart from. */
export const plain: Course = { version: '1.1', operation: 'echo', messages: 10, size: 20, secure: false, soap: '1.2' };
export const versions = ['1.0', '1.1'] as const;

/** Milliseconds for the end of a session. */
export const CLOSE_LIMIT = 30_000;

/** What an end executed or sent: message number, length and digest of the text. */
export interface Executed {
  readonly number: number;
  readonly length: number;
  readonly digest: number;
}

export function executed(events: readonly PeerEvent[], name: string): readonly Executed[] {
  return events
    .filter((event) => event.event === name)
    .map(({ number, length, digest }) => ({ number: Number(number), length: Number(length), digest: Number(digest) }));
}

/** What executing the text as message `at + 1` tells. */
export function asExecuted(text: string, at: number): Executed {
  return { number: at + 1, length: Buffer.byteLength(text), digest: digestOf(text) };
}

/** A course in words. */
export function titleOf({ operation, secure, soap, size, messages, addressing }: Course): string {
  const what = operation === 'echo' ? 'request-reply' : 'one-way';
  const details = [
    ...(soap === '1.1' ? ['SOAP 1.1'] : []),
    ...(addressing === '2004/08' ? ['WS-Addressing 2004/08'] : []),
    ...(size >= 1024 ? [`${size / 1024} KB`] : []),
    ...(messages >= 100 ? [`${messages} messages`] : []),
  ];
  return [`${what} over ${secure ? 'HTTPS' : 'HTTP'}`, ...details].join(', ');
}

/** FNV-1a, 32 bits, over UTF-8, as peer.c computes it. */
export function digestOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const octet of new TextEncoder().encode(text)) hash = Math.imul(hash ^ octet, 0x01000193);
  return hash >>> 0;
}
