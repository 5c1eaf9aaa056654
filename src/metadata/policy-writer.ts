/**
 * A description as WS-Policy assertions, in the shapes that WCF writes and reads back (WCF documentation 4.6, 5.2, 5.3):
 * what holds for an endpoint, and for each message of its operations.
 */
import type {
  BindingDescription,
  CertificateReference,
  ReliableDescription,
  SecurityDescription,
} from '../binding/description.ts';
import { authenticationModes, isAsymmetric } from '../binding/modes.ts';
import { addressing200408 } from '../soap/addressing-versions.ts';
import {
  duplex,
  mtom,
  netBinary,
  netrmp,
  oneWayPolicy,
  type PolicyVersion,
  rmp10,
  rmp11,
  type SecurityPolicyVersion,
  securityPolicyVersions,
  wsap200408,
  wsmc,
} from './namespaces.ts';
import { type AssertionTree, assertion } from './policy-tree.ts';

/** Assertions about an endpoint. */
export function endpointPolicy(of: BindingDescription, wsp: PolicyVersion): readonly AssertionTree[] {
  const { reliableSession, security, encoding, transport } = of;
  return [
    ...(reliableSession === undefined ? [] : [reliable(reliableSession, security)]),
    ...(encoding.kind === 'Mtom' ? [assertion(mtom, 'OptimizedMimeSerialization')] : []),
    ...(encoding.kind === 'Binary' ? [assertion(netBinary, 'BinaryEncoding')] : []),
    ...(transport.kind === 'dual' ? [assertion(duplex, 'CompositeDuplex'), assertion(oneWayPolicy, 'OneWay')] : []),
    ...(transport.kind === 'fetched' ? [assertion(wsmc, 'MCSupported')] : []),
    ...(security === undefined
      ? plainTransport(of)
      : secured(security, transport.clientCertificate, encoding.addressing?.namespace)),
    ...addressed(of, wsp),
  ];
}

/** Assertions about each message of an operation: absent where nothing is signed but by TLS. */
export function messagePolicy({ security, encoding }: BindingDescription): readonly AssertionTree[] {
  if (security === undefined || isOverTransport(security)) return [];
  const parts = protectedParts(versionOf(security), encoding.addressing?.namespace);
  return security.protection === 'Sign' ? parts.slice(0, 1) : parts;
}

function addressed({ encoding }: BindingDescription, wsp: PolicyVersion): readonly AssertionTree[] {
  if (encoding.addressing === undefined) return [];
  if (encoding.addressing === addressing200408) return [assertion(wsap200408, 'UsingAddressing')];
  const [namespace, local] = wsp.addressing;
  return [assertion(namespace, local, wsp.name === '1.5' ? [] : undefined)];
}

/** WCF documentation 4.6. */
function reliable({ version, ...of }: ReliableDescription, security: SecurityDescription | undefined): AssertionTree {
  const times = (namespace: string): readonly AssertionTree[] => [
    { namespace, local: 'InactivityTimeout', attributes: { Milliseconds: String(of.inactivityTimeout) } },
    { namespace, local: 'AcknowledgementInterval', attributes: { Milliseconds: String(of.acknowledgementInterval) } },
  ];
  if (version.name === '2005/02') return { namespace: rmp10, local: 'RMAssertion', parameters: times(rmp10) };
  const assurance = [assertion(rmp11, 'ExactlyOnce'), of.ordered ? assertion(rmp11, 'InOrder') : undefined];
  return {
    ...assertion(rmp11, 'RMAssertion', [
      security?.mode === 'SecureConversation' ? assertion(rmp11, 'SequenceSTR') : undefined,
      assertion(rmp11, 'DeliveryAssurance', assurance),
    ]),
    parameters: times(netrmp),
  };
}

function plainTransport({ transport }: BindingDescription): readonly AssertionTree[] {
  if (!transport.tls) return [];
  const sp = securityPolicyVersions[0] as SecurityPolicyVersion;
  const parts = [
    assertion(sp.namespace, 'AlgorithmSuite', [assertion(sp.namespace, 'Basic256')]),
    layout(sp, 'Strict'),
  ];
  return [assertion(sp.namespace, 'TransportBinding', [transportToken(sp, transport.clientCertificate), ...parts])];
}

/** @param addressing namespace of the addressing of messages, where they have any */
function secured(
  of: SecurityDescription,
  clientCertificate: boolean,
  addressing: string | undefined,
): readonly AssertionTree[] {
  const sp = versionOf(of);
  const binding = isOverTransport(of)
    ? assertion(sp.namespace, 'TransportBinding', [transportToken(sp, clientCertificate), ...common(sp, of)])
    : isAsymmetric(of.mode, of.versions)
      ? assertion(sp.namespace, 'AsymmetricBinding', [...asymmetricTokens(sp, of), ...common(sp, of), ...order(sp, of)])
      : assertion(sp.namespace, 'SymmetricBinding', [
          assertion(sp.namespace, 'ProtectionToken', [protectionToken(sp, of, addressing)]),
          ...common(sp, of),
          ...order(sp, of),
        ]);
  return [binding, ...supporting(sp, of, addressing), wss(sp, of), trust(sp)];
}

