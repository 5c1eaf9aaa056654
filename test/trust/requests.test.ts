/**
 * What a request relays of the policy of the service that the token is for: SecondaryParameters of WS-Trust 1.3 section 3.1. CXF,
 * Metro and WCF say there what the RequestSecurityTokenTemplate of an IssuedToken assertion says.
 */
import { expect, test } from 'vitest';
import { readTokenRequest } from '../../src/trust/requests.ts';
import { trust200512 } from '../../src/trust/versions/v200512.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';

const { namespace, keyTypes, requestTypes } = trust200512;
const saml = 'http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1#SAMLV';

function read(own: string, relayed: string) {
  const request =
    `<wst:RequestSecurityToken xmlns:wst="${namespace}"><wst:RequestType>${requestTypes.issue}</wst:RequestType>` +
    `${own}<wst:SecondaryParameters>${relayed}</wst:SecondaryParameters></wst:RequestSecurityToken>`;
  return readTokenRequest(trust200512, 'issue', XmlFragment.parse(request).element);
}

const template =
  `<t:TokenType xmlns:t="${namespace}">${saml}1.1</t:TokenType><t:KeyType xmlns:t="${namespace}">${keyTypes.bearer}</t:KeyType>` +
  `<t:KeySize xmlns:t="${namespace}">128</t:KeySize><t:Claims xmlns:t="${namespace}"><i:ClaimType ` +
  'xmlns:i="http://schemas.xmlsoap.org/ws/2005/05/identity" Uri="urn:role"/></t:Claims>';

test('what the client does not say itself is taken from there', () => {
  expect(read('', template)).toMatchObject({
    tokenType: `${saml}1.1`,
    keyKind: 'bearer',
    keySize: 128,
    claims: [{ uri: 'urn:role', optional: false }],
  });
});

test('what the client says itself goes before it', () => {
  const own = `<wst:TokenType>${saml}2.0</wst:TokenType><wst:KeyType>${keyTypes.symmetric}</wst:KeyType><wst:KeySize>256</wst:KeySize>`;
  expect(read(own, template)).toMatchObject({ tokenType: `${saml}2.0`, keyKind: 'symmetric', keySize: 256 });
});

test('who asks in whose name, for which service and with which entropy is never taken from there', () => {
  const told = '<wst:OnBehalfOf><x/></wst:OnBehalfOf><wst:Entropy/><wst:UseKey/><wst:Lifetime/>';
  const { onBehalfOf, entropy, useKey, lifetime, appliesTo } = read('', told);
  expect([onBehalfOf, entropy, useKey, lifetime, appliesTo]).toEqual(Array.from({ length: 5 }));
});
