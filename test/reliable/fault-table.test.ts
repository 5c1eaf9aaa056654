/**
 * The fault table of WS-RM (facts/wcf-implementation.md 3.14; WS-RM 1.1, section 4), octet for octet: each fault of each
 * version in both SOAP versions has the code, subcode, detail and header that WCF recognises.
 */
import { describe, expect, test } from 'vitest';
import { type ReliableFault, type ReliableFaultName, reliableFaultReply } from '../../src/reliable/faults.ts';
import { acknowledgementHeader } from '../../src/reliable/headers.ts';
import { reliable200502 } from '../../src/reliable/versions/v200502.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import type { ReliableVersion } from '../../src/reliable/versions/version.ts';
import { addressing200508, withAddressing } from '../../src/soap/addressing.ts';
import { message, withHeaders } from '../../src/soap/envelope.ts';
import type { HeaderBlock, Message } from '../../src/soap/message.ts';
import { type SoapVersion, soap11, soap12 } from '../../src/soap/version.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { acceptorEnd, saying } from './ends.ts';
import { Client } from './peers.ts';
import { numberOf, Scene } from './scene.ts';

type Detail = 'identifier' | 'rollover' | 'acknowledgement' | 'none';

interface Row {
  readonly name: ReliableFaultName;
  readonly code: 'sender' | 'receiver';
  readonly detail: Detail;
  /** How SOAP 1.1 says it: a SequenceFault header beside faultcode Client or Server, or the faultcode itself. */
  readonly soap11: 'header' | 'faultcode';
  /** Versions that have it. */
  readonly versions: readonly ReliableVersion[];
}

const both = [reliable200502, reliable200702];
const table: readonly Row[] = [
  { name: 'SequenceTerminated', code: 'sender', detail: 'identifier', soap11: 'header', versions: both },
  { name: 'SequenceTerminated', code: 'receiver', detail: 'identifier', soap11: 'header', versions: both },
  { name: 'UnknownSequence', code: 'sender', detail: 'identifier', soap11: 'header', versions: both },
  { name: 'InvalidAcknowledgement', code: 'sender', detail: 'acknowledgement', soap11: 'header', versions: both },
  { name: 'MessageNumberRollover', code: 'sender', detail: 'rollover', soap11: 'header', versions: both },
  {
    name: 'LastMessageNumberExceeded',
    code: 'sender',
    detail: 'identifier',
    soap11: 'header',
    versions: [reliable200502],
  },
  { name: 'SequenceClosed', code: 'sender', detail: 'identifier', soap11: 'header', versions: [reliable200702] },
  { name: 'CreateSequenceRefused', code: 'sender', detail: 'none', soap11: 'faultcode', versions: both },
  { name: 'CreateSequenceRefused', code: 'receiver', detail: 'none', soap11: 'faultcode', versions: both },
  { name: 'WsrmRequired', code: 'sender', detail: 'none', soap11: 'faultcode', versions: [reliable200702] },
];

/** The detail as it has to be, without namespace declarations. */
function detailOf(kind: Detail, version: ReliableVersion): string {
  const id = '<r:Identifier>urn:s</r:Identifier>';
  switch (kind) {
    case 'identifier':
      return id;
    case 'rollover':
      return version === reliable200702 ? `${id}<r:MaxMessageNumber>9223372036854775807</r:MaxMessageNumber>` : id;
    case 'acknowledgement':
      return `<r:SequenceAcknowledgement>${id}<r:AcknowledgementRange Lower="3" Upper="2"></r:AcknowledgementRange></r:SequenceAcknowledgement>`;
    case 'none':
      return '';
    default:
      return kind satisfies never;
  }
}

/** What stands in the Body. */
function innerOf(of: Message): string {
  return /^<[^>]*>(.*)<[^>]*>$/s.exec(of.body.toString())?.[1] ?? '';
}

const bare = (xml: string): string => xml.replaceAll(/ xmlns(:\w+)?="[^"]*"/g, '');

const cases = table.flatMap((row) =>
  row.versions.flatMap((version) => [soap11, soap12].map((soap) => ({ ...row, version, soap }))),
);