function transportToken(sp: SecurityPolicyVersion, clientCertificate: boolean): AssertionTree {
  const token: AssertionTree = sp.httpsNested
    ? assertion(
        sp.namespace,
        'HttpsToken',
        clientCertificate ? [assertion(sp.namespace, 'RequireClientCertificate')] : [],
      )
    : {
        namespace: sp.namespace,
        local: 'HttpsToken',
        attributes: { RequireClientCertificate: String(clientCertificate) },
      };
  return assertion(sp.namespace, 'TransportToken', [token]);
}

function common(sp: SecurityPolicyVersion, { suite, layout: kind }: SecurityDescription): readonly AssertionTree[] {
  return [
    assertion(sp.namespace, 'AlgorithmSuite', [assertion(sp.namespace, suite)]),
    layout(sp, kind),
    assertion(sp.namespace, 'IncludeTimestamp'),
  ];
}

function layout(sp: SecurityPolicyVersion, kind: string): AssertionTree {
  return assertion(sp.namespace, 'Layout', [assertion(sp.namespace, kind)]);
}

function order(
  sp: SecurityPolicyVersion,
  { protectionOrder, protectTokens }: SecurityDescription,
): readonly AssertionTree[] {
  return [
    ...(protectionOrder === 'EncryptBeforeSign' ? ['EncryptBeforeSigning'] : []),
    ...(protectionOrder === 'SignBeforeEncryptAndEncryptSignature' ? ['EncryptSignature'] : []),
    ...(protectTokens ? ['ProtectTokens'] : []),
    'OnlySignEntireHeadersAndBody',
  ].map((local) => assertion(sp.namespace, local));
}

function asymmetricTokens(
  sp: SecurityPolicyVersion,
  { mode, references = {} }: SecurityDescription,
): readonly AssertionTree[] {
  const { client, service, reader = service } = references;
  const recipient = mode === 'MutualCertificateDuplex' && service === undefined ? 'AlwaysToInitiator' : 'Never';
  return [
    assertion(sp.namespace, 'InitiatorToken', [signer(sp, client)]),
    assertion(sp.namespace, 'RecipientToken', [certificate(sp, recipient, [reader && demanded[reader]])]),
  ];
}

function protectionToken(
  sp: SecurityPolicyVersion,
  of: SecurityDescription,
  addressing: string | undefined,
): AssertionTree {
  if (of.bootstrap !== undefined) return conversationToken(sp, of, of.bootstrap, addressing);
  const also = [of.derivedKeys ? 'RequireDerivedKeys' : undefined, demanded[of.references?.reader ?? 'thumbprint']];
  return certificate(sp, 'Never', also);
}

/** How a certificate has to be named (WS-SecurityPolicy 1.3 section 5.4.3). */
const demanded: Readonly<Record<CertificateReference, string>> = Object.freeze({
  thumbprint: 'RequireThumbprintReference',
  'key-identifier': 'RequireKeyIdentifierReference',
  'issuer-serial': 'RequireIssuerSerialReference',
});

/** The certificate of a client: in its messages, with these demands, or named in this way. */
function signer(
  sp: SecurityPolicyVersion,
  named: CertificateReference | undefined,
  included: readonly string[] = [],
): AssertionTree {
  return named === undefined
    ? certificate(sp, 'AlwaysToRecipient', included)
    : certificate(sp, 'Never', [demanded[named]]);
}

/** Tokens that say who the client is. */
function supporting(
  sp: SecurityPolicyVersion,
  of: SecurityDescription,
  addressing: string | undefined,
): readonly AssertionTree[] {
  if (of.bootstrap !== undefined) {
    if (!isOverTransport(of)) return [];
    return [
      assertion(sp.namespace, 'EndorsingSupportingTokens', [conversationToken(sp, of, of.bootstrap, addressing)]),
    ];
  }
  switch (authenticationModes[of.mode].client) {
    case 'username': {
      // WS-SecurityPolicy 1.1 has no word for a digest.
      const digest = of.passwordDigest && sp.name === '1.2' ? ['HashPassword'] : [];
      const inside = ['WssUsernameToken10', ...digest];
      return [assertion(sp.namespace, sp.username, [token(sp, 'UsernameToken', 'AlwaysToRecipient', inside)])];
    }
    case 'certificate': {
      if (isAsymmetric(of.mode, of.versions)) return [];
      const endorsing = signer(sp, of.references?.client, ['RequireThumbprintReference']);
      // Over TLS a certificate signs the Timestamp, and wsa:To so that nobody uses it elsewhere.
      const to = isOverTransport(of) && addressing !== undefined ? [signedHeaders(sp, ['To'], addressing)] : [];
      return [assertion(sp.namespace, 'EndorsingSupportingTokens', [endorsing, ...to])];
    }
    case 'issued-token': {
      const holder = of.confirmation === 'bearer' ? 'SignedSupportingTokens' : 'EndorsingSupportingTokens';
      const issued = token(sp, 'IssuedToken', 'AlwaysToRecipient', ['RequireInternalReference']);
      return [assertion(sp.namespace, holder, [{ ...issued, before: [template(sp, of)] }])];
    }
    default:
      return [];
  }
}

