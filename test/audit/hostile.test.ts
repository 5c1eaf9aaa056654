/** Transcripts and logs that somebody made to do harm: what comes of them is a finding, in bounded time, and never a pass. */

import { once } from 'node:events';
import { createWriteStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { sourcesAt } from '../../src/audit/import/source.ts';
import { chained, chainStart } from '../../src/audit/transcript/chain.ts';
import { longestLine } from '../../src/audit/transcript/parts.ts';
import { strike } from '../../src/audit/transcript/strike.ts';
import { type Verification, verify } from '../../src/audit/verify/verify.ts';
import { seededRandom } from '../../src/base/random.ts';
import { shownVerification } from '../../src/cli/verification.ts';
import { trustChain } from '../../src/security/trust.ts';
import { folder } from './support.ts';
import { type Golden, golden, isMessage, lines, numbered, replaced, saying, text, written } from './tampering.ts';

let stage: Golden;
beforeAll(async () => {
  stage = await golden();
});

async function verified(path: string): Promise<Verification> {
  const trust = trustChain({ anchors: stage.all.root.certificate });
  return verify(await sourcesAt(path), { trust, secondEngine: false });
}

function raw(...records: readonly object[]): string {
  const header = {
    n: 1,
    at: '',
    kind: 'transcript',
    format: 'surewire-transcript/1',
    recorder: 'r',
    part: 1,
    payloads: 'kept',
  };
  let chain: string = chainStart;
  return written(
    [header, ...records].map((record, at) => {
      const next = chained(chain, { ...record, n: at + 1 });
      chain = next.chain;
      return next.line;
    }),
  );
}

const message = (payload: object, more: object = {}) => ({
  at: '2026-01-01T00:00:00.000Z',
  kind: 'message',
  end: 'client',
  direction: 'out',
  leg: 'request',
  exchange: 1,
  transport: { name: 'http' },
  octets: 1,
  payload,
  ...more,
});

describe('payloads that are traps', () => {
  const deep = `${'<a>'.repeat(10_000)}${'</a>'.repeat(10_000)}`;
  test.each([
    ['a DTD with entities', '<!DOCTYPE a [<!ENTITY b "cccc">]><a>&b;</a>'],
    ['elements within elements without end', deep],
    ['no XML', 'no XML at all'],
    ['nothing', ''],
    ['half a message', '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'],
    ['an envelope of nobody', '<Envelope><Body/></Envelope>'],
  ])('%s', async (_, text) => {
    const found = await verified(raw(message({ form: 'kept', text })));
    expect(found.verdict).toBe('unchecked');
    expect(found.counts['message-unreadable']).toBe(1);
  });

  test('a sequence number beyond all numbers, and acknowledgements of everything', async () => {
    const rm = 'http://docs.oasis-open.org/ws-rx/wsrm/200702';
    const envelope = (inside: string) =>
      `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header>${inside}</s:Header><s:Body/></s:Envelope>`;
    const sequence = `<r:Sequence xmlns:r="${rm}"><r:Identifier>urn:a</r:Identifier><r:MessageNumber>9223372036854775807</r:MessageNumber></r:Sequence>`;
    const all = `<r:SequenceAcknowledgement xmlns:r="${rm}"><r:Identifier>urn:a</r:Identifier><r:AcknowledgementRange Lower="1" Upper="9007199254740991"/></r:SequenceAcknowledgement>`;
    const found = await verified(
      raw(
        message({ form: 'kept', text: envelope(sequence) }),
        message({ form: 'kept', text: envelope(all) }, { exchange: 2 }),
      ),
    );
    expect(found.verdict).toBe('unchecked');
    expect(found.counts['sequence-beginning-missing']).toBe(1);
  });
});

describe('records that are none', () => {
  test.each([
    ['no object', '[1, 2]'],
    ['an object of another kind', '{"n":2,"at":"","kind":"other"}'],
    ['a message without what a message has', '{"n":2,"at":"","kind":"message"}'],
    ['a payload of another form', JSON.stringify({ ...message({ form: 'kept' }), n: 2 })],
    ['a payload whose text is none', JSON.stringify({ ...message({ form: 'kept', text: { toString: 1 } }), n: 2 })],
    ['a prototype', '{"n":2,"at":"","kind":"evidence","of":1,"accepted":true,"__proto__":{"accepted":true}'],
  ])('%s is a line that cannot be read', async (_, line) => {
    const all = lines(stage.records);
    const found = await verified(written(all.toSpliced(2, 0, line)));
    expect(found.counts['transcript-line-torn']).toBe(1);
    expect(found.verdict).not.toBe('sound');
  });

  test('random octets in the middle, wherever they fall', async () => {
    const whole = Buffer.from(`${lines(stage.records).join('\n')}\n`);
    const random = seededRandom(7);
    for (let round = 0; round < 40; round++) {
      const at = Math.floor(random.fraction() * whole.length);
      const path = join(folder(), 'random.jsonl');
      const octets = Buffer.from(whole);
      octets[at] = (octets[at] ?? 0) ^ (1 + Math.floor(random.fraction() * 255));
      writeFileSync(path, octets);
      const found = await verified(path).catch((error: unknown) => error);
      // In the very first line it may be no transcript any more.
      if (found instanceof Error) expect(found, `octet ${at}`).toMatchObject({ code: 'AUDIT_FOREIGN' });
      else expect((found as Verification).verdict, `octet ${at}`).not.toBe('sound');
    }
  });

  test('cut off anywhere, what is there is read and nothing passes', async () => {
    const whole = `${lines(stage.records).join('\n')}\n`;
    for (let part = 1; part < 20; part++) {
      const path = join(folder(), 'cut.jsonl');
      writeFileSync(path, whole.slice(0, Math.floor((whole.length * part) / 20)));
      const { verdict, messages } = await verified(path);
      expect(verdict, `${part} of 20`).not.toBe('sound');
      if (part > 5) expect(messages).toBeGreaterThan(0);
    }
  });
});

test('a line without end is not kept in memory', async () => {
  const path = join(folder(), 'long.jsonl');
  const out = createWriteStream(path);
  const all = lines(stage.records);
  out.write(`${all[0]}\n`);
  const block = 'x'.repeat(2 ** 20);
  for (let written = 0; written <= longestLine; written += block.length) {
    if (!out.write(block)) await once(out, 'drain');
  }
  out.end(`\n${all.slice(1).join('\n')}\n`);
  await once(out, 'finish');
  const found = await verified(path);
  expect(found.counts['transcript-line-torn']).toBe(1);
  expect(found.sequences).toMatchObject([{ numbers: [[1, 6]] }]);
});

test('what messages say cannot steer a terminal', async () => {
  const third = numbered(stage.records, 3);
  const evil = saying(third, text(third).replace(/(<r:Identifier[^>]*>)[^<]*/, '$1urn:\u{9b}31m\u{202e}evil'));
  const found = await verified(written(lines(replaced(stage.records, third, evil))));
  const shown = shownVerification(found, true).join('\n');
  expect(shown).toContain('evil');
  expect(shown.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\p{Cf}/u);
});

test('a password does not come back by way of a comment, an entity, or another prefix', () => {
  const wsse = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
  const random = seededRandom(3);
  const pieces = [
    'hunter2',
    '<!--x-->',
    '<![CDATA[hunter2]]>',
    '&#104;unter2',
    '<y>hunter2</y>',
    ' ',
    '>',
    '<y a="/p:Password>"/>',
  ];
  for (let round = 0; round < 200; round++) {
    const inside = Array.from({ length: 5 }, () => pieces[Math.floor(random.fraction() * pieces.length)]).join('');
    const prefix = round % 2 === 0 ? 'p' : 'Password';
    const octets = Buffer.from(
      `<a xmlns:${prefix}="${wsse}"><${prefix}:Password>${inside}</${prefix}:Password><b/></a>`,
    );
    const result = strike(octets);
    expect(result.kind, inside).toBe('struck');
    if (result.kind === 'struck') expect(Buffer.from(result.octets).toString(), inside).not.toMatch(/unter2/);
  }
});

test('of messages that are no secret nothing is taken away', () => {
  for (const one of stage.records.filter(isMessage)) expect(strike(Buffer.from(text(one))).kind).toBe('clean');
});
