/** Bindings, supporting tokens and protected parts of WS-SecurityPolicy 1.1 to 1.3 as a described security. */

import { defined } from '../base/defined.ts';
import type { CertificateReference, CertificateReferences, SecurityDescription } from '../binding/description.ts';
import type { AuthenticationModeName } from '../binding/names.ts';
import { type MessageSecurityVersion, messageSecurityVersions } from '../binding/security-versions.ts';
import { addressingVersions } from '../soap/addressing-versions.ts';
import type { XmlElement } from '../xml/document.ts';
import { contradiction, Demands, notSpoken } from './demands.ts';
import { mssp } from './namespaces.ts';
import { type Common, type Options, readCommon, readOptions } from './options-reader.ts';
import { type Parts, protectionOf, readParts } from './parts-reader.ts';
import { lineOf, named } from './place.ts';
import type { PolicyAlternative, PolicyAssertion } from './policy.ts';
import { type ReadToken, readTokens, sp, type TokenKind } from './token-reader.ts';
import type { Note } from './wcf/reader.ts';

export interface ReadSecurity {
  readonly security: SecurityDescription | undefined;
  readonly tls: boolean;
  readonly clientCertificate: boolean;
}

const bindings = ['TransportBinding', 'SymmetricBinding', 'AsymmetricBinding'] as const;

/**
 * @param messages what the policies of messages demand, a list for each message
 * @throws MetadataError `METADATA_UNSUPPORTED`, `METADATA_CONTRADICTION`
 */
export function readSecurity(demands: Demands, messages: readonly PolicyAlternative[], notes: Note[]): ReadSecurity {
  const [binding, second] = bindings.flatMap((local) => demands.take(sp, local) ?? []);
  if (binding !== undefined && second !== undefined)
    throw contradiction(binding, second, 'a message is secured by one binding');
  const options = readOptions(demands);
  const supporting = readSupporting(demands);
  const parts = readParts(demands);
  const ofMessages = messages.map((one) => {
    const inside = new Demands(one, notes);
    const read = readParts(inside);
    inside.finish();
    return read;
  });
  if (binding === undefined) {
    const [without] = supporting;
    if (without !== undefined) throw notSpoken(without.token.assertion, 'no binding says how it is protected');
    return { security: undefined, tls: false, clientCertificate: false };
  }
  const inside = demands.within(binding);
  const common = readCommon(inside, binding);
  const read =
    binding.element.local === 'TransportBinding'
      ? overTransport({ inside, binding, common, options, supporting, notes })
      : inMessages({ inside, binding, common, options, supporting, notes }, [parts, ...ofMessages]);
  inside.finish();
  return read;
}

/** What the parts of a binding are read from. */
interface Reading {
  readonly inside: Demands;
  readonly binding: PolicyAssertion;
  readonly common: Common;
  readonly options: Options;
  readonly supporting: readonly Supporting[];
  readonly notes: Note[];
}

function overTransport(of: Reading): ReadSecurity {
  const { inside, binding, common, supporting } = of;
  const held = inside.take(sp, 'TransportToken');
  const tokens = held === undefined ? undefined : inside.within(held);
  const https = tokens?.take(sp, 'HttpsToken');
  if (https === undefined || tokens === undefined)
    throw notSpoken(held ?? binding, 'TLS (HttpsToken) is the transport security that is spoken');
  tokens.finish();
  const demanded = tokens.within(https);
  for (const local of ['HttpBasicAuthentication', 'HttpDigestAuthentication']) {
    const http = demanded.take(sp, local);
    if (http !== undefined)
      throw notSpoken(http, 'HTTP does not authenticate here; ask for a client certificate or a message credential');
  }
  const clientCertificate =
    demanded.has(sp, 'RequireClientCertificate') || https.element.attribute('RequireClientCertificate') === 'true';
  demanded.finish();
  const [only] = requireOne(supporting);
  if (only === undefined) {
    if (common.timestamp)
      throw notSpoken(binding, 'a Timestamp that no token stands beside protects nothing; leave IncludeTimestamp out');
    return { security: undefined, tls: true, clientCertificate };
  }
  if (!common.timestamp) throw notSpoken(binding, 'every secured message has a Timestamp (IncludeTimestamp)');
  const mode = modeOver(only);
  const security =
    only.token.kind === 'conversation'
      ? conversation(of, only.token)
      : describe(of, mode, {
          confirmation: only.token.kind === 'issued' && only.holder === 'Signed' ? 'bearer' : 'holder-of-key',
          passwordDigest: only.token.passwordDigest,
          references: { client: sentBy(of, only.token, of.options.wss === '1.0' ? 'key-identifier' : 'thumbprint') },
        });
  return { security, tls: true, clientCertificate };
}