/** What a client has to ask the token service for. */
function template(sp: SecurityPolicyVersion, { confirmation, versions }: SecurityDescription): AssertionTree {
  const { trust: namespace } = versions.conversation;
  const kind = confirmation === 'bearer' ? `${namespace}/Bearer` : `${namespace}/SymmetricKey`;
  return {
    namespace: sp.namespace,
    local: 'RequestSecurityTokenTemplate',
    parameters: [{ namespace, local: 'KeyType', text: kind }],
  };
}

/** WCF documentation 5.3 and 5.4. */
function conversationToken(
  sp: SecurityPolicyVersion,
  of: SecurityDescription,
  first: SecurityDescription,
  addressing: string | undefined,
): AssertionTree {
  const bootstrap = assertion(sp.namespace, 'BootstrapPolicy', [
    ...protectedParts(sp, addressing),
    ...secured(first, false, addressing),
  ]);
  return {
    ...assertion(sp.namespace, 'SecureConversationToken', [
      of.derivedKeys ? assertion(sp.namespace, 'RequireDerivedKeys') : undefined,
      of.requireCancellation ? undefined : assertion(sp.mustNotSend, 'MustNotSendCancel'),
      bootstrap,
      sp.name === '1.2' && !of.amendment ? assertion(sp.namespace, 'MustNotSendAmend') : undefined,
      sp.name === '1.2' && !of.requireCancellation ? assertion(sp.namespace, 'MustNotSendRenew') : undefined,
    ]),
    attributes: { IncludeToken: `${sp.namespace}/IncludeToken/AlwaysToRecipient` },
  };
}

function certificate(
  sp: SecurityPolicyVersion,
  include: string,
  also: readonly (string | undefined)[] = [],
): AssertionTree {
  return token(sp, 'X509Token', include, [...also, 'WssX509V3Token10']);
}

function token(
  sp: SecurityPolicyVersion,
  local: string,
  include: string,
  demands: readonly (string | undefined)[],
): AssertionTree {
  const policy = demands.map((one) => (one === undefined ? undefined : assertion(sp.namespace, one)));
  return {
    ...assertion(sp.namespace, local, policy),
    attributes: { IncludeToken: `${sp.namespace}/IncludeToken/${include}` },
  };
}

function wss(sp: SecurityPolicyVersion, of: SecurityDescription): AssertionTree {
  const names =
    of.versions.wss === '1.0'
      ? ['MustSupportRefKeyIdentifier', 'MustSupportRefIssuerSerial']
      : [
          'MustSupportRefKeyIdentifier',
          'MustSupportRefIssuerSerial',
          'MustSupportRefThumbprint',
          ...(authenticationModes[of.mode].binding === 'symmetric' ? ['MustSupportRefEncryptedKey'] : []),
          ...(of.confirmSignatures ? ['RequireSignatureConfirmation'] : []),
        ];
  const local = of.versions.wss === '1.0' ? 'Wss10' : 'Wss11';
  return assertion(
    sp.namespace,
    local,
    names.map((name) => assertion(sp.namespace, name)),
  );
}

function trust(sp: SecurityPolicyVersion): AssertionTree {
  const names = ['MustSupportIssuedTokens', 'RequireClientEntropy', 'RequireServerEntropy'];
  return assertion(
    sp.namespace,
    sp.trust,
    names.map((name) => assertion(sp.namespace, name)),
  );
}

/** The headers of addressing. */
const addressingHeaders = ['To', 'From', 'FaultTo', 'ReplyTo', 'MessageID', 'RelatesTo', 'Action'] as const;

/** The Body signed and encrypted, the addressing headers signed. */
function protectedParts(sp: SecurityPolicyVersion, addressing: string | undefined): readonly AssertionTree[] {
  const body = assertion(sp.namespace, 'Body');
  return [
    addressing === undefined
      ? { namespace: sp.namespace, local: 'SignedParts', parameters: [body] }
      : signedHeaders(sp, addressingHeaders, addressing, [body]),
    { namespace: sp.namespace, local: 'EncryptedParts', parameters: [body] },
  ];
}

function signedHeaders(
  sp: SecurityPolicyVersion,
  names: readonly string[],
  addressing: string,
  before: readonly AssertionTree[] = [],
): AssertionTree {
  const headers = names.map(
    (Name): AssertionTree => ({
      namespace: sp.namespace,
      local: 'Header',
      attributes: { Name, Namespace: addressing },
    }),
  );
  return { namespace: sp.namespace, local: 'SignedParts', parameters: [...before, ...headers] };
}

function versionOf({ versions }: SecurityDescription): SecurityPolicyVersion {
  return (
    securityPolicyVersions.find(({ name }) => name === versions.policy) ??
    (securityPolicyVersions[1] as SecurityPolicyVersion)
  );
}

/** Whether TLS protects the messages of a mode, itself or in its bootstrap. */
function isOverTransport({ mode, bootstrap }: SecurityDescription): boolean {
  return authenticationModes[(bootstrap ?? { mode }).mode].binding === 'transport';
}
