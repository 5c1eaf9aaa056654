/** Recorded exchanges of real peers, read in place from the shared data beside the project. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { decode } from '../../src/soap/codec.ts';
import type { Message } from '../../src/soap/message.ts';

const root = resolve(import.meta.dirname, '../../../shared');
const captures: string = resolve(root, 'captures');
export const gsoapTraces: string = resolve(root, 'vectors/wsrm-gsoap-traces');

export const hasCaptures: boolean = existsSync(captures);
export const hasGsoapTraces: boolean = existsSync(gsoapTraces);
/** Goes into the titles of tests that cannot run without the data. */
export const withoutData = 'skipped: ../shared with recorded exchanges is not beside the project';

/** Every capture of a WCF client that speaks WS-RM without secure conversation, on a network that loses nothing. */
export const cleanCaptures = [
  'wcf-metro-rm10',
  'wcf-metro-rm11',
  'wcf-metro-oneway-rm10',
  'wcf-metro-oneway-rm11',
  'wcf-metro-rm10-tls',
  'wcf-metro-rm11-tls',
  'wcf-metro-rm11-unordered',
] as const;

interface Recorded {
  /** Absent for an answer without a message. */
  readonly message: Message | undefined;
  readonly status: number;
}

export interface RecordedExchange {
  readonly number: number;
  readonly request: Recorded;
  /** Absent when the proxy dropped it (or dropped the request, so that there was none). */
  readonly response: Recorded | undefined;
}

/** The exchanges of one capture, in the order of the requests; a fresh reading each time. */
export function recorded(name: string): readonly RecordedExchange[] {
  const folder = resolve(captures, name);
  const lines = readFileSync(resolve(folder, 'index.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { n: number; dir: string; injected?: string });
  return exchangesIn(folder, (number) =>
    lines.some((line) => line.n === number && /dropped/.test(line.injected ?? '')),
  );
}

/** The exchanges of `NNN-request.http` and `NNN-response.http` in a folder. */
export function exchangesIn(
  folder: string,
  dropped: (number: number) => boolean = () => false,
): readonly RecordedExchange[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('-request.http'))
    .sort()
    .map((file) => {
      const number = Number(file.slice(0, 3));
      const answer = resolve(folder, file.replace('request', 'response'));
      return {
        number,
        request: parse(readFileSync(resolve(folder, file))),
        response: dropped(number) || !existsSync(answer) ? undefined : parse(readFileSync(answer)),
      };
    });
}

function parse(octets: Buffer): Recorded {
  const end = octets.indexOf('\r\n\r\n');
  const [first = '', ...fields] = octets.subarray(0, end).toString('latin1').split('\r\n');
  const contentType = fields.find((field) => /^content-type:/i.test(field))?.replace(/^[^:]*:\s*/, '');
  const body = octets.subarray(end + 4);
  const status = Number(/^HTTP\/\d\.\d (\d+)/.exec(first)?.[1] ?? 0);
  return { status, message: body.length === 0 ? undefined : decode(body, contentType) };
}

/** Messages of one gSOAP trace, by file name, in order; what was answered without a message is left out. */
export function gsoapTrace(name: string): readonly { readonly file: string; readonly message: Message }[] {
  const folder = resolve(gsoapTraces, name);
  const steps = JSON.parse(readFileSync(resolve(folder, 'TRACE.json'), 'utf8')) as {
    readonly file: string | null;
    readonly contentType: string;
  }[];
  return steps.flatMap(({ file, contentType }) =>
    file === null ? [] : [{ file, message: decode(readFileSync(resolve(folder, file)), contentType) }],
  );
}