function modeOver({ token, holder }: Supporting): AuthenticationModeName {
  const modes: Readonly<Record<Exclude<TokenKind, 'ssl'>, AuthenticationModeName>> = {
    username: 'UserNameOverTransport',
    certificate: 'CertificateOverTransport',
    issued: 'IssuedTokenOverTransport',
    kerberos: 'KerberosOverTransport',
    spnego: 'SspiNegotiatedOverTransport',
    conversation: 'SecureConversation',
  };
  if (token.kind === 'ssl') throw notSpoken(token.assertion, 'TLS stands below already');
  const isEndorsing = holder === 'Endorsing';
  if (token.kind !== 'issued' && isEndorsing === (token.kind === 'username')) {
    throw notSpoken(
      token.assertion,
      `over TLS it has to be ${isEndorsing ? 'a signed' : 'an endorsing'} supporting token`,
    );
  }
  return modes[token.kind];
}

/** @param parts what is protected: of the endpoint, then of each message */
function inMessages(of: Reading, parts: readonly Parts[]): ReadSecurity {
  const { binding, common } = of;
  if (!common.timestamp) throw notSpoken(binding, 'every secured message has a Timestamp (IncludeTimestamp)');
  const protection = protectionOf(binding, parts);
  const isAsymmetric = binding.element.local === 'AsymmetricBinding';
  const security = { ...(isAsymmetric ? asymmetric(of) : symmetric(of)), protection };
  const { client, service } = security.references ?? {};
  if (isAsymmetric && protection === 'Sign' && (client ?? service) !== undefined) {
    const text = 'where nothing is encrypted certificates are in the messages that they sign; include the tokens';
    throw notSpoken(binding, text);
  }
  return { security: Object.freeze(security), tls: false, clientCertificate: false };
}

function symmetric(of: Reading): SecurityDescription {
  const { inside, binding, supporting } = of;
  const protection = heldToken(inside, binding, 'ProtectionToken', ['EncryptionToken', 'SignatureToken']);
  const { kind, derivedKeys } = protection;
  if (kind === 'conversation') {
    const [extra] = supporting;
    if (extra !== undefined) throw notSpoken(extra.token.assertion, 'no token stands beside a security context');
    return conversation(of, protection);
  }
  const [only] = requireOne(supporting);
  const client = only?.token.kind ?? 'none';
  const modes: Readonly<Record<string, AuthenticationModeName | undefined>> = {
    'certificate none': 'AnonymousForCertificate',
    'certificate username': 'UserNameForCertificate',
    'certificate certificate': 'MutualCertificate',
    'certificate issued': 'IssuedTokenForCertificate',
    'ssl none': 'AnonymousForSslNegotiated',
    'ssl username': 'UserNameForSslNegotiated',
    'ssl issued': 'IssuedTokenForSslNegotiated',
    'spnego none': 'SspiNegotiated',
    'issued none': 'IssuedToken',
    'kerberos none': 'Kerberos',
  };
  const mode = modes[`${kind} ${client}`];
  if (mode === undefined)
    throw notSpoken(
      (only?.token ?? protection).assertion,
      `it does not stand beside ${named(protection.assertion.element)}`,
    );
  const { reference } = protection;
  return describe(of, mode, {
    derivedKeys,
    passwordDigest: only?.token.passwordDigest ?? false,
    references: {
      client: only && sentBy(of, only.token, of.options.wss === '1.0' ? 'key-identifier' : 'thumbprint'),
      reader: reference === 'thumbprint' ? undefined : reference,
    },
  });
}