describe('each fault, octet for octet', () => {
  test.each(cases)('$name ($code) of $version.name in SOAP $soap.name', (row) => {
    const { name, code, version, soap } = row;
    const fault: ReliableFault = {
      name,
      code,
      reason: 'why',
      identifier: 'urn:s',
      acknowledgement: { id: 'urn:s', ranges: [{ lower: 3, upper: 2 }], nacks: [], final: false },
    };
    const request = withAddressing(message({ version: soap }), {
      version: addressing200508,
      action: 'urn:ask',
      messageId: 'urn:uuid:ask',
      to: 'http://service.example/',
    });
    const reply = reliableFaultReply(request, version, fault);
    expect(reply.action).toBe(
      version === reliable200702
        ? 'http://docs.oasis-open.org/ws-rx/wsrm/200702/fault'
        : 'http://www.w3.org/2005/08/addressing/soap/fault',
    );
    const detail = detailOf(row.detail, version);
    const body = bare(innerOf(reply));
    const header = reply.headers.find(({ local }) => local === 'SequenceFault');
    if (soap === soap12 || row.soap11 === 'faultcode') {
      expect(innerOf(reply)).toContain(`xmlns:c="${version.namespace}"`);
    }
    if (soap === soap12) {
      const side = code === 'sender' ? 'Sender' : 'Receiver';
      const wrapped = detail === '' ? '' : `<s:Detail>${detail}</s:Detail>`;
      expect(header).toBeUndefined();
      expect(body).toBe(
        `<s:Fault><s:Code><s:Value>s:${side}</s:Value><s:Subcode><s:Value>c:${name}</s:Value></s:Subcode></s:Code>` +
          `<s:Reason><s:Text xml:lang="en">why</s:Text></s:Reason>${wrapped}</s:Fault>`,
      );
    } else if (row.soap11 === 'header') {
      const side = code === 'sender' ? 'Client' : 'Server';
      const inner = version === reliable200702 ? `<r:Detail>${detail}</r:Detail>` : detail;
      expect(body).toBe(
        `<s:Fault><faultcode>s:${side}</faultcode><faultstring xml:lang="en">why</faultstring></s:Fault>`,
      );
      expect(bare(String(header?.fragment))).toBe(
        `<r:SequenceFault><r:FaultCode>r:${name}</r:FaultCode>${inner}</r:SequenceFault>`,
      );
      expect(String(header?.fragment)).toContain(`xmlns:r="${version.namespace}"`);
      expect(header?.mustUnderstand).toBe(false);
    } else {
      expect(header).toBeUndefined();
      expect(body).toBe(
        `<s:Fault><faultcode>c:${name}</faultcode><faultstring xml:lang="en">why</faultstring></s:Fault>`,
      );
    }
  });

  test.each(both)('ConnectionLimitReached of $name stands below the subcode, in the namespace of netrm', (version) => {
    const fault = { name: 'CreateSequenceRefused', code: 'receiver', reason: 'busy', connectionLimit: true } as const;
    const reply = innerOf(reliableFaultReply(message({ version: soap12 }), version, fault));
    expect(bare(reply)).toMatch(
      /<s:Value>c:CreateSequenceRefused<\/s:Value><s:Subcode><s:Value>(\w+):ConnectionLimitReached</,
    );
    expect(reply).toContain('"http://schemas.microsoft.com/ws/2006/05/rm"');
  });
});

/** The detail of an InvalidAcknowledgement, wherever the SOAP version has it. */
function refusedIn(of: Message | undefined): string {
  const block = of?.headers.find(({ local }) => local === 'SequenceFault');
  const within = of === undefined ? '' : (block?.fragment.toString() ?? innerOf(of));
  const found = /<\w+:SequenceAcknowledgement\b.*<\/\w+:SequenceAcknowledgement>/s.exec(within);
  return bare(found?.[0] ?? '');
}

/** An acknowledgement with these bounds, as whoever writes it. */
function lie(version: ReliableVersion, id: string, bounds: string): (soap: SoapVersion) => HeaderBlock {
  const range = `<r:AcknowledgementRange ${bounds}></r:AcknowledgementRange>`;
  const fragment = XmlFragment.parse(
    `<r:SequenceAcknowledgement xmlns:r="${version.namespace}"><r:Identifier>${id}</r:Identifier>${range}</r:SequenceAcknowledgement>`,
  );
  return (soap) => ({ ...acknowledgementHeader(version, soap, { id, ranges: [], nacks: [], final: false }), fragment });
}

describe('InvalidAcknowledgement says which acknowledgement it means, or WCF takes it for no fault of WS-RM', () => {
  const lies = [
    ['backward', 'Lower="3" Upper="2"'],
    ['from 0', 'Lower="0" Upper="2"'],
    ['of what was never sent', 'Lower="1" Upper="7"'],
  ] as const;

  test.each(
    lies.flatMap(([what, bounds]) =>
      both.flatMap((version) => [soap11, soap12].map((soap) => ({ what, bounds, version, soap }))),
    ),
  )('an acceptor, of replies, $what ($version.name, SOAP $soap.name)', async ({ bounds, version, soap }) => {
    const end = acceptorEnd({}, async (trip) => trip.carrying(saying('re', soap)));
    const client = new Client(end, version, { soap, offer: 'urn:offer' });
    await client.create();
    const request = client.numbered(1);
    const answer = await client.ask(withHeaders(request, [lie(version, 'urn:offer', bounds)(soap)]));
    expect(refusedIn(answer)).toContain(`<r:AcknowledgementRange ${bounds}>`);
    expect(refusedIn(answer)).toContain('<r:Identifier>urn:offer</r:Identifier>');
  });

  test.each(both.flatMap((version) => [soap11, soap12].map((soap) => ({ version, soap }))))(
    'an initiator, of messages never sent ($version.name, SOAP $soap.name)',
    async ({ version, soap }) => {
      const scene = new Scene({ version, soap }, (request, server) =>
        numberOf(request) === undefined ? server.good(request) : server.acknowledged(request, { upper: 7 }),
      );
      expect((await scene.failure(scene.say('one'))).code).toBe('RELIABLE_INVALID_ACKNOWLEDGEMENT');
      await scene.until(scene.channel.closed);
      const [fault] = scene.sent.filter((of) => refusedIn(of) !== '');
      expect(refusedIn(fault)).toBe(
        '<r:SequenceAcknowledgement><r:Identifier>urn:s</r:Identifier>' +
          '<r:AcknowledgementRange Lower="1" Upper="7"></r:AcknowledgementRange></r:SequenceAcknowledgement>',
      );
    },
  );
});
