/** A recorded conversation, and the hands of somebody who changes it: as an outsider, who has the file, or as an insider, who has a key too. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chained, chainStart } from '../../src/audit/transcript/chain.ts';
import { factsOf } from '../../src/audit/transcript/facts.ts';
import type { MessageRecord, TranscriptRecord } from '../../src/audit/transcript/record.ts';
import { Recorder } from '../../src/audit/transcript/recorder.ts';
import { utf8 } from '../../src/base/bytes.ts';
import { instant } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { x509Signed } from '../../src/security/policy.ts';
import { Protector } from '../../src/security/protect.ts';
import { trustChain } from '../../src/security/trust.ts';
import { encodeEnvelope, readEnvelope, withoutHeaders } from '../../src/soap/envelope.ts';
import { scan } from '../../src/xml/scan.ts';
import type { Issued } from '../security/pki.ts';
import { type Pki, pki } from '../security/rig.ts';
import { converse, folder, linesOf } from './support.ts';

export interface Golden {
  readonly records: readonly TranscriptRecord[];
  readonly all: Pki;
}

/** Six orders, as the client saw it. */
export async function golden(): Promise<Golden> {
  const file = join(folder(), 'golden.jsonl');
  const recorder = await Recorder.open({ file });
  // Patient, so that nothing is sent twice on a slow machine.
  const session = { firstPatience: 20_000, retryFloor: 10_000, retryCeiling: 20_000 };
  await converse({ messages: 6, recorders: { client: recorder }, session, network: { patience: 20_000 } });
  await recorder.close();
  const records = (await linesOf(file)).flatMap(({ record }) => (record === undefined ? [] : [plain(record)]));
  return { records, all: await pki() };
}

function plain(record: TranscriptRecord): TranscriptRecord {
  const { chain, ...rest } = record as TranscriptRecord & { readonly chain?: string };
  return rest as TranscriptRecord;
}

/** The records as a transcript whose chain and numbers are whole, whatever was done to them. */
export function lines(records: readonly TranscriptRecord[], renumber = true): readonly string[] {
  const numbers = new Map(records.map(({ n }, at) => [n, at + 1]));
  let chain: string = chainStart;
  return records.map((record, at) => {
    const moved = 'of' in record ? { ...record, of: numbers.get(record.of) ?? record.of } : record;
    const next = chained(chain, renumber ? { ...moved, n: at + 1 } : moved);
    chain = next.chain;
    return next.line;
  });
}

export function written(all: readonly string[]): string {
  const file = join(folder(), 'tampered.jsonl');
  writeFileSync(file, `${all.join('\n')}\n`);
  return file;
}

export function text({ payload }: MessageRecord): string {
  if (payload.form !== 'kept' || !('text' in payload)) throw new Error('There is no text.');
  return payload.text;
}

/** The record of other octets, everything else as it has to be. */
export function saying(record: MessageRecord, octets: string): MessageRecord {
  const facts = JSON.parse(JSON.stringify(factsOf(readEnvelope(scan(utf8(octets)))))) as MessageRecord['facts'];
  return { ...record, octets: utf8(octets).length, facts, payload: { form: 'kept', text: octets } };
}

export const isMessage = (record: TranscriptRecord): record is MessageRecord => record.kind === 'message';

/** The record in which a number was sent. */
export function numbered(records: readonly TranscriptRecord[], number: number): MessageRecord {
  return the(records, (one) => one.direction === 'out' && one.facts?.sequence?.number === number);
}

export function the(records: readonly TranscriptRecord[], is: (record: MessageRecord) => boolean): MessageRecord {
  const found = records.filter(isMessage).find(is);
  if (found === undefined) throw new Error('There is no such message.');
  return found;
}

export function replaced(
  records: readonly TranscriptRecord[],
  one: TranscriptRecord,
  ...by: readonly TranscriptRecord[]
): readonly TranscriptRecord[] {
  return records.flatMap((record) => (record === one ? by : [record]));
}

/** Without some messages and all that is told of them; `exchange`: without what came of them too. */
export function without(
  records: readonly TranscriptRecord[],
  is: (record: MessageRecord) => boolean,
): readonly TranscriptRecord[] {
  const gone = new Set(records.filter(isMessage).filter(is));
  const numbers = new Set([...gone].map(({ n }) => n));
  return records.filter((one) => !gone.has(one as MessageRecord) && !('of' in one && numbers.has(one.of)));
}

/** What an insider signs: the message of a record, changed, under any key. */
export async function signedAgain(
  record: MessageRecord,
  by: Issued,
  all: Pki,
  change: (envelope: string) => string = (envelope) => envelope,
  at: number = Date.parse(record.at),
): Promise<MessageRecord> {
  const bare = text(record).replace(/ wsu:Id="[^"]*"/g, '');
  const message = withoutHeaders(readEnvelope(scan(utf8(bare))), ({ local }) => local === 'Security');
  const changed = readEnvelope(scan(utf8(change(Buffer.from(encodeEnvelope(message)).toString()))));
  const policy = x509Signed({ key: by.key(), trust: trustChain({ anchors: all.root.certificate }) });
  const protector = new Protector(policy.outbound, seededRandom(at % 1_000_003));
  const secured = await protector.protect(changed, instant(at));
  return saying({ ...record, at: new Date(at).toISOString() }, Buffer.from(encodeEnvelope(secured)).toString());
}