function asymmetric(of: Reading): SecurityDescription {
  const { inside, binding, supporting, options } = of;
  const initiator = heldToken(inside, binding, 'InitiatorToken', [
    'InitiatorSignatureToken',
    'InitiatorEncryptionToken',
  ]);
  const recipient = heldToken(inside, binding, 'RecipientToken', [
    'RecipientSignatureToken',
    'RecipientEncryptionToken',
  ]);
  for (const one of [initiator, recipient]) {
    if (one.kind !== 'certificate') throw notSpoken(one.assertion, 'both ends have certificates');
  }
  const [only] = supporting;
  if (only !== undefined)
    throw notSpoken(
      only.token.assertion,
      'a token beside both certificates is not described; compose the binding by hand',
    );
  const isInMessages = recipient.include === 'AlwaysToInitiator' || recipient.include === 'Always';
  const { reference } = recipient;
  return describe(of, isInMessages || options.wss === '1.1' ? 'MutualCertificateDuplex' : 'MutualCertificate', {
    references: {
      client: sentBy(of, initiator, options.wss === '1.1' ? 'thumbprint' : 'key-identifier'),
      service: recipient.include === 'Never' ? reference : undefined,
      reader: reference === 'key-identifier' ? undefined : reference,
    },
  });
}

/**
 * How the client's certificate is named in what it signs; `undefined` where it is in the message.
 *
 * @param usual the name of one that is not, where the policy says none
 * @throws MetadataError `METADATA_UNSUPPORTED` for another token that is not to be in the messages of the client, who has no other way to
 *   show it
 */
function sentBy(
  { common, notes }: Reading,
  token: ReadToken,
  usual: CertificateReference,
): CertificateReference | undefined {
  const { kind, include, assertion, reference } = token;
  if (include === 'Once') {
    notes.push({ line: lineOf(assertion.element), text: `${assertion.element.local}: it is in every message (Once)` });
  }
  if (include !== 'Never' && include !== 'AlwaysToInitiator') return undefined;
  if (kind === 'conversation') return undefined;
  if (kind !== 'certificate')
    throw notSpoken(assertion, `the client shows it in its messages (IncludeToken ${include})`);
  if (common.protectTokens) throw notSpoken(assertion, 'ProtectTokens has it signed, and it is not in the message');
  return reference ?? usual;
}

/** A security context, and the policy that its request is protected by. */
function conversation(of: Reading, token: ReadToken): SecurityDescription {
  const inside = of.inside.within(token.assertion);
  inside.has(
    sp,
    'RequireDerivedKeys',
    'RequireExplicitDerivedKeys',
    'RequireExternalUriReference',
    'SC10SecurityContextToken',
    'SC13SecurityContextToken',
  );
  inside.has([...sp, mssp], 'MustNotSendRenew');
  const isUnamended = inside.has([...sp, mssp], 'MustNotSendAmend');
  const isKept = inside.has([...sp, mssp], 'MustNotSendCancel');
  const policy = inside.take(sp, 'BootstrapPolicy');
  inside.finish();
  if (policy === undefined)
    throw notSpoken(token.assertion, 'it has no BootstrapPolicy: nothing protects the request for it');
  const first = inside.within(policy);
  const { security: bootstrap, tls } = readSecurity(first, [], of.notes);
  // How the request is addressed is said again by many.
  first.note((namespace) => namespace.includes('addressing'), 'as outside');
  first.finish();
  if (bootstrap === undefined) throw notSpoken(policy, 'nobody says who asks for the token');
  if (tls !== (of.binding.element.local === 'TransportBinding')) {
    throw contradiction(of.binding, policy, 'one is protected by TLS and the other is not');
  }
  return Object.freeze({
    ...describe(of, 'SecureConversation', { derivedKeys: token.derivedKeys }),
    confirmSignatures: false,
    requireCancellation: !isKept,
    // WS-SecurityPolicy 1.1 has no word for it.
    amendment: of.common.policy === '1.2' && !isUnamended,
    bootstrap,
  });
}

