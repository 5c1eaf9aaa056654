/** Every way to tamper with a recorded conversation is found, and by its name. */
import { beforeAll, describe, expect, test } from 'vitest';
import { sourcesAt } from '../../src/audit/import/source.ts';
import type { MessageRecord, TranscriptRecord } from '../../src/audit/transcript/record.ts';
import type { FindingCode } from '../../src/audit/verify/findings.ts';
import { type Verification, type VerifyOptions, verify } from '../../src/audit/verify/verify.ts';
import { instant } from '../../src/base/clock.ts';
import { unsafeRsaSha1 } from '../../src/security/suites.ts';
import { writeTimestamp } from '../../src/security/timestamp.ts';
import { trustChain } from '../../src/security/trust.ts';
import { craft, cut, swap } from '../attacks/support.ts';
import { issue, revocationList } from '../security/pki.ts';
import {
  type Golden,
  golden,
  isMessage,
  lines,
  numbered,
  replaced,
  saying,
  signedAgain,
  text,
  the,
  without,
  written,
} from './tampering.ts';

let stage: Golden;
beforeAll(async () => {
  stage = await golden();
});

async function verified(all: readonly string[], options: VerifyOptions = {}): Promise<Verification> {
  const trust = trustChain({ anchors: stage.all.root.certificate });
  return verify(await sourcesAt(written(all)), { trust, ...options });
}

test('the conversation that is tampered with is sound, and both engines say so', async () => {
  const found = await verified(lines(stage.records));
  expect(found.findings).toEqual([]);
  expect(found.verdict).toBe('sound');
  expect(found.sequences).toMatchObject([{ numbers: [[1, 6]], acknowledged: [[1, 6]], end: 'terminated' }]);
  expect(found.secondOpinions).toEqual({ agreed: found.signed, silent: 0 });
});

type Tampered = readonly string[] | { readonly lines: readonly string[]; readonly options: VerifyOptions };
type Tamper = (stage: Golden) => Tampered | Promise<Tampered>;
type Case = readonly [name: string, finding: FindingCode, tamper: Tamper];

/** Changes one record of the golden conversation, and everything around it so that it looks whole. */
const changing =
  (
    which: (stage: Golden) => TranscriptRecord,
    change: (record: MessageRecord, stage: Golden) => TranscriptRecord | Promise<TranscriptRecord>,
  ): Tamper =>
  async (on) => {
    const one = which(on);
    return lines(replaced(on.records, one, await change(one as MessageRecord, on)));
  };

const third = ({ records }: Golden) => numbered(records, 3);
const acknowledging = ({ records }: Golden) =>
  the(records, ({ direction, facts }) => direction === 'in' && facts?.acknowledgements?.[0]?.ranges[0]?.[1] === 6);
const terminate = ({ records }: Golden) => the(records, ({ facts }) => facts?.control?.kind === 'terminate');

const retold = (change: (envelope: string, stage: Golden) => string) => (record: MessageRecord, on: Golden) =>
  saying(record, change(text(record), on));

/** The third message, signed by hand with what our own writer would never write. */
const crafted = async (record: MessageRecord, on: Golden, options: Omit<Parameters<typeof craft>[0], 'key'>) => {
  const envelope = text(record).replace(/ wsu:Id="[^"]*"/g, '');
  const named = (element: string, id: string) =>
    element.replace(/ xmlns:wsu="[^"]*"/, '').replace(/^<([\w:]+)/, `<$1 xmlns:wsu="${wsu}" wsu:Id="${id}"`);
  const blocks = ['r:Sequence', 'a:Action', 'a:To'].map((name) => named(cut(envelope, name), name.replace(':', '')));
  const body = named(cut(envelope, 's:Body'), 'body');
  const timestamp = writeTimestamp('time', instant(Date.parse(record.at)), 300_000);
  return saying(record, await craft({ key: on.all.client.key(), blocks, body, timestamp, ...options }));
};
const wsu = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';

const appended = (on: Golden, after: TranscriptRecord, ...more: readonly TranscriptRecord[]) =>
  lines(replaced(on.records, after, after, ...more));

/** The certificate of the client, with other dates, for the same conversation. */
const dated = async (on: Golden, notBefore: string, notAfter: string) => {
  const client = await issue(
    { name: 'client', kind: 'rsa', notBefore: new Date(notBefore), notAfter: new Date(notAfter) },
    on.all.root,
  );
  const again = await signedAgain(third(on), client, on.all);
  return lines(replaced(on.records, third(on), again));
};

