/** `<binding>` of a customBinding: its elements in order, attribute by attribute. */
import { defined } from '../../base/defined.ts';
import { type CustomElement, describeCustom, type SecuritySettings } from '../../binding/custom.ts';
import type { BindingDescription } from '../../binding/description.ts';
import { authenticationModes } from '../../binding/modes.ts';
import type { AuthenticationModeName } from '../../binding/names.ts';
import { messageSecurityDefault, messageSecurityVersions } from '../../binding/security-versions.ts';
import { reliable200502 } from '../../reliable/versions/v200502.ts';
import { reliable200702 } from '../../reliable/versions/v200702.ts';
import { type AddressingVersion, addressing200408, addressing200508 } from '../../soap/addressing-versions.ts';
import { type SoapVersion, soap11, soap12 } from '../../soap/version.ts';
import { MetadataError } from '../errors.ts';
import { named } from '../place.ts';
import type { Reader } from './reader.ts';
import { readQuotas, readTextEncoding, readTimes, readTransport } from './system.ts';
import { count, flag, type Given, span, unspoken, word } from './values.ts';

const messageVersions: Readonly<Record<string, readonly [SoapVersion, AddressingVersion | 'none']>> = Object.freeze({
  Default: [soap12, addressing200508],
  Soap12WSAddressing10: [soap12, addressing200508],
  Soap11WSAddressing10: [soap11, addressing200508],
  Soap12WSAddressingAugust2004: [soap12, addressing200408],
  Soap11WSAddressingAugust2004: [soap11, addressing200408],
  Soap11: [soap11, 'none'],
  Soap12: [soap12, 'none'],
});

const reliableVersions = Object.freeze({
  Default: reliable200502,
  WSReliableMessagingFebruary2005: reliable200502,
  WSReliableMessaging11: reliable200702,
});

const issuing = ['<issuer>', '<issuerMetadata>', '<claimTypeRequirements>', '<additionalRequestParameters>'] as const;
const pools = ['maxReadPoolSize', 'maxWritePoolSize'] as const;

const readers: Readonly<Record<string, (of: Reader) => CustomElement>> = Object.freeze({
  reliableSession: (of) => ({
    kind: 'reliableSession',
    ...defined({
      version: of.take('reliableMessagingVersion', (given) => reliableVersions[word(given, reliableNames)]),
      ordered: of.take('ordered', flag),
      inactivityTimeout: of.take('inactivityTimeout', span),
      acknowledgementInterval: of.take('acknowledgementInterval', span),
      flowControlEnabled: of.take('flowControlEnabled', flag),
      maxPendingChannels: of.take('maxPendingChannels', count),
      maxRetryCount: of.take('maxRetryCount', count),
      maxTransferWindowSize: of.take('maxTransferWindowSize', count),
    }),
  }),
  security: (of) => {
    const first = of.child('secureConversationBootstrap');
    const bootstrap = first === undefined ? undefined : readSecurity(first);
    first?.finish();
    return { kind: 'security', ...readSecurity(of), ...defined({ secureConversationBootstrap: bootstrap }) };
  },
  compositeDuplex: (of) => {
    of.note(['clientBaseAddress'], 'where callbacks listen is given when the client connects');
    return { kind: 'compositeDuplex' };
  },
  oneWay: (of) => {
    of.note(['maxAcceptedChannels', 'packetRoutable', '<channelPoolSettings>'], 'it concerns .NET only');
    return { kind: 'oneWay' };
  },
  textMessageEncoding: (of) => {
    const [soap, addressing] = of.take('messageVersion', readVersion) ?? [soap12, addressing200508];
    of.take('writeEncoding', readTextEncoding);
    of.note(pools, 'it concerns .NET only');
    readQuotas(of);
    return { kind: 'textMessageEncoding', soap, addressing };
  },
  mtomMessageEncoding: (of) => encoded(of, 'mtomMessageEncoding'),
  binaryMessageEncoding: (of) => encoded(of, 'binaryMessageEncoding'),
  httpTransport: (of) => ({ kind: 'httpTransport', ...readHttp(of) }),
  httpsTransport: (of) => ({
    kind: 'httpsTransport',
    ...readHttp(of),
    ...defined({ requireClientCertificate: of.take('requireClientCertificate', flag) }),
  }),
});

const reliableNames = Object.keys(reliableVersions) as (keyof typeof reliableVersions)[];

/**
 * @throws MetadataError `METADATA_UNSUPPORTED`, `METADATA_DOCUMENT`, `METADATA_CHOICE`; BindingError `BINDING_RULE`
 */
