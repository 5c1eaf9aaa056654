/**
 * customBinding: WCF's binding elements as a list, outermost first, for what no system-provided binding says. The elements bear the
 * names and settings that they have in a configuration.
 */
import { reliable200502 } from '../reliable/versions/v200502.ts';
import type { ReliableVersion } from '../reliable/versions/version.ts';
import { type AddressingVersion, addressing200508 } from '../soap/addressing-versions.ts';
import { type SoapVersion, soap12 } from '../soap/version.ts';
import { assemble, type SystemBinding } from './assemble.ts';
import type { Credentials, LocalReliableOptions, Surroundings } from './credentials.ts';
import { contextOver, limitsOf, type ReliableSettings, reliableSettingsOf } from './describe.ts';
import {
  type BindingDescription,
  defaultReliable,
  type LimitsDescription,
  type ProtectionOrderName,
  type SecurityDescription,
} from './description.ts';
import { against } from './errors.ts';
import { authenticationModes, isAsymmetric } from './modes.ts';
import type { AuthenticationModeName } from './names.ts';
import { type MessageSecurityVersion, messageSecurityDefault } from './security-versions.ts';

/** `<security>` and `<secureConversationBootstrap>`. */
export interface SecuritySettings {
  /** WCF's default, SspiNegotiated, is not spoken: name one. */
  readonly authenticationMode?: AuthenticationModeName;
  readonly defaultAlgorithmSuite?: string;
  readonly messageSecurityVersion?: MessageSecurityVersion;
  readonly messageProtectionOrder?: ProtectionOrderName;
  readonly requireDerivedKeys?: boolean;
  readonly requireSignatureConfirmation?: boolean;
  readonly requireSecurityContextCancellation?: boolean;
  readonly protectTokens?: boolean;
  /** What WCF says in a contract (ProtectionLevel). */
  readonly protectionLevel?: 'Sign' | 'EncryptAndSign';
  readonly securityHeaderLayout?: 'Strict' | 'Lax';
  readonly issuedKeyType?: 'SymmetricKey' | 'AsymmetricKey' | 'BearerKey';
}

export type CustomElement =
  | ({ readonly kind: 'reliableSession'; readonly version?: ReliableVersion } & ReliableSettings & LocalReliableOptions)
  | ({ readonly kind: 'security'; readonly secureConversationBootstrap?: SecuritySettings } & SecuritySettings)
  | { readonly kind: 'compositeDuplex' }
  /** Answers and callbacks wait until the client asks for them (WS-MakeConnection); WCF has none. */
  | { readonly kind: 'makeConnection' }
  | { readonly kind: 'oneWay' }
  | {
      readonly kind: 'textMessageEncoding';
      readonly soap?: SoapVersion;
      /** `none`: messages without addressing. Default WS-Addressing 1.0. */
      readonly addressing?: AddressingVersion | 'none';
    }
  | { readonly kind: 'mtomMessageEncoding' | 'binaryMessageEncoding' }
  | { readonly kind: 'httpTransport'; readonly webSocket?: boolean; readonly maxReceivedMessageSize?: number }
  | {
      readonly kind: 'httpsTransport';
      readonly webSocket?: boolean;
      readonly maxReceivedMessageSize?: number;
      readonly requireClientCertificate?: boolean;
    };

type Kind = CustomElement['kind'];

/** Where each may stand, outermost first. */
const order: readonly (readonly Kind[])[] = Object.freeze([
  ['reliableSession'],
  ['security'],
  ['compositeDuplex', 'makeConnection'],
  ['oneWay'],
  ['textMessageEncoding', 'mtomMessageEncoding', 'binaryMessageEncoding'],
  ['httpTransport', 'httpsTransport'],
]);

export type CustomOptions = Omit<Partial<LimitsDescription>, 'maxReceivedMessageSize'> & Credentials & Surroundings;

/**
 * A binding of elements.
 *
 * @param elements outermost first, the transport last; without an encoding it is text, SOAP 1.2 and WS-Addressing 1.0
 * @throws BindingError `BINDING_RULE` for elements in the wrong order, twice or without a transport, and as the other bindings
 *
 * @example
 * customBinding([{ kind: 'reliableSession' }, { kind: 'httpsTransport' }], { tls: { ca } });
 */
export function customBinding(elements: readonly CustomElement[], options: CustomOptions = {}): SystemBinding {
  const reliable = elements.find((one) => one.kind === 'reliableSession');
  return assemble(describeCustom(elements, options), options, options, reliable);
}

