/** A second opinion that shares no code with us: xml-crypto over xmldom verifies what is signed here. */
import { createRequire } from 'node:module';
import { beforeAll, describe, expect, test } from 'vitest';
import { SignedXml } from 'xml-crypto';
import { soap11, soap12 } from '../../src/soap/version.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { order, type Pki, pki, policyOf, secured } from './rig.ts';

const own = createRequire(import.meta.resolve('xml-crypto'));
const { DOMParser } = own('@xmldom/xmldom') as typeof import('@xmldom/xmldom');
const { select1 } = own('xpath') as typeof import('xpath');

let all: Pki;
beforeAll(async () => {
  all = await pki();
});

function verifies(text: string): boolean {
  const der = Buffer.from(all.client.certificate.der).toString('base64').replace(/.{64}/g, '$&\n');
  const signed = new SignedXml({ publicCert: `-----BEGIN CERTIFICATE-----\n${der}\n-----END CERTIFICATE-----\n` });
  const document = new DOMParser().parseFromString(text, 'text/xml');
  signed.loadSignature(select1("//*[local-name(.)='Signature']", document as never) as never);
  try {
    return signed.checkSignature(text);
  } catch {
    return false;
  }
}

describe.each([soap11, soap12])('SOAP $name', (version) => {
  test('xml-crypto verifies what is signed here, and refuses it when it was changed', async () => {
    const text = Buffer.from(await secured(policyOf(all.client, all.root), order(version))).toString();
    expect(verifies(text)).toBe(true);
    expect(verifies(text.replace('two of them', 'two of mine'))).toBe(false);
    expect(verifies(text.replace('<r:MessageNumber>1', '<r:MessageNumber>2'))).toBe(false);
  });
});

test('xml-crypto agrees about prefixes that only content uses', async () => {
  const body = XmlFragment.parse(
    '<s:Body xmlns:s="http://www.w3.org/2003/05/soap-envelope"><o:V xmlns:o="urn:o" xmlns:t="urn:t" type="t:Price">1 &lt; 2</o:V></s:Body>',
  );
  const text = Buffer.from(await secured(policyOf(all.client, all.root), { ...order(), body })).toString();
  expect(text).toContain('PrefixList="t"');
  expect(verifies(text)).toBe(true);
  expect(verifies(text.replace('xmlns:t="urn:t"', 'xmlns:t="urn:u"'))).toBe(false);
});
