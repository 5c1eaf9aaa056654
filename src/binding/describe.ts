/**
 * A system-provided binding's row and the settings over it, as a description. WCF's rules of consistency are held here: what does
 * not go together is refused with what to use in its place.
 */
import type { ReliableSessionOptions } from '../reliable/settings.ts';
import {
  type BindingDescription,
  defaultReliable,
  type LimitsDescription,
  type ReliableDescription,
  type SecurityDescription,
} from './description.ts';
import { against, unsupported } from './errors.ts';
import { authenticationModes, isAsymmetric } from './modes.ts';
import {
  type AuthenticationModeName,
  modesOfCredential,
  type SecurityMode,
  type TransportCredentialType,
} from './names.ts';
import { type BindingRow, defaultLimits } from './rows.ts';
import type { BindingSecurity, MessageSettings } from './security.ts';

/** Times in milliseconds. */
export type ReliableSettings = Partial<Omit<ReliableDescription, 'version'>> & { readonly enabled?: boolean };

export interface SystemSettings extends Partial<LimitsDescription> {
  readonly security?: BindingSecurity;
  readonly reliableSession?: ReliableSettings;
  readonly messageEncoding?: 'Text' | 'Mtom' | 'Binary';
  /** netHttp: WCF takes `WhenDuplex` (default) as WebSocket for contracts with callbacks; say `Always` for those. */
  readonly webSocketTransportUsage?: 'WhenDuplex' | 'Always' | 'Never';
}

/**
 * @throws BindingError `BINDING_RULE` for settings that WCF refuses together, `BINDING_UNSUPPORTED`
 */
export function describe(row: BindingRow, settings: SystemSettings): BindingDescription {
  const given = settings.security;
  const mode = given?.mode ?? row.modes[0] ?? 'None';
  if (!row.modes.includes(mode)) {
    throw against(`${row.kind} has no security mode ${mode}. Use ${row.modes.join(', ')}.`);
  }
  const reliable = reliableOf(row, settings.reliableSession);
  const security = securityOf(row, mode, given?.message ?? {});
  const description: BindingDescription = {
    kind: row.kind,
    transport: {
      kind: settings.webSocketTransportUsage === 'Always' && row.duplex === 'websocket' ? 'websocket' : row.transport,
      tls: mode === 'Transport' || mode === 'TransportWithMessageCredential',
      clientCertificate: clientCertificate(row, mode, given?.transport?.clientCredentialType),
    },
    encoding: { kind: encodingOf(row, settings.messageEncoding), soap: row.soap, addressing: row.addressing },
    reliableSession: reliable,
    security,
    limits: limitsOf(settings),
  };
  if (reliable !== undefined) requireReliable(row, mode, security);
  return Object.freeze(description);
}

/** The limits that are given over the defaults. */
export function limitsOf(given: Partial<LimitsDescription>): LimitsDescription {
  const names = Object.keys(defaultLimits) as (keyof LimitsDescription)[];
  return Object.freeze(
    Object.fromEntries(names.map((name) => [name, given[name] ?? defaultLimits[name]])),
  ) as unknown as LimitsDescription;
}

function encodingOf(row: BindingRow, given: SystemSettings['messageEncoding']) {
  const kind = given ?? row.encodings[0] ?? 'Text';
  if (!row.encodings.includes(kind)) {
    throw against(`${row.kind} has no encoding ${kind}. Use ${row.encodings.join(', ')}.`);
  }
  return kind;
}

function reliableOf(row: BindingRow, given: ReliableSettings | undefined): ReliableDescription | undefined {
  const { enabled = given !== undefined, ...over } = given ?? {};
  if (row.reliable === 'no' && enabled) {
    throw against(`${row.kind} has no reliable sessions. Use ws2007HttpBinding or customBinding.`);
  }
  if (row.reliable === 'always' && given !== undefined && !enabled) {
    throw against(`${row.kind} always has a reliable session. Use ws2007HttpBinding to go without.`);
  }
  if (row.reliable !== 'always' && !enabled) return undefined;
  return Object.freeze({ ...defaultReliable, ...over, version: row.reliableVersion });
}

/** A reliable session needs something that binds its messages to one another (R1.4.4, R1.5.4 of the WCF documentation). */
function requireReliable(row: BindingRow, mode: SecurityMode, security: SecurityDescription | undefined): void {
  if (mode === 'Transport' && row.transport === 'http' && row.context === 'setting') {
    throw against(
      `${row.kind} has no reliable session over mode Transport: TLS does not bind a sequence to anybody. ` +
        "Use transportWithMessageCredential, or customBinding([{ kind: 'reliableSession' }, { kind: 'httpsTransport' }]) if that is what you want.",
    );
  }
  if (security !== undefined && security.mode !== 'SecureConversation') {
    throw against(
      `A reliable session of ${row.kind} with message credentials needs a security context, to which its sequences are bound. ` +
        (row.context === 'never'
          ? 'Use ws2007HttpBinding, or a customBinding whose security has authenticationMode SecureConversation.'
          : 'Leave establishSecurityContext on.'),
    );
  }
}

