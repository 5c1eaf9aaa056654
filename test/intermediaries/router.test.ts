/**
 * A SOAP router between the ends (issue 3, item 6): a signed reliable session goes through it and through its losses, the
 * end-to-end signature survives what it adds and removes, and a router that touches anything else is found out.
 */
import type { Element } from '@xmldom/xmldom';
import { describe, expect, test } from 'vitest';
import { reliableVersions } from '../../src/reliable/versions/table.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { soap12, soapVersions } from '../../src/soap/version.ts';
import { httpTransport } from '../../src/transport/http/transport.ts';
import { pki } from '../security/rig.ts';
import { clientOf, serviceAt, texts } from './ends.ts';
import { routerRole, routing, soapRouter } from './router.ts';

const anywhere = 'http://127.0.0.1:0';
const pairs = reliableVersions.flatMap((version) => soapVersions.map((soap) => ({ version, soap })));
const route = (where: string): string => `<r:Route xmlns:r="${routing}">${where}</r:Route>`;

describe.each(pairs)('WS-RM $version.name, SOAP $soap.name', ({ version, soap }) => {
  test('routed by a header block of the client’s, signed end to end, one exchange in three lost', async () => {
    const people = await pki();
    const transport = httpTransport();
    await using east = await serviceAt(transport, `${anywhere}/east`, people);
    await using west = await serviceAt(transport, `${anywhere}/west`, people);
    const byHeader = new Map([
      ['east', east.url],
      ['west', west.url],
    ]);
    await using router = await soapRouter({ byHeader, otherwise: east.url, loss: 0.18, seed: 11 });
    const sent = texts(12);
    for (const [where, service] of [
      ['east', east],
      ['west', west],
    ] as const) {
      const blocks = [{ xml: route(where), role: routerRole, mustUnderstand: true }];
      const client = clientOf(transport, router.url, service.url, people, { soap, version, blocks });
      expect(await Promise.all(sent.map((text) => client.say(text)))).toEqual(sent.map((text) => `re: ${text}`));
      await client.channel.close();
      expect(service.heard.map(({ text }) => text)).toEqual(sent);
      // What the router put there is not signed by the client, and does not reach the application.
      expect(service.heard.flatMap(({ headers }) => headers).filter((name) => name.includes(routing))).toEqual([]);
    }
    expect(router.lost()).toBeGreaterThan(0);
    expect(new Set(router.processed)).toEqual(new Set([`{${routing}}Route`]));
    expect([...router.routed.keys()].sort()).toEqual([east.url.href, west.url.href].sort());
  });
});

test('routed by action: protocol messages to where the session lives, whatever the application sends', async () => {
  const people = await pki();
  const transport = httpTransport();
  await using main = await serviceAt(transport, `${anywhere}/main`, people);
  await using other = await serviceAt(transport, `${anywhere}/other`, people);
  const byAction = new Map(
    Object.values(reliable200702.actions)
      .filter((action) => action !== undefined)
      .map((action) => [action, main.url]),
  );
  byAction.set('urn:example:say', main.url);
  await using router = await soapRouter({ byAction, otherwise: other.url });
  const client = clientOf(transport, router.url, main.url, people, {
    soap: soap12,
    version: reliable200702,
    session: { maxRetryCount: 3 },
  });
  expect(await client.say('here')).toBe('re: here');
  // The service at the other end of this action knows nothing of the sequence.
  await expect(client.say('there', 'urn:example:elsewhere')).rejects.toMatchObject({
    code: 'RELIABLE_UNKNOWN_SEQUENCE',
  });
  expect(main.heard).toHaveLength(1);
  expect(other.heard).toEqual([]);
  expect(router.routed.get(other.url.href)).toBeGreaterThan(0);
});

describe('a router that changes what is signed is found out', () => {
  const text = (envelope: Element, local: string): Element | undefined =>
    [...envelope.getElementsByTagName('*')].find(
      (element) => element.localName === local && !element.hasAttributeNS(soap12.namespace, 'role'),
    );
  const set = (local: string, value: string) => (envelope: Element) => {
    const found = text(envelope, local);
    if (found !== undefined) found.textContent = value;
  };
  const move = (local: string) => (envelope: Element) => {
    const found = text(envelope, local);
    found?.parentNode?.removeChild(found);
  };

  test.each([
    ['the Body', set('said', 'something else')],
    ['wsa:To', set('To', 'http://elsewhere.example/')],
    ['wsa:Action', set('Action', 'urn:example:delete')],
    ['wsa:MessageID', set('MessageID', 'urn:uuid:00000000-0000-4000-8000-000000000000')],
    ['the message number', set('MessageNumber', '7')],
    ['the Sequence header block, which it takes away', move('Sequence')],
    ['the Timestamp', set('Created', '2026-01-01T00:00:00.000Z')],
    [
      'a role: the Sequence header block given to another',
      (envelope: Element) => {
        text(envelope, 'Sequence')?.setAttributeNS(soap12.namespace, 's:role', 'urn:example:roles:auditor');
      },
    ],
  ])('%s of a request: nothing is delivered; once it stops, the session goes on', async (_, change) => {
    let isBad = false;
    await through(
      (envelope, way) => isBad && way === 'request' && change(envelope),
      async (client, service, changed) => {
        expect(await client.say('first')).toBe('re: first');
        isBad = true;
        const second = client.say('second');
        await changed();
        expect(service.heard.map((heard) => heard.text)).toEqual(['first']);
        isBad = false;
        expect(await second).toBe('re: second');
        expect(service.heard.map((heard) => heard.text)).toEqual(['first', 'second']);
      },
    );
  });

  test.each([
    ['the Body', set('said', 're: something else')],
    ['the acknowledgement', (envelope: Element) => text(envelope, 'AcknowledgementRange')?.setAttribute('Upper', '9')],
    ['wsa:RelatesTo', set('RelatesTo', 'urn:uuid:00000000-0000-4000-8000-000000000000')],
  ])('%s of a reply: it is not believed; the true one comes again', async (_, change) => {
    let isBad = false;
    await through(
      (envelope, way) => isBad && way === 'reply' && change(envelope),
      async (client, service, changed) => {
        expect(await client.say('first')).toBe('re: first');
        isBad = true;
        const second = client.say('second');
        await changed();
        isBad = false;
        expect(await second).toBe('re: second');
        expect(service.heard.map((heard) => heard.text)).toEqual(['first', 'second']);
      },
    );
  });

  async function through(
    meddle: (envelope: Element, way: 'request' | 'reply') => unknown,
    work: (
      client: ReturnType<typeof clientOf>,
      service: Awaited<ReturnType<typeof serviceAt>>,
      changed: () => Promise<void>,
    ) => Promise<void>,
  ): Promise<void> {
    const people = await pki();
    const transport = httpTransport();
    await using service = await serviceAt(transport, `${anywhere}/service`, people);
    let [count, enough] = [0, (): void => undefined];
    await using router = await soapRouter({
      otherwise: service.url,
      meddle: (envelope, way) => {
        if (meddle(envelope, way) === false) return;
        count += 1;
        // When the second copy comes the first has been refused.
        if (count === 2) enough();
      },
    });
    const client = clientOf(transport, router.url, service.url, people, { soap: soap12, version: reliable200702 });
    const changed = (): Promise<void> =>
      new Promise((resolve) => {
        enough = resolve;
      });
    await work(client, service, changed);
    await client.channel.close();
  }
});
