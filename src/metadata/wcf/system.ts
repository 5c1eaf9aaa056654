/** `<binding>` of a system-provided binding, attribute by attribute, as settings over its row. */
import { defined } from '../../base/defined.ts';
import { describe, type ReliableSettings, type SystemSettings } from '../../binding/describe.ts';
import type { BindingDescription } from '../../binding/description.ts';
import type { MessageCredentialType, SecurityMode, TransportCredentialType } from '../../binding/names.ts';
import type { BindingRow } from '../../binding/rows.ts';
import type { BindingSecurity, MessageSettings } from '../../binding/security.ts';
import type { Reader } from './reader.ts';
import { count, flag, type Given, span, unspoken, word } from './values.ts';

const modes: readonly SecurityMode[] = [
  'None',
  'Transport',
  'Message',
  'TransportWithMessageCredential',
  'TransportCredentialOnly',
];
const messageTypes: readonly MessageCredentialType[] = ['None', 'Windows', 'UserName', 'Certificate', 'IssuedToken'];
const transportTypes: readonly TransportCredentialType[] = [
  'None',
  'Basic',
  'Digest',
  'Ntlm',
  'Windows',
  'Certificate',
  'InheritedFromHost',
];

/** Settings that are there for .NET's own memory and host, on bindings and on transports of custom ones. */
const local = [
  'maxBufferSize',
  'maxBufferPoolSize',
  'hostNameComparisonMode',
  'useDefaultWebProxy',
  'bypassProxyOnLocal',
  'maxPendingAccepts',
  'keepAliveEnabled',
  'unsafeConnectionNtlmAuthentication',
  'decompressionEnabled',
  'requestInitializationTimeout',
  'realm',
] as const;

/** What is alike on a binding and on the transport element of a custom one. */
export function readTransport(of: Reader): { readonly maxReceivedMessageSize?: number } {
  const size = of.take('maxReceivedMessageSize', count);
  of.take('transferMode', (given) => {
    if (given.value !== 'Buffered') throw unspoken(given, 'messages are not streamed. Use Buffered.');
  });
  of.take('allowCookies', (given) => {
    if (flag(given)) throw unspoken(given, 'cookies are not kept. Use false.');
  });
  of.take('proxyAddress', (given) => {
    throw unspoken(given, 'take it out of a copy, and give the proxy as `client: { proxy }`.');
  });
  of.note(local, 'it concerns .NET only');
  return size === undefined ? {} : { maxReceivedMessageSize: size };
}

/** `<readerQuotas>`: the sizes are bounded by `maxReceivedMessageSize` here. */
export function readQuotas(of: Reader): void {
  const quotas = of.child('readerQuotas');
  if (quotas === undefined) return;
  quotas.note(
    ['maxDepth', 'maxStringContentLength', 'maxArrayLength', 'maxBytesPerRead', 'maxNameTableCharCount'],
    'limits of the reader are `readerQuotas` here, and maxReceivedMessageSize bounds everything',
  );
  quotas.finish();
}

export function readTimes(
  of: Reader,
): Pick<SystemSettings, 'openTimeout' | 'closeTimeout' | 'sendTimeout' | 'receiveTimeout'> {
  return defined({
    openTimeout: of.take('openTimeout', span),
    closeTimeout: of.take('closeTimeout', span),
    sendTimeout: of.take('sendTimeout', span),
    receiveTimeout: of.take('receiveTimeout', span),
  });
}

/**
 * @throws MetadataError `METADATA_UNSUPPORTED`, `METADATA_DOCUMENT`; BindingError `BINDING_RULE`, `BINDING_UNSUPPORTED`
 */
export function readSystemBinding(row: BindingRow, of: Reader): BindingDescription {
  of.take('name', () => undefined);
  const settings: SystemSettings = {
    ...readTimes(of),
    ...readTransport(of),
    ...defined({
      messageEncoding: of.take('messageEncoding', (given) => word(given, ['Text', 'Mtom', 'Binary'])),
      reliableSession: readReliable(of.child('reliableSession')),
      security: readSecurity(row, of.child('security')),
      webSocketTransportUsage: readWebSocket(of.child('webSocketSettings')),
    }),
  };
  of.take('textEncoding', readTextEncoding);
  of.take('transactionFlow', noTransactions);
  of.note(['namespace'], 'it names the binding in a WSDL');
  of.note(['clientBaseAddress'], 'where callbacks listen is given when the client connects');
  readQuotas(of);
  of.finish();
  return describe(row, settings);
}

export function readTextEncoding(given: Given): void {
  if (!/^utf-?8$/i.test(given.value))
    throw unspoken(given, 'messages are written in UTF-8. Use utf-8 at the other end.');
}

function noTransactions(given: Given): void {
  if (flag(given)) throw unspoken(given, 'transactions do not travel (WS-AtomicTransaction). Use false.');
}

function readReliable(of: Reader | undefined): ReliableSettings | undefined {
  if (of === undefined) return undefined;
  const settings = defined({
    enabled: of.take('enabled', flag) ?? false,
    ordered: of.take('ordered', flag),
    inactivityTimeout: of.take('inactivityTimeout', span),
  });
  of.finish();
  return settings;
}

function readWebSocket(of: Reader | undefined): SystemSettings['webSocketTransportUsage'] {
  if (of === undefined) return undefined;
  const usage = of.take('transportUsage', (given) => word(given, ['WhenDuplex', 'Always', 'Never']));
  of.note(
    [
      'createNotificationOnConnection',
      'keepAliveInterval',
      'subProtocol',
      'disablePayloadMasking',
      'maxPendingConnections',
    ],
    'it concerns .NET only',
  );
  of.finish();
  return usage;
}

function readSecurity(row: BindingRow, of: Reader | undefined): BindingSecurity | undefined {
  if (of === undefined) return undefined;
  const mode = of.take('mode', (given) => word(given, modes)) ?? row.modes[0] ?? 'None';
  const message = readMessage(of.child('message'));
  const transport = readTransportCredential(of.child('transport'));
  of.finish();
  return { mode, credentials: {}, ...defined({ message, transport }) };
}

function readMessage(of: Reader | undefined): MessageSettings | undefined {
  if (of === undefined) return undefined;
  const settings: MessageSettings = defined({
    clientCredentialType: of.take('clientCredentialType', (given) => word(given, messageTypes)),
    negotiateServiceCredential: of.take('negotiateServiceCredential', flag),
    establishSecurityContext: of.take('establishSecurityContext', flag),
    algorithmSuite: of.take('algorithmSuite', ({ value }) => value.trim()),
    issuedKeyType: of.take('issuedKeyType', (given) => word(given, ['SymmetricKey', 'AsymmetricKey', 'BearerKey'])),
  });
  of.note(
    ['issuedTokenType', '<issuer>', '<issuerMetadata>', '<claimTypeRequirements>', '<tokenRequestParameters>'],
    'where the token comes from is `token`; ask a security token service for it',
  );
  of.finish();
  return settings;
}

function readTransportCredential(of: Reader | undefined): BindingSecurity['transport'] {
  if (of === undefined) return undefined;
  const settings = defined({
    clientCredentialType: of.take('clientCredentialType', (given) => word(given, transportTypes)),
  });
  of.take('proxyCredentialType', (given) => {
    if (given.value !== 'None') throw unspoken(given, 'give the proxy and its password as `client: { proxy }`.');
  });
  of.take('realm', () => undefined);
  of.note(['<extendedProtectionPolicy>'], 'it concerns the authentication of HTTP');
  of.finish();
  return settings;
}
