/**
 * One public failure, on a real wire: status, headers and octets are the same for every cause, and what a sender wrote
 * comes back neither multiplied nor into logs.
 */

import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { binding, listen } from '../../src/channel/binding.ts';
import type { Listener } from '../../src/channel/transport.ts';
import { security } from '../../src/security/element.ts';
import { untrusted } from '../../src/security/errors.ts';
import { addressingOf } from '../../src/soap/addressing.ts';
import { decode } from '../../src/soap/codec.ts';
import { encodeEnvelope, readEnvelope, requireUnderstood } from '../../src/soap/envelope.ts';
import { faultFor, faultReply } from '../../src/soap/fault.ts';
import { httpTransport } from '../../src/transport/http/transport.ts';
import { scan } from '../../src/xml/scan.ts';
import { growth, TIMES } from '../growth.ts';
import { issue } from '../security/pki.ts';
import { policyOf, start } from '../security/rig.ts';
import { craft, cut, fault, prepare, type Stage, swap } from './support.ts';

const soap = 'http://www.w3.org/2003/05/soap-envelope';

describe('the same answer for every cause', () => {
  let stage: Stage;
  let listener: Listener;
  const heard: unknown[] = [];
  beforeAll(async () => {
    stage = await prepare();
    const element = security(policyOf(stage.pki.service, stage.pki.root), { clock: new VirtualClock(start) });
    listener = await listen(binding([element], httpTransport()), new URL('http://127.0.0.1:0/soap'), async (trip) => {
      heard.push(trip);
      return undefined;
    });
  });
  afterAll(() => listener.close());

  const post = async (body: string) => {
    const answer = await request(listener.url, {
      method: 'POST',
      headers: { 'content-type': 'application/soap+xml; charset=utf-8' },
      body,
      reset: true,
    });
    const { date: _, ...headers } = answer.headers;
    return { status: answer.statusCode, headers, body: await answer.body.text() };
  };

  test('in status, headers and octets', async () => {
    const { valid, pki } = stage;
    const accepted = await post(valid);
    expect([accepted.status, accepted.body, heard.length]).toEqual([202, '', 1]);
    const causes: Readonly<Record<string, string>> = {
      'a copy': valid,
      'no header': swap(valid, cut(valid, 'wsse:Security'), ''),
      'no signature': swap(valid, cut(valid, 'ds:Signature'), ''),
      'a changed body': swap(valid, 'two of them', 'two hundred'),
      'a changed value': valid.replace(/<ds:SignatureValue>..../, '<ds:SignatureValue>AAAA'),
      'no base64': valid.replace(/<ds:SignatureValue>..../, '<ds:SignatureValue>####'),
      'a stranger': await craft({ key: pki.stranger.key() }),
      'an expired certificate': await craft({
        key: (await issue({ name: 'old', notAfter: new Date('2026-11-01') }, pki.root)).key(),
      }),
      'an expired message': await craft({ key: pki.client.key(), timestamp: '' }),
      'one id twice': swap(
        valid,
        '<wsse:Security ',
        '<x:T xmlns:x="urn:x" Id="a"/><x:T xmlns:x="urn:x" Id="a"/><wsse:Security ',
      ),
      encryption: swap(
        valid,
        '</wsse:Security>',
        '<x:EncryptedKey xmlns:x="http://www.w3.org/2001/04/xmlenc#"/></wsse:Security>',
      ),
    };
    const answers = await Promise.all(Object.values(causes).map(post));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]?.status).toBe(500);
    expect(answers[0]?.body).toBe(fault);
    expect(heard).toHaveLength(1);
  });
});