function describe(
  { common, options }: Reading,
  mode: AuthenticationModeName,
  more: Partial<Pick<SecurityDescription, 'derivedKeys' | 'confirmation' | 'passwordDigest' | 'references'>>,
): SecurityDescription {
  const references: CertificateReferences = defined(more.references ?? {});
  return Object.freeze({
    mode,
    versions: versionsOf(common, options, mode),
    suite: common.suite,
    layout: common.layout,
    protectionOrder: common.order,
    derivedKeys: more.derivedKeys ?? false,
    confirmSignatures: options.confirms,
    protectTokens: common.protectTokens,
    protection: 'EncryptAndSign',
    confirmation: more.confirmation ?? 'holder-of-key',
    passwordDigest: more.passwordDigest ?? false,
    ...(Object.keys(references).length === 0 ? {} : { references }),
    requireCancellation: true,
    amendment: false,
    bootstrap: undefined,
  });
}

function versionsOf({ policy }: Common, { wss }: Options, mode: AuthenticationModeName): MessageSecurityVersion {
  const wanted = mode === 'MutualCertificate' && wss === undefined ? '1.0' : (wss ?? '1.1');
  const [found] = messageSecurityVersions.filter((one) => one.policy === policy && one.wss === wanted);
  return found as MessageSecurityVersion;
}

interface Supporting {
  readonly token: ReadToken;
  readonly holder: 'Signed' | 'Endorsing';
}

const holders: readonly (readonly [local: string, holder: Supporting['holder']])[] = [
  ['SupportingTokens', 'Signed'],
  ['SignedSupportingTokens', 'Signed'],
  ['EncryptedSupportingTokens', 'Signed'],
  ['SignedEncryptedSupportingTokens', 'Signed'],
  ['EndorsingSupportingTokens', 'Endorsing'],
  ['SignedEndorsingSupportingTokens', 'Endorsing'],
  ['EndorsingEncryptedSupportingTokens', 'Endorsing'],
  ['SignedEndorsingEncryptedSupportingTokens', 'Endorsing'],
];

function readSupporting(demands: Demands): readonly Supporting[] {
  return holders.flatMap(([local, holder]) => {
    const held = demands.take(sp, local);
    if (held === undefined) return [];
    const inside = demands.within(held);
    const tokens = readTokens(inside);
    // What an endorsing token signs besides the Timestamp: wsa:To, which is always signed.
    const parts = inside.take(sp, 'SignedParts');
    const isTo = (one: XmlElement) =>
      one.local === 'Header' &&
      one.attribute('Name') === 'To' &&
      addressingVersions.some(({ namespace }) => namespace === one.attribute('Namespace'));
    if (parts !== undefined && (parts.element.children.length === 0 || !parts.element.children.every(isTo)))
      throw notSpoken(parts, 'beside the Timestamp a supporting token signs wsa:To');
    inside.finish();
    if (tokens.length === 0) throw notSpoken(held, 'it holds no token');
    return tokens.map((token) => ({ token, holder }));
  });
}

function requireOne(supporting: readonly Supporting[]): readonly [Supporting?] {
  const [only, second] = supporting;
  if (second !== undefined)
    throw notSpoken(second.token.assertion, 'one token says who the client is, and there is one already');
  return only === undefined ? [] : [only];
}

function heldToken(inside: Demands, binding: PolicyAssertion, local: string, split: readonly string[]): ReadToken {
  for (const one of split) {
    const found = inside.take(sp, one);
    if (found !== undefined) throw notSpoken(found, `one ${local} signs and encrypts here`);
  }
  const held = inside.take(sp, local);
  if (held === undefined) throw notSpoken(binding, `it has no ${local}`);
  const demands = inside.within(held);
  const [token] = readTokens(demands);
  demands.finish();
  if (token === undefined) throw notSpoken(held, 'it holds no token');
  return token;
}
