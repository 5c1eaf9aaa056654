/**
 * What real peers said to each other: every envelope is read without loss, and what is written from it reads the same.
 * The data lies beside the project and is read in place.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SurewireError } from '../../src/base/errors.ts';
import { addressingOf } from '../../src/soap/addressing.ts';
import { decode, encode, soapActionHeader } from '../../src/soap/codec.ts';
import { payload, readEnvelope } from '../../src/soap/envelope.ts';
import { faultOf } from '../../src/soap/fault.ts';
import type { Message } from '../../src/soap/message.ts';
import { soapVersions } from '../../src/soap/version.ts';
import { canonicalize } from '../../src/xml/canonicalize.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { exclusive } from '../../src/xml/methods.ts';
import { scan } from '../../src/xml/scan.ts';

const shared = join(import.meta.dirname, '../../../shared');
const captures = join(shared, 'captures');
const vectors = join(shared, 'vectors');

function filesBelow(folder: string, ending: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .sort();
}

/** The head of a recorded HTTP message, and what stands behind it. */
function split(octets: Buffer): { readonly headers: ReadonlyMap<string, string>; readonly body: Buffer } {
  const end = octets.indexOf('\r\n\r\n');
  const lines = octets.toString('latin1', 0, end).split('\r\n').slice(1);
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { headers: new Map(headers), body: octets.subarray(end + 4) };
}

const canonical = (element: XmlElement): string => Buffer.from(canonicalize(element, exclusive)).toString();

/** Writes the message and reads it again: action, addressing, header blocks and Body are what they were. */
function requireNoLoss(message: Message): void {
  const { body, contentType, headers } = encode(message);
  const back = decode(body, contentType, headers[soapActionHeader]);
  expect(back.version).toBe(message.version);
  expect(back.action).toBe(message.action);
  expect(back.headers.map(({ fragment, ...rest }) => ({ ...rest, xml: canonical(fragment.element) }))).toEqual(
    message.headers.map(({ fragment, ...rest }) => ({ ...rest, xml: canonical(fragment.element) })),
  );
  expect(canonical(back.body.element)).toBe(canonical(message.body.element));
  expect(back.body.toString()).toBe(message.body.toString());
}

const folders = existsSync(captures)
  ? readdirSync(captures, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => ({ folder: name, files: filesBelow(join(captures, name), '.http') }))
      .filter(({ files }) => files.length > 0)
  : [];

describe('captures of WCF and Metro', () => {
  if (folders.length === 0) test.skip('../shared/captures is absent: nothing was read', () => undefined);

  for (const { folder, files } of folders) {
    test(`${folder}: ${files.length} recorded messages`, () => {
      for (const file of files) {
        const { headers, body } = split(readFileSync(join(captures, folder, file)));
        if (body.length === 0) continue;
        const type = headers.get('content-type');
        expect(
          soapVersions.some((version) => type?.startsWith(version.mediaType)),
          `${file}: ${type}`,
        ).toBe(true);
        let message: Message;
        try {
          message = decode(body, type, headers.get('soapaction'));
          addressingOf(message);
          faultOf(message);
        } catch (error) {
          throw new Error(`${folder}/${file}: ${error}`, { cause: error });
        }
        requireNoLoss(message);
      }
    });
  }
});

/** Vectors that are not what this room reads, and why; told by their own error codes. */
const expectedRefusals: ReadonlyMap<string, string> = new Map([
  // Declares xmlns:http="wsa", a relative namespace name.
  ['wsrm-sandesha/test-resources/CreateSequenceResponse.xml', 'XML_NAMESPACE'],
  // Printed examples: an IRI broken over two lines.
  ['wsrm-sandesha/test-resources/MakeConnection.xml', 'SOAP_ADDRESSING'],
  ['wsrm-sandesha/test-resources/MessagePending.xml', 'SOAP_ADDRESSING'],
]);

describe.each(['wsrm-gsoap-traces', 'wsrm-sandesha', 'inline-messages'])(
  'vectors of %s (skipped where the folder is absent from ../shared/vectors)',
  (source) => {
    const folder = join(vectors, source);
    const files = filesBelow(folder, '.xml');
    test.skipIf(files.length === 0)(`${source}: every envelope is read without loss`, () => {
      const refused = new Map<string, string>();
      for (const file of files) {
        const octets = readFileSync(join(folder, file));
        try {
          const message = readEnvelope(scan(octets));
          addressingOf(message);
          faultOf(message);
          payload(message);
          requireNoLoss(message);
        } catch (error) {
          if (!(error instanceof SurewireError)) throw new Error(`${source}/${file}`, { cause: error });
          refused.set(`${source}/${file}`, error.code);
        }
      }
      const expected = [...expectedRefusals].filter(([file]) => file.startsWith(source));
      expect(refused).toEqual(new Map(expected));
    });
  },
);