/** @throws BindingError `BINDING_RULE` */
export function describeCustom(
  elements: readonly CustomElement[],
  limits: Partial<LimitsDescription> = {},
): BindingDescription {
  requireOrder(elements);
  const named = <K extends Kind>(kind: K) =>
    elements.find((one): one is Extract<CustomElement, { kind: K }> => one.kind === kind);
  const reliable = named('reliableSession');
  const security = named('security');
  const text = named('textMessageEncoding');
  const https = named('httpsTransport');
  const transport = https ?? named('httpTransport');
  const kinds = new Set(elements.map((one) => one.kind));
  const addressing = text?.addressing ?? addressing200508;
  const described: BindingDescription = {
    kind: 'customBinding',
    transport: {
      kind: kindOf(elements, transport?.webSocket ?? false),
      tls: https !== undefined,
      clientCertificate: https?.requireClientCertificate ?? false,
    },
    encoding: {
      kind: kinds.has('mtomMessageEncoding') ? 'Mtom' : kinds.has('binaryMessageEncoding') ? 'Binary' : 'Text',
      soap: text?.soap ?? soap12,
      addressing: addressing === 'none' ? undefined : addressing,
    },
    reliableSession:
      reliable === undefined
        ? undefined
        : Object.freeze({
            ...defaultReliable,
            ...reliableSettingsOf(reliable),
            version: reliable.version ?? reliable200502,
          }),
    security: security === undefined ? undefined : describeSecurity(security, security.secureConversationBootstrap),
    limits: limitsOf({ ...limits, ...transport }),
  };
  requireSound(described);
  return Object.freeze(described);
}

function kindOf(elements: readonly CustomElement[], webSocket: boolean): BindingDescription['transport']['kind'] {
  if (elements.some(({ kind }) => kind === 'compositeDuplex')) return 'dual';
  if (elements.some(({ kind }) => kind === 'makeConnection')) return 'fetched';
  return webSocket ? 'websocket' : 'http';
}

/**
 * What every description has to be, whatever it was read from.
 *
 * @throws BindingError `BINDING_RULE`
 */
function requireSound({ transport, encoding, reliableSession, security }: BindingDescription): void {
  if (reliableSession !== undefined && encoding.addressing === undefined) {
    throw against('A reliable session needs WS-Addressing. Use a binding or an encoding with addressing.');
  }
  if (transport.kind === 'fetched' && encoding.addressing?.none === undefined) {
    throw against('MakeConnection needs WS-Addressing 1.0.');
  }
  for (let one = security; one !== undefined; one = one.bootstrap) {
    if (authenticationModes[one.mode].binding === 'transport' && !transport.tls) {
      throw against(`${one.mode} needs HTTPS: what it sends is for nobody else to read. Use httpsTransport.`);
    }
    if (one.mode === 'UserNameForCertificate' && one.versions.wss === '1.0') {
      throw against('UserNameForCertificate needs WS-Security 1.1. Use another messageSecurityVersion.');
    }
  }
}

function describeSecurity(given: SecuritySettings, first: SecuritySettings | undefined): SecurityDescription {
  const { authenticationMode: mode = 'SspiNegotiated', messageSecurityVersion: versions = messageSecurityDefault } =
    given;
  if (mode === 'SecureConversation') {
    if (first === undefined) {
      throw against('SecureConversation needs a secureConversationBootstrap: what protects the request for the token.');
    }
    if (first.authenticationMode === 'SecureConversation') {
      throw against('A secureConversationBootstrap cannot be SecureConversation itself.');
    }
    const bootstrap = describeSecurity({ messageSecurityVersion: versions, ...first }, undefined);
    const { requireDerivedKeys, requireSecurityContextCancellation } = given;
    const over = authenticationModes[bootstrap.mode].binding === 'transport';
    return Object.freeze({
      ...contextOver(bootstrap),
      suite: suiteOf(given.defaultAlgorithmSuite),
      derivedKeys: requireDerivedKeys ?? !over,
      requireCancellation: requireSecurityContextCancellation ?? true,
    });
  }
  if (first !== undefined) throw against('Only SecureConversation has a secureConversationBootstrap.');
  const row = authenticationModes[mode];
  return Object.freeze({
    mode,
    versions,
    suite: suiteOf(given.defaultAlgorithmSuite),
    layout: given.securityHeaderLayout ?? 'Strict',
    protectionOrder:
      given.messageProtectionOrder ??
      (versions.wss === '1.0' ? 'SignBeforeEncrypt' : 'SignBeforeEncryptAndEncryptSignature'),
    derivedKeys: row.binding === 'symmetric' && !isAsymmetric(mode, versions) && (given.requireDerivedKeys ?? true),
    confirmSignatures: given.requireSignatureConfirmation ?? (row.confirms && versions.wss === '1.1'),
    protectTokens: given.protectTokens ?? false,
    protection: given.protectionLevel ?? 'EncryptAndSign',
    confirmation: given.issuedKeyType === 'BearerKey' ? 'bearer' : 'holder-of-key',
    passwordDigest: false,
    requireCancellation: true,
    amendment: false,
    bootstrap: undefined,
  });
}

function suiteOf(given: string | undefined): string {
  return given === undefined || given === 'Default' ? 'Basic256' : given;
}

/** @throws BindingError `BINDING_RULE` */
function requireOrder(elements: readonly CustomElement[]): void {
  let last = -1;
  for (const { kind } of elements) {
    const at = order.findIndex((kinds) => kinds.includes(kind));
    if (at <= last) {
      throw against(
        `The element ${kind} stands too far in, or its place is taken. List the elements outermost first: ` +
          `${order.map((kinds) => kinds.join(' or ')).join(' → ')}, each at most once.`,
      );
    }
    last = at;
  }
  if (last !== order.length - 1)
    throw against('A custom binding ends with its transport: httpTransport or httpsTransport.');
}