function clientCertificate(row: BindingRow, mode: SecurityMode, given: TransportCredentialType | undefined): boolean {
  if (mode === 'TransportCredentialOnly') {
    throw unsupported(
      'TransportCredentialOnly sends a password or ticket of HTTP in the clear. Use TransportWithMessageCredential over HTTPS.',
    );
  }
  if (mode !== 'Transport') return false;
  const type = given ?? row.transportCredentials[0] ?? 'None';
  if (!row.transportCredentials.includes(type)) {
    throw against(`${row.kind} has no transport credential ${type}. Use ${row.transportCredentials.join(', ')}.`);
  }
  if (type === 'None' || type === 'Certificate') return type === 'Certificate';
  throw unsupported(
    `The transport credential ${type}${given === undefined ? `, the default of ${row.kind},` : ''} is an authentication of HTTP, which is not spoken. ` +
      "Use transportSecurity({ clientCredentialType: 'Certificate' }) or 'None', or a message credential.",
  );
}

function securityOf(row: BindingRow, mode: SecurityMode, settings: MessageSettings): SecurityDescription | undefined {
  if (mode !== 'Message' && mode !== 'TransportWithMessageCredential') return undefined;
  const type = settings.clientCredentialType ?? row.messageCredentials[0] ?? 'None';
  if (!row.messageCredentials.includes(type)) {
    throw against(`${row.kind} has no message credential ${type}. Use ${row.messageCredentials.join(', ')}.`);
  }
  const first = securityFor(row, firstMode(row, mode, type, settings), settings);
  const context =
    row.context === 'always' || (row.context === 'setting' && (settings.establishSecurityContext ?? true));
  if (row.context === 'always' && settings.establishSecurityContext === false) {
    throw against(`${row.kind} always establishes a security context. Use ws2007HttpBinding to go without.`);
  }
  if (row.context === 'never' && settings.establishSecurityContext === true) {
    throw against(`${row.kind} has no security context. Use ws2007HttpBinding.`);
  }
  return context ? contextOver(first) : first;
}

function firstMode(
  row: BindingRow,
  mode: SecurityMode,
  type: NonNullable<MessageSettings['clientCredentialType']>,
  settings: MessageSettings,
): AuthenticationModeName {
  const modes = modesOfCredential[type];
  if (mode === 'TransportWithMessageCredential') {
    if (modes.transport !== undefined) return modes.transport;
    throw against(
      'TransportWithMessageCredential without a credential is nothing. Use mode Transport, or UserName, Certificate or IssuedToken.',
    );
  }
  if (!row.negotiates && type === 'UserName') {
    throw against(`${row.kind} sends no password in mode Message. Use Certificate, or TransportWithMessageCredential.`);
  }
  return row.negotiates && (settings.negotiateServiceCredential ?? true) ? modes.negotiated : modes.direct;
}

function securityFor(row: BindingRow, mode: AuthenticationModeName, settings: MessageSettings): SecurityDescription {
  const { algorithmSuite = 'Default' } = settings;
  return Object.freeze({
    mode,
    versions: row.versions,
    suite: algorithmSuite === 'Default' ? 'Basic256' : algorithmSuite,
    layout: 'Strict',
    protectionOrder:
      settings.messageProtectionOrder ??
      (row.versions.wss === '1.0' ? 'SignBeforeEncrypt' : 'SignBeforeEncryptAndEncryptSignature'),
    derivedKeys: authenticationModes[mode].binding === 'symmetric' && !isAsymmetric(mode, row.versions),
    confirmSignatures: authenticationModes[mode].confirms && row.versions.wss === '1.1',
    protectTokens: false,
    protection: settings.protectionLevel ?? 'EncryptAndSign',
    confirmation: settings.issuedKeyType === 'BearerKey' ? 'bearer' : 'holder-of-key',
    passwordDigest: false,
    requireCancellation: true,
    amendment: false,
    bootstrap: undefined,
  });
}

/** Secure conversation above what authenticates its first message (B2.6). */
export function contextOver(bootstrap: SecurityDescription): SecurityDescription {
  return Object.freeze({ ...bootstrap, mode: 'SecureConversation', confirmSignatures: false, bootstrap });
}

/** The settings of a reliable session that the other end sees, out of all. */
export function reliableSettingsOf(options: ReliableSessionOptions & { readonly enabled?: boolean }): ReliableSettings {
  const names = ['enabled', ...Object.keys(defaultReliable)] as (keyof ReliableSettings)[];
  return Object.fromEntries(names.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]));
}