const byOutsiders: readonly Case[] = [
  [
    'a line is changed',
    'transcript-chain-broken',
    ({ records }) => lines(records).with(4, (lines(records)[4] ?? '').replace('"at":"2', '"at":"3')),
  ],
  ['a line is dropped', 'transcript-chain-broken', ({ records }) => lines(records).toSpliced(4, 1)],
  [
    'a line is put in',
    'transcript-chain-broken',
    ({ records }) => lines(records).toSpliced(4, 0, lines(records)[1] ?? ''),
  ],
  [
    'two lines are swapped',
    'transcript-chain-broken',
    ({ records }) =>
      lines(records)
        .with(4, lines(records)[5] ?? '')
        .with(5, lines(records)[4] ?? ''),
  ],
  ['a line is made unreadable', 'transcript-line-torn', ({ records }) => lines(records).with(4, '{"n":5,')],
  ['the end is cut off', 'sequence-unfinished', ({ records }) => lines(records).slice(0, 8)],
  [
    'records are dropped and the rest is chained anew',
    'transcript-order',
    ({ records }) => lines(records.toSpliced(4, 2), false),
  ],
  [
    'records are put into another order and chained anew',
    'transcript-time-backwards',
    ({ records }) => lines(records.map((one, at) => (at === 9 ? { ...one, at: '2020-01-01T00:00:00.000Z' } : one))),
  ],
  [
    'the first records are dropped',
    'sequence-beginning-missing',
    ({ records }) => lines(without(records, ({ facts }) => facts?.control?.kind.startsWith('create') === true)),
  ],
  [
    'a message is dropped, wherever it was sent',
    'sequence-gap',
    ({ records }) => lines(without(records, ({ facts }) => facts?.sequence?.number === 3)),
  ],
  [
    'the last message is dropped',
    'acknowledgement-unseen',
    ({ records }) => lines(without(records, ({ facts }) => facts?.sequence?.number === 6)),
  ],
  [
    'a request is dropped, its reply is not',
    'reply-unrelated',
    (on) => lines(on.records.filter((one) => one !== third(on))),
  ],
  [
    'the end of the sequence is dropped',
    'sequence-unfinished',
    ({ records }) => lines(without(records, ({ facts }) => facts?.control?.kind.startsWith('terminat') === true)),
  ],
  [
    'the bodies of two messages are swapped',
    'coverage-moved',
    (on) => {
      const [one, other] = [third(on), numbered(on.records, 4)];
      const [mine, its] = [cut(text(one), 's:Body'), cut(text(other), 's:Body')];
      return lines(
        replaced(
          replaced(on.records, one, saying(one, swap(text(one), mine, its))),
          other,
          saying(other, swap(text(other), its, mine)),
        ),
      );
    },
  ],
  [
    'a body is replaced',
    'signature-digest-differs',
    changing(
      third,
      retold((envelope) => swap(envelope, 'order 3', 'order 9')),
    ),
  ],
  [
    'a message is renumbered',
    'signature-digest-differs',
    changing(
      third,
      retold((envelope) => swap(envelope, 'MessageNumber>3', 'MessageNumber>7')),
    ),
  ],
  [
    'a message is put into another sequence',
    'signature-digest-differs',
    changing(
      third,
      retold((envelope) => envelope.replace(/(<r:Identifier[^>]*>)[^<]*/, '$1urn:uuid:other')),
    ),
  ],
  [
    'an acknowledgement is widened',
    'signature-digest-differs',
    changing(
      acknowledging,
      retold((envelope) => swap(envelope, 'Upper="6"', 'Upper="9"')),
    ),
  ],
  [
    'a time is changed',
    'signature-digest-differs',
    changing(
      third,
      retold((envelope) =>
        // Another day, whatever day it is.
        envelope.replace(
          /(<wsu:Created>\d{4}-\d\d-\d)(\d)/,
          (_, before: string, day: string) => `${before}${9 - Number(day)}`,
        ),
      ),
    ),
  ],
  [
    'a signature is stripped',
    'signature-missing',
    changing(
      third,
      retold((envelope) => swap(envelope, cut(envelope, 'ds:Signature'), '')),
    ),
  ],
  [
    'the Security header is stripped',
    'signature-missing',
    changing(
      third,
      retold((envelope) => swap(envelope, cut(envelope, 'wsse:Security'), '')),
    ),
  ],
  [
    'a signature value is taken from another message',
    'signature-invalid',
    changing(
      third,
      retold((envelope, on) =>
        swap(envelope, cut(envelope, 'ds:SignatureValue'), cut(text(numbered(on.records, 4)), 'ds:SignatureValue')),
      ),
    ),
  ],
  [
    'coverage is moved: the signed Body stands in a header, another in its place',
    'coverage-moved',
    changing(
      third,
      retold((envelope) => {
        const body = cut(envelope, 's:Body');
        const evil = body.replace(/wsu:Id="[^"]*"/, 'wsu:Id="evil"').replace('order 3', 'order 9');
        const wrapped = `<w:Wrapper xmlns:w="urn:wrapper">${body}</w:Wrapper></s:Header>`;
        return swap(swap(envelope, body, evil), '</s:Header>', wrapped);
      }),
    ),
  ],
  [
    'two parts bear one id',
    'security-malformed',
    changing(
      third,
      retold((envelope) =>
        swap(envelope, '</s:Header>', `${cut(envelope, 'r:Sequence')}</s:Header>`.replace('r:Sequence', 'r:Sequence')),
      ),
    ),
  ],
  [
    'an unsigned acknowledgement is put in',
    'coverage-reliable',
    changing(
      third,
      retold((envelope) =>
        swap(
          envelope,
          '</s:Header>',
          '<r:AckRequested xmlns:r="http://docs.oasis-open.org/ws-rx/wsrm/200702"><r:Identifier>urn:x</r:Identifier></r:AckRequested></s:Header>',
        ),
      ),
    ),
  ],
  [
    'an unsigned address is put in',
    'coverage-addressing',
    changing(
      third,
      retold((envelope) =>
        swap(
          envelope,
          '</s:Header>',
          '<a:From xmlns:a="http://www.w3.org/2005/08/addressing"><a:Address>urn:x</a:Address></a:From></s:Header>',
        ),
      ),
    ),
  ],
  [
    'a part is said to be a secret that was struck out',
    'message-struck',
    changing(
      third,
      retold((envelope) => swap(envelope, 'order 3', '<x>struck-out</x>')),
    ),
  ],
  [
    'a record is set back in time',
    'timestamp-outside',
    changing(
      ({ records }) => numbered(records, 1),
      (record) => ({ ...record, at: '2020-01-01T00:00:00.000Z' }),
    ),
  ],
  [
    'facts are changed',
    'transcript-facts-differ',
    changing(third, (record) => ({ ...record, facts: { ...record.facts, soap: '1.2', action: 'urn:other' } })),
  ],
  [
    'evidence is changed to another identity',
    'transcript-evidence-differs',
    ({ records }) => lines(records.map((one) => (one.kind === 'evidence' ? { ...one, identity: 'x509:00' } : one))),
  ],
  [
    'a message is said to have been a refused copy',
    'transcript-evidence-differs',
    (on) =>
      lines(
        on.records.map((one) =>
          one.kind === 'evidence' && one.of === acknowledging(on).n
            ? { ...one, accepted: false, code: 'SECURITY_REPLAY' }
            : one,
        ),
      ),
  ],
  [
    'only digests are left',
    'message-not-recorded',
    ({ records }) =>
      lines(records.map((one) => (isMessage(one) ? { ...one, payload: { form: 'digested', sha256: '00' } } : one))),
  ],
];

