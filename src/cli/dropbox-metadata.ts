/** What `surewire serve --wsdl` tells of the drop box: one operation that takes any document, and how it is protected. */
import { describeCustom } from '../binding/custom.ts';
import { messageSecurity11Trust13 } from '../binding/security-versions.ts';
import type { Publication } from '../channel/transport.ts';
import { publish } from '../metadata/publish.ts';
import { reliable200702 } from '../reliable/versions/v200702.ts';
import { contract, oneWay } from '../service/contract.ts';
import { document } from '../service/shape.ts';
import { documentAction, serviceSettings } from './wire.ts';

const drop = contract({
  name: 'DropBox',
  namespace: 'urn:surewire:drop',
  operations: { document: oneWay({ request: document, action: documentAction }) },
});

/** What `x509Signed` is in WS-SecurityPolicy: both ends sign with certificates that stand in the messages. */
const signed = {
  kind: 'security',
  authenticationMode: 'MutualCertificateDuplex',
  messageSecurityVersion: messageSecurity11Trust13,
  defaultAlgorithmSuite: 'Basic256Sha256',
  messageProtectionOrder: 'SignBeforeEncrypt',
  protectionLevel: 'Sign',
  securityHeaderLayout: 'Lax',
} as const;

/**
 * @param isSigned whether messages have to be signed
 * @param tls whether it listens at https
 */
export function dropBoxMetadata(isSigned: boolean, tls: boolean): Publication {
  const description = describeCustom([
    { kind: 'reliableSession', version: reliable200702, ...serviceSettings },
    ...(isSigned ? [signed] : []),
    { kind: tls ? 'httpsTransport' : 'httpTransport' },
  ]);
  return publish({ description }, drop);
}
