/**
 * The hash chain of a transcript: each line ends with SHA-256 over the chain before it and its own octets, so that no line can
 * be changed, taken out or put in without changing all that follow. Whoever can write the file can chain it anew: what that
 * cannot hide is for signatures and receipts to show.
 */
import { hash } from 'node:crypto';

/** What the first line of a transcript follows. */
export const chainStart: string = '0'.repeat(64);

const tail = /^,"chain":"([0-9a-f]{64})"\}$/;
const tailLength = ',"chain":""}'.length + 64;

/** One chained line, without its line feed. */
export interface Chained {
  readonly line: string;
  readonly chain: string;
}

/** @param record a JSON object that has members and no `chain` */
export function chained(before: string, record: object): Chained {
  const body = JSON.stringify(record);
  const chain = chainOf(before, body);
  return { line: `${body.slice(0, -1)},"chain":"${chain}"}`, chain };
}

/** The chain that a line claims; `undefined` where it claims none. */
export function claimedChain(line: string): string | undefined {
  return tail.exec(line.slice(-tailLength))?.[1];
}

/** True when the line follows `before` and was not changed. */
export function holds(before: string, line: string, claimed: string): boolean {
  return chainOf(before, `${line.slice(0, -tailLength)}}`) === claimed;
}

function chainOf(before: string, body: string): string {
  return hash('sha256', `${before}\n${body}`, 'hex');
}