export function readCustomBinding(of: Reader): BindingDescription {
  of.take('name', () => undefined);
  const times = readTimes(of);
  const elements = of.element.children.map(({ local }) => {
    const child = of.child(local);
    const read = readers[local];
    if (child === undefined || read === undefined) {
      const at = of.element.children.find((one) => one.local === local) ?? of.element;
      throw new MetadataError(
        'METADATA_UNSUPPORTED',
        `The binding element ${named(at)} is not spoken. Spoken are ${Object.keys(readers).join(', ')}.`,
      );
    }
    const element = read(child);
    child.finish();
    return element;
  });
  of.finish();
  return describeCustom(elements, times);
}

function readVersion(given: Given): readonly [SoapVersion, AddressingVersion | 'none'] {
  const found = messageVersions[given.value.trim()];
  if (found === undefined) throw unspoken(given, `spoken are ${Object.keys(messageVersions).join(', ')}.`);
  return found;
}

function encoded(of: Reader, kind: 'mtomMessageEncoding' | 'binaryMessageEncoding'): CustomElement {
  of.note(
    [...pools, 'maxSessionSize', 'maxBufferSize', 'messageVersion', 'writeEncoding', 'compressionFormat'],
    'this encoding is not spoken',
  );
  readQuotas(of);
  return { kind };
}

function readHttp(of: Reader): { readonly webSocket?: boolean; readonly maxReceivedMessageSize?: number } {
  of.take('authenticationScheme', (given) => {
    if (given.value !== 'Anonymous')
      throw unspoken(given, 'HTTP does not authenticate. Use Anonymous, a client certificate or message credentials.');
  });
  of.take('manualAddressing', (given) => {
    if (flag(given)) throw unspoken(given, 'addressing is written by the binding. Use false.');
  });
  of.note(['proxyAuthenticationScheme', '<extendedProtectionPolicy>'], 'it concerns the authentication of HTTP');
  const settings = of.child('webSocketSettings');
  const usage = settings?.take('transportUsage', (given) => word(given, ['WhenDuplex', 'Always', 'Never']));
  settings?.note(
    [
      'createNotificationOnConnection',
      'keepAliveInterval',
      'subProtocol',
      'disablePayloadMasking',
      'maxPendingConnections',
    ],
    'it concerns .NET only',
  );
  settings?.finish();
  return { ...readTransport(of), ...(usage === 'Always' ? { webSocket: true } : {}) };
}

function readSecurity(of: Reader): SecuritySettings {
  of.take('includeTimestamp', (given) => {
    if (!flag(given)) throw unspoken(given, 'every message has a Timestamp. Use true.');
  });
  of.take('allowInsecureTransport', (given) => {
    if (flag(given)) throw unspoken(given, 'credentials over transport need TLS. Use false.');
  });
  of.take('enableUnsecuredResponse', (given) => {
    if (flag(given)) throw unspoken(given, 'what is not secured is not believed. Use false.');
  });
  of.take('keyEntropyMode', (given) => {
    if (given.value !== 'CombinedEntropy') throw unspoken(given, 'both ends give entropy. Use CombinedEntropy.');
  });
  of.note(['allowSerializedSigningTokenOnReply', 'canRenewSecurityContextToken'], 'both are understood');
  of.note(['<localClientSettings>', '<localServiceSettings>'], 'limits and clocks are options of the binding here');
  const issued = of.child('issuedTokenParameters');
  const issuedKeyType = issued?.take('keyType', (given) => word(given, ['SymmetricKey', 'AsymmetricKey', 'BearerKey']));
  issued?.note(
    ['tokenType', 'keySize', 'defaultMessageSecurityVersion', 'useStrTransform', ...issuing],
    'what a token has to be is asked of the service that issues it: give `token`',
  );
  issued?.finish();
  return defined({
    issuedKeyType,
    authenticationMode: of.take('authenticationMode', (given) =>
      word(given, Object.keys(authenticationModes) as AuthenticationModeName[]),
    ),
    defaultAlgorithmSuite: of.take('defaultAlgorithmSuite', ({ value }) => value.trim()),
    messageSecurityVersion: of.take('messageSecurityVersion', (given) => {
      if (given.value === 'Default') return messageSecurityDefault;
      const name = word(
        given,
        messageSecurityVersions.map((one) => one.name),
      );
      return messageSecurityVersions.find((one) => one.name === name);
    }),
    messageProtectionOrder: of.take('messageProtectionOrder', (given) =>
      word(given, ['SignBeforeEncryptAndEncryptSignature', 'SignBeforeEncrypt', 'EncryptBeforeSign']),
    ),
    requireDerivedKeys: of.take('requireDerivedKeys', flag),
    requireSignatureConfirmation: of.take('requireSignatureConfirmation', flag),
    requireSecurityContextCancellation: of.take('requireSecurityContextCancellation', flag),
    protectTokens: of.take('protectTokens', flag),
    securityHeaderLayout: of.take('securityHeaderLayout', (given) =>
      word(given, ['Strict', 'Lax', 'LaxTimestampFirst', 'LaxTimestampLast']) === 'Strict' ? 'Strict' : 'Lax',
    ),
  });
}
