/** Delivery receipts in files: one JSON object a line, the receipt and its time stamp. */
import { appendFile } from 'node:fs/promises';
import type { StoredReceipt } from '../audit/receipt/check.ts';
import type { IssuingOptions } from '../audit/receipt/issuing.ts';
import { collecting } from '../audit/receipt/issuing.ts';
import { readReceipt } from '../audit/receipt/receipt.ts';
import { largestTimestamp, requestTimestamp } from '../audit/receipt/timestamp.ts';
import { concat } from '../base/bytes.ts';
import type { BindingElement } from '../channel/channel.ts';
import { type Trust, trustChain } from '../security/trust.ts';
import { CliError } from './errors.ts';
import { authoritiesOf, contents } from './identity.ts';
import { endpointUrl } from './options.ts';

/** Appends what the service gives to a file. */
export function storing(file: string): (session: BindingElement) => BindingElement {
  return (session) =>
    collecting(session, {
      received: async (receipt, timestamp) => {
        const stamped = timestamp === undefined ? {} : { timestamp: Buffer.from(timestamp).toString('base64') };
        await appendFile(file, `${JSON.stringify({ receipt, ...stamped })}\n`);
      },
    });
}

/** @throws CliError `CLI_FILE` when the file or a line of it is none of receipts */
export async function storedReceipts(file: string): Promise<readonly StoredReceipt[]> {
  const text = (await contents(file)).toString('utf8');
  return text.split('\n').flatMap((line, at) => {
    if (line.trim() === '') return [];
    const where = `${file}:${at + 1}`;
    try {
      const { receipt, timestamp } = JSON.parse(line) as Readonly<Record<'receipt' | 'timestamp', unknown>>;
      const token = typeof timestamp === 'string' ? Buffer.from(timestamp, 'base64') : undefined;
      return [{ where, jws: String(receipt), timestamp: token }];
    } catch {
      throw new CliError(
        'CLI_FILE',
        `${where} is no receipt. Name a file that \`surewire send --receipts\` has written.`,
      );
    }
  });
}

/** Milliseconds that a time stamp authority has. */
const patience = 10_000;

/** Time stamps of the authority at a URL, over the signature of each receipt. */
export function stamping(url: string | undefined): Pick<IssuingOptions, 'timestamp'> {
  if (url === undefined) return {};
  const to = endpointUrl(url);
  const ask = async (request: Uint8Array): Promise<Uint8Array> => {
    const headers = { 'content-type': 'application/timestamp-query' };
    const signal = AbortSignal.timeout(patience);
    const answer = await fetch(to, { method: 'POST', headers, body: Buffer.from(request), signal, redirect: 'error' });
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const part of answer.body ?? []) {
      length += part.length;
      if (length > largestTimestamp) throw new Error('The answer of the time stamp authority is too long.');
      parts.push(part);
    }
    if (answer.ok) return concat(parts);
    throw new Error(`The time stamp authority answered with status ${answer.status}.`);
  };
  return {
    timestamp: async (receipt) => requestTimestamp((await readReceipt(receipt)).signature, { fetch: ask }),
  };
}

/** @throws CliError `CLI_FILE`; SecurityError for a file without certificates */
export async function timestampAuthorities(file: string | undefined): Promise<Trust | undefined> {
  if (file === undefined) return undefined;
  return trustChain(authoritiesOf([await contents(file)], undefined));
}
