/** What is the same in SAML 1.1 and 2.0 and is only spelled otherwise: a row each (SAML Token Profile 1.1 section 3). */

export interface SamlVersion {
  readonly name: '1.1' | '2.0';
  readonly namespace: string;
  readonly prefix: string;
  /** The attribute that is the id of an assertion. */
  readonly id: 'AssertionID' | 'ID';
  /** What ConfirmationMethod or SubjectConfirmation/@Method begin with. */
  readonly methods: string;
  /** wsse11:TokenType of a reference (BSP R6611, R6617). */
  readonly tokenType: string;
  /** ValueType of a KeyIdentifier (BSP R6603, R6616). */
  readonly identifierType: string;
}

const profile10 = 'http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.0';
const profile11 = 'http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1';

export const saml11: SamlVersion = Object.freeze({
  name: '1.1',
  namespace: 'urn:oasis:names:tc:SAML:1.0:assertion',
  prefix: 'saml',
  id: 'AssertionID',
  methods: 'urn:oasis:names:tc:SAML:1.0:cm:',
  tokenType: `${profile11}#SAMLV1.1`,
  identifierType: `${profile10}#SAMLAssertionID`,
});

export const saml20: SamlVersion = Object.freeze({
  name: '2.0',
  namespace: 'urn:oasis:names:tc:SAML:2.0:assertion',
  prefix: 'saml2',
  id: 'ID',
  methods: 'urn:oasis:names:tc:SAML:2.0:cm:',
  tokenType: `${profile11}#SAMLV2.0`,
  identifierType: `${profile11}#SAMLID`,
});

export const samlVersions: readonly SamlVersion[] = Object.freeze([saml11, saml20]);

/** Who an assertion is about may be shown in one of these ways. */
export type ConfirmationMethod = 'bearer' | 'holder-of-key' | 'sender-vouches';
export const confirmationMethods: readonly ConfirmationMethod[] = Object.freeze([
  'bearer',
  'holder-of-key',
  'sender-vouches',
]);

/** Most of each that one assertion may hold (attack D9). */
export const samlLimits: Readonly<
  Record<'confirmations' | 'attributes' | 'values' | 'audiences' | 'certificates', number>
> = Object.freeze({ confirmations: 8, attributes: 256, values: 1_024, audiences: 64, certificates: 8 });