describe('K19: another way in', () => {
  test.each(['GET', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'] as const)(
    'K19 %s, whatever it asks for, reaches nobody',
    async (method) => {
      const { client, root, service } = (await prepare()).pki;
      const heard: unknown[] = [];
      const element = security(policyOf(service, root), { clock: new VirtualClock(start) });
      const transport = binding([element], httpTransport());
      const listener = await listen(transport, new URL('http://127.0.0.1:0/soap'), async (trip) => {
        heard.push(trip);
        return undefined;
      });
      const address = `${listener.url.href}?op=place&note=evil`;
      const answer = await request(address, {
        method,
        headers: { 'content-type': 'application/soap+xml; charset=utf-8' },
        ...(method === 'GET' ? {} : { body: await craft({ key: client.key() }) }),
        reset: true,
      });
      await answer.body.dump();
      expect(answer.statusCode).toBe(405);
      expect(heard).toEqual([]);
      await listener.close();
    },
  );
});

describe('what a sender wrote does not come back a hundredfold', () => {
  const envelope = (header: string, body: string, attributes = ''): Buffer =>
    Buffer.from(
      `<s:Envelope xmlns:s="${soap}"${attributes}><s:Header>${header}</s:Header><s:Body>${body}</s:Body></s:Envelope>`,
    );

  test('D9 more than 256 header blocks are refused before they are looked at', () => {
    const blocks = (count: number) => envelope('<a:b s:mustUnderstand="1"/>'.repeat(count), '', ' xmlns:a="urn:a"');
    expect(readEnvelope(scan(blocks(256))).headers).toHaveLength(256);
    expect(() => readEnvelope(scan(blocks(257)))).toThrow(expect.objectContaining({ code: 'SOAP_ENVELOPE' }));
  });

  test('a MustUnderstand fault names a few of the blocks in its reason', () => {
    const message = readEnvelope(scan(envelope('<a:b s:mustUnderstand="1"/>'.repeat(256), '', ' xmlns:a="urn:a"')));
    const refusal = (() => {
      try {
        return requireUnderstood(message);
      } catch (error) {
        return error;
      }
    })();
    expect(faultFor(refusal).reason).toMatch(/and 251 more\.$/);
    expect(encodeEnvelope(faultReply(message, faultFor(refusal))).length).toBeLessThan(64 * 1024);
  });

  test('D5 a namespace name longer than any is', () => {
    expect(() => scan(envelope('', '', ` xmlns:a="urn:${'a'.repeat(1021)}"`))).toThrow(
      expect.objectContaining({ code: 'XML_LIMIT' }),
    );
    scan(envelope('', '', ` xmlns:a="urn:${'a'.repeat(1020)}"`));
  });

  const addressed = (action: string) =>
    envelope(`<a:Action>${action}</a:Action>`, '', ' xmlns:a="http://www.w3.org/2005/08/addressing"');

  test.each([
    ['line breaks', 'urn:a\nurn:b'],
    ['terminal controls', 'urn:a\u009b2J'],
    ['no end', `urn:${'a'.repeat(4093)}`],
  ])('D17 an action with %s is neither believed nor published', (_, text) => {
    const message = decode(addressed(text), 'application/soap+xml');
    expect(message.action).toBe('');
    expect(() => addressingOf(message)).toThrow(expect.objectContaining({ code: 'SOAP_ADDRESSING' }));
  });

  test('D17 text of the other side in error messages is one short printable line', () => {
    expect(untrusted(`a\r\n\u001b[31m\u202e${'b'.repeat(1000)}`)).toMatch(/^a\?\?\?\[31m\?b{1,120}…$/);
  });
});

describe('C6, D21 content that costs more than it is long', () => {
  const prefixes = Array.from({ length: 250 }, (_, index) => ` xmlns:p${index}="urn:${index}"`).join('');
  const reading = (content: string, declarations = '') => {
    const octets = Buffer.from(
      `<s:Envelope xmlns:s="${soap}"${declarations}><s:Body><a>${content}</a></s:Body></s:Envelope>`,
    );
    return () => readEnvelope(scan(octets)).body.bytes;
  };

  test.each([
    ['values under many prefixes', '<a b="y"/>'],
    ['broken text under many prefixes', '<!---->:'],
    ['declarations', '<a xmlns:q="urn:q"/>'],
  ])('%s: the cost grows with the length, and not with it for each prefix', async (_, unit) => {
    const long = reading(unit.repeat(1_000 * TIMES), prefixes);
    expect(long().length).toBeGreaterThan(1_000 * TIMES);
    // Quadratic work would be sixteen times as much, and work for each prefix two hundred and fifty times.
    expect(await growth(reading(unit.repeat(1_000)), long)).toBeLessThan(TIMES / 2);
  });
});
