/**
 * Roles and actors, mustUnderstand and relay at the last node of the way (SOAP 1.1 section 4.2.2 and 4.2.3; SOAP 1.2 part 1 sections
 * 2.2, 2.4, 2.6, 5.2): what is for another is neither processed nor refused, what is for us and mandatory and understood by
 * nobody is a MustUnderstand fault.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { binding } from '../../src/channel/binding.ts';
import type { BindingElement } from '../../src/channel/channel.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { security } from '../../src/security/element.ts';
import { contract, requestReply } from '../../src/service/contract.ts';
import { dispatcher } from '../../src/service/dispatcher.ts';
import { type Host, host } from '../../src/service/host.ts';
import { text } from '../../src/service/shape.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { decode } from '../../src/soap/codec.ts';
import { findHeaders } from '../../src/soap/envelope.ts';
import { faultOf } from '../../src/soap/fault.ts';
import type { Message } from '../../src/soap/message.ts';
import { type SoapVersion, soapVersions } from '../../src/soap/version.ts';
import { httpTransport } from '../../src/transport/http/transport.ts';
import { order, pki, policyOf, secured } from '../security/rig.ts';

const wsa = addressing200508.namespace;
const echo = contract({
  name: 'Echo',
  namespace: 'urn:example:echo',
  operations: { say: requestReply({ request: text, reply: text }) },
});

/** What a header block says of itself, for people and in XML. */
type Cases = readonly (readonly [what: string, attributes: string])[];
const only12 = (version: SoapVersion, cases: Cases): Cases => (version.name === '1.2' ? cases : []);

let opened: Host | undefined;
let heard: string[];

beforeEach(() => {
  heard = [];
});

afterEach(() => opened?.close(AbortSignal.abort()));

async function serving(...elements: readonly BindingElement[]): Promise<void> {
  const receive = dispatcher(echo, {
    say: (said) => {
      heard.push(said);
      return `re: ${said}`;
    },
  });
  const via = binding([exchange({ addressing: addressing200508 }), ...elements], httpTransport());
  opened = await host([{ binding: via, url: new URL('http://127.0.0.1:0/echo'), receive }]);
}

async function posted(version: SoapVersion, envelope: string | Uint8Array, action: string): Promise<Message> {
  const parameter = version.actionIn === 'parameter' ? `; action="${action}"` : '';
  const response = await fetch(opened?.url ?? '', {
    method: 'POST',
    body: envelope as BodyInit,
    headers: {
      'content-type': `${version.mediaType}; charset=utf-8${parameter}`,
      ...(version.actionIn === 'header' ? { soapaction: `"${action}"` } : {}),
    },
  });
  const octets = new Uint8Array(await response.arrayBuffer());
  return decode(octets, response.headers.get('content-type') ?? '', undefined);
}

const say = 'urn:example:echo/Echo/Say';

function envelopeOf(
  { namespace }: SoapVersion,
  blocks: string,
  action = say,
  body = '<Say xmlns="urn:example:echo">hello</Say>',
): string {
  return (
    `<s:Envelope xmlns:s="${namespace}" xmlns:a="${wsa}"><s:Header>` +
    `<a:Action s:mustUnderstand="1">${action}</a:Action><a:MessageID>urn:uuid:1</a:MessageID>` +
    `<a:ReplyTo><a:Address>${addressing200508.anonymous}</a:Address></a:ReplyTo>${blocks}` +
    `</s:Header><s:Body>${body}</s:Body></s:Envelope>`
  );
}