const byInsiders: readonly Case[] = [
  [
    'a fork: another message under the same number, signed by the very sender',
    'sequence-fork',
    async (on) => {
      const fork = await signedAgain(third(on), on.all.client, on.all, (envelope) =>
        swap(envelope, 'order 3', 'order 9'),
      );
      return appended(on, third(on), { ...fork, n: 900, exchange: 900 });
    },
  ],
  [
    'a retransmission that is addressed otherwise',
    'retransmission-differs',
    async (on) => {
      const again = await signedAgain(third(on), on.all.client, on.all, (envelope) =>
        envelope.replace(/(<a:To[^>]*>)[^<]*/, '$1urn:somebody:else'),
      );
      return appended(on, third(on), { ...again, n: 900, exchange: 900 });
    },
  ],
  [
    'a message is sent after the end',
    'sequence-after-end',
    async (on) => {
      const late = await signedAgain(
        third(on),
        on.all.client,
        on.all,
        (envelope) => swap(envelope, 'MessageNumber>3', 'MessageNumber>7'),
        Date.parse(terminate(on).at),
      );
      return appended(on, terminate(on), { ...late, n: 900, exchange: 900 });
    },
  ],
  [
    'an acknowledgement of what was never sent',
    'acknowledgement-unseen',
    changing(acknowledging, (record, on) =>
      signedAgain(record, on.all.service, on.all, (envelope) => swap(envelope, 'Upper="6"', 'Upper="9"')),
    ),
  ],
  [
    'an acknowledgement is taken back',
    'acknowledgement-shrunk',
    async (on) => {
      const at = Date.parse(terminate(on).at) + 5_000;
      const less = await signedAgain(
        acknowledging(on),
        on.all.service,
        on.all,
        (envelope) => swap(envelope, 'Upper="6"', 'Upper="2"'),
        at,
      );
      const reply = { ...less, exchange: terminate(on).exchange };
      return appended(on, terminate(on), { ...reply, n: 900 });
    },
  ],
  [
    'a message is signed by somebody else of the same authority',
    'sequence-identity',
    changing(third, async (record, on) =>
      signedAgain(record, await issue({ name: 'other', kind: 'rsa' }, on.all.root), on.all),
    ),
  ],
  [
    'the service signs for the client',
    'sequence-identity',
    changing(third, (record, on) => signedAgain(record, on.all.service, on.all)),
  ],
  [
    'a certificate that the sender made for himself',
    'certificate-untrusted',
    changing(third, (record, on) => signedAgain(record, on.all.stranger, on.all)),
  ],
  ['an expired certificate', 'certificate-expired', (on) => dated(on, '2020-01-01', '2021-01-01')],
  ['a certificate of the future', 'certificate-not-yet-valid', (on) => dated(on, '2039-01-01', '2040-01-01')],
  [
    'a revoked certificate',
    'certificate-revoked',
    async (on) => {
      const list = await revocationList(on.all.root, [on.all.client], new Date('2026-01-01'), new Date('2039-01-01'));
      const trust = trustChain({ anchors: on.all.root.certificate, revocation: [list] });
      return { lines: lines(on.records), options: { trust } };
    },
  ],
  [
    'a certificate of which nobody says whether it is revoked',
    'certificate-revocation-unknown',
    (on) => {
      const trust = trustChain({ anchors: on.all.root.certificate, revocationMode: 'required' });
      return { lines: lines(on.records), options: { trust } };
    },
  ],
  [
    'nobody says whom to believe',
    'trust-not-given',
    (on) => ({ lines: lines(on.records), options: { trust: undefined } }),
  ],
  [
    'the end names another last message',
    'sequence-end-differs',
    changing(terminate, (record, on) =>
      signedAgain(record, on.all.client, on.all, (envelope) => swap(envelope, 'LastMsgNumber>6', 'LastMsgNumber>4')),
    ),
  ],
  [
    'a signature that does not cover the Body',
    'coverage-body',
    changing(third, (record, on) => crafted(record, on, { skip: ['body'] })),
  ],
  [
    'a signature that does not cover the number',
    'coverage-reliable',
    changing(third, (record, on) => crafted(record, on, { skip: ['rSequence'] })),
  ],
  [
    'a signature that does not cover the address',
    'coverage-addressing',
    changing(third, (record, on) => crafted(record, on, { skip: ['aTo'] })),
  ],
  [
    'a signature that does not cover the time',
    'coverage-timestamp',
    changing(third, (record, on) => crafted(record, on, { skip: ['time'] })),
  ],
  [
    'a signature over SHA-1',
    'signature-weak',
    changing(third, (record, on) => crafted(record, on, { algorithm: unsafeRsaSha1 })),
  ],
  [
    'a message is dated back by an hour',
    'sequence-time-backwards',
    changing(third, async (record, on) => ({
      ...(await signedAgain(record, on.all.client, on.all, undefined, Date.parse(record.at) - 200_000)),
      at: record.at,
    })),
  ],
];

describe.each([
  ['by somebody who has the file', byOutsiders],
  ['by somebody who has a key too', byInsiders],
] as const)('tampering %s', (_, cases) => {
  test.each(cases)('%s: %s', async (_name, code, tamper) => {
    const tampered = await tamper(stage);
    const { lines: all, options } = 'lines' in tampered ? tampered : { lines: tampered, options: {} };
    const found = await verified(all, { secondEngine: false, ...options });
    expect(Object.keys(found.counts)).toContain(code);
    expect(found.verdict).not.toBe('sound');
  });
});

test('at least thirty ways are listed', () => {
  expect(byOutsiders.length + byInsiders.length).toBeGreaterThanOrEqual(30);
});