describe.each(soapVersions)('SOAP $name', (version) => {
  const { roleAttribute: role, nextRole } = version;
  const block = (attributes: string): string => `<x:Pay xmlns:x="urn:example:x" ${attributes}>now</x:Pay>`;
  const ask = async (attributes: string): Promise<Message> => {
    await serving();
    return posted(version, envelopeOf(version, block(attributes)), say);
  };

  const passedOver: Cases = [
    ['for another role', `s:${role}="urn:example:roles:auditor" s:mustUnderstand="1"`],
    ['for a relative role', `s:${role}="auditor" s:mustUnderstand="1"`],
    ['for next, voluntary', `s:${role}="${nextRole}"`],
    ['for next, mustUnderstand="0"', `s:${role}="${nextRole}" s:mustUnderstand="0"`],
    ['voluntary', ''],
    ...only12(version, [
      ['for none, mandatory', `s:role="${version.namespace}/role/none" s:mustUnderstand="true"`],
      ['for next, to be relayed', `s:role="${nextRole}" s:relay="true"`],
      ['for another role, to be relayed, mandatory', 's:role="urn:x" s:relay="1" s:mustUnderstand="1"'],
    ]),
  ];
  test.each(passedOver)('%s: not ours to refuse', async (_, attributes) => {
    const reply = await ask(attributes);
    expect(faultOf(reply)).toBeUndefined();
    expect(heard).toEqual(['hello']);
    // Nothing of it comes back.
    expect(reply.headers.some(({ namespace }) => namespace === 'urn:example:x')).toBe(false);
  });

  const refused: Cases = [
    ['for nobody in particular', 's:mustUnderstand="1"'],
    ['for the empty role', `s:${role}="" s:mustUnderstand="1"`],
    ['for next', `s:${role}="${nextRole}" s:mustUnderstand="1"`],
    ['for next, with white space around it', `s:${role}=" ${nextRole} " s:mustUnderstand="1"`],
    ...only12(version, [
      ['for the ultimate receiver', `s:role="${version.namespace}/role/ultimateReceiver" s:mustUnderstand="true"`],
      ['for next, to be relayed', `s:role="${nextRole}" s:relay="true" s:mustUnderstand="1"`],
    ]),
  ];
  test.each(refused)('mandatory, %s, understood by nobody: MustUnderstand', async (_, attributes) => {
    const reply = await ask(attributes);
    expect(faultOf(reply)).toMatchObject({ code: 'mustUnderstand' });
    expect(heard).toEqual([]);
    // SOAP 1.2 part 1 section 5.4.8: the fault names what was not understood.
    const named = findHeaders(reply, version.namespace, 'NotUnderstood').map((found) =>
      found.fragment.element.attribute('qname')?.replace(/^.*:/, ''),
    );
    expect(named).toEqual(version.name === '1.2' ? ['Pay'] : []);
  });

  test('addressing and reliable headers of another role are not read', async () => {
    await serving(reliableSession());
    const theirs = `s:${role}="urn:example:roles:auditor"`;
    const blocks =
      `<a:Action ${theirs} s:mustUnderstand="1">urn:other</a:Action><a:RelatesTo ${theirs}>urn:uuid:7</a:RelatesTo>` +
      `<r:Sequence xmlns:r="${reliable200702.namespace}" ${theirs}><r:Identifier>urn:x</r:Identifier><r:MessageNumber>1</r:MessageNumber></r:Sequence>`;
    const reply = await posted(version, envelopeOf(version, blocks), say);
    // Taken for what it is: a message outside of every sequence.
    expect(faultOf(reply)).toMatchObject({ subcode: { local: 'WsrmRequired' } });
  });

  test('a CreateSequence with a mandatory block for next that nobody understands', async () => {
    await serving(reliableSession());
    const rm = reliable200702.namespace;
    const body = `<r:CreateSequence xmlns:r="${rm}"><r:AcksTo><a:Address>${addressing200508.anonymous}</a:Address></r:AcksTo></r:CreateSequence>`;
    const action = reliable200702.actions.createSequence;
    const refused = await posted(
      version,
      envelopeOf(version, block(`s:${role}="${nextRole}" s:mustUnderstand="1"`), action, body),
      action,
    );
    expect(faultOf(refused)).toMatchObject({ code: 'mustUnderstand' });
    const taken = await posted(
      version,
      envelopeOf(version, block(`s:${role}="urn:x" s:mustUnderstand="1"`), action, body),
      action,
    );
    expect(faultOf(taken)).toBeUndefined();
  });

  test('signed end to end: a router’s own blocks stand outside of the signature, whatever their namespace', async () => {
    const people = await pki();
    const inserted = async (blocks: string): Promise<string> => {
      await serving(security(policyOf(people.service, people.root)));
      const signed = Buffer.from(
        await secured(policyOf(people.client, people.root), order(version), Date.now(), Math.floor(Date.now() % 1e9)),
      ).toString();
      const reply = await posted(version, signed.replace('<s:Header>', `<s:Header>${blocks}`), 'urn:orders/place');
      await opened?.close(AbortSignal.abort());
      const fault = faultOf(reply);
      const isSecured = reply.headers.some(({ local }) => local === 'Security');
      return `${isSecured ? 'signed' : 'unsigned'} ${fault?.subcode?.local ?? fault?.code}`;
    };
    const auditor = `s:${role}="urn:example:roles:auditor" s:mustUnderstand="1"`;
    // The order’s own mandatory Sequence header has no layer here: that a signed fault says so means the signature held.
    expect(await inserted('')).toBe('signed mustUnderstand');
    expect(await inserted(`<a:Action xmlns:a="${wsa}" ${auditor}>urn:audit</a:Action>`)).toBe('signed mustUnderstand');
    expect(await inserted(`<x:Via xmlns:x="urn:x" s:${role}="${nextRole}"/>`)).toBe('signed mustUnderstand');
    // For us, mandatory, of nobody who is trusted, and understood by nobody: said before anything is handed up.
    expect(await inserted(`<x:Via xmlns:x="urn:x" s:${role}="${nextRole}" s:mustUnderstand="1"/>`)).toBe(
      'unsigned mustUnderstand',
    );
    // For us, and of those that have to be signed where they are.
    expect(await inserted(`<a:RelatesTo xmlns:a="${wsa}" s:${role}="${nextRole}">urn:uuid:9</a:RelatesTo>`)).toBe(
      'unsigned InvalidSecurity',
    );
  });
});
