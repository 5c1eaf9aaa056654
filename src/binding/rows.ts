/**
 * The system-provided bindings of WCF as rows: versions, encodings, security modes, credential types and defaults. A function
 * that makes a binding, the reader of configurations and the writer of plain words all take the row.
 */
import { reliable200502 } from '../reliable/versions/v200502.ts';
import { reliable200702 } from '../reliable/versions/v200702.ts';
import type { ReliableVersion } from '../reliable/versions/version.ts';
import { type AddressingVersion, addressing200508 } from '../soap/addressing-versions.ts';
import { type SoapVersion, soap11, soap12 } from '../soap/version.ts';
import type { EncodingDescription, LimitsDescription, TransportDescription } from './description.ts';
import type { MessageCredentialType, SecurityMode, SystemBindingKind, TransportCredentialType } from './names.ts';
import {
  type MessageSecurityVersion,
  messageSecurity10Feb2005,
  messageSecurity11Feb2005,
  messageSecurity11Trust13,
} from './security-versions.ts';

export interface BindingRow {
  readonly kind: SystemBindingKind;
  readonly transport: TransportDescription['kind'];
  readonly soap: SoapVersion;
  readonly addressing: AddressingVersion | undefined;
  /** The first is the default. */
  readonly encodings: readonly EncodingDescription['kind'][];
  /** The first is the default. */
  readonly modes: readonly SecurityMode[];
  /** The first is the default. */
  readonly transportCredentials: readonly TransportCredentialType[];
  /** Of message security and TransportWithMessageCredential; the first is the default. */
  readonly messageCredentials: readonly MessageCredentialType[];
  /** Whether `negotiateServiceCredential` and `establishSecurityContext` are settings of the binding, on by default. */
  readonly negotiates: boolean;
  readonly context: 'setting' | 'always' | 'never';
  readonly reliable: 'no' | 'optional' | 'always';
  readonly reliableVersion: ReliableVersion;
  readonly versions: MessageSecurityVersion;
  /** Whether both ends call: WebSocket where the contract is duplex. */
  readonly duplex: 'no' | 'always' | 'websocket';
}

function row(given: BindingRow): BindingRow {
  return Object.freeze(given);
}

const basic: BindingRow = row({
  kind: 'basicHttpBinding',
  transport: 'http',
  soap: soap11,
  addressing: undefined,
  encodings: ['Text', 'Mtom'],
  modes: ['None', 'Transport', 'Message', 'TransportWithMessageCredential', 'TransportCredentialOnly'],
  transportCredentials: ['None', 'Basic', 'Digest', 'Ntlm', 'Windows', 'Certificate', 'InheritedFromHost'],
  messageCredentials: ['UserName', 'Certificate'],
  negotiates: false,
  context: 'never',
  reliable: 'no',
  reliableVersion: reliable200502,
  versions: messageSecurity10Feb2005,
  duplex: 'no',
});

const ws: BindingRow = row({
  kind: 'wsHttpBinding',
  transport: 'http',
  soap: soap12,
  addressing: addressing200508,
  encodings: ['Text', 'Mtom'],
  modes: ['Message', 'None', 'Transport', 'TransportWithMessageCredential'],
  transportCredentials: ['Windows', 'None', 'Basic', 'Digest', 'Ntlm', 'Certificate', 'InheritedFromHost'],
  messageCredentials: ['Windows', 'None', 'UserName', 'Certificate', 'IssuedToken'],
  negotiates: true,
  context: 'setting',
  reliable: 'optional',
  reliableVersion: reliable200502,
  versions: messageSecurity11Feb2005,
  duplex: 'no',
});

const federation: BindingRow = row({
  ...ws,
  kind: 'wsFederationHttpBinding',
  modes: ['Message', 'TransportWithMessageCredential', 'None'],
  transportCredentials: ['None'],
  messageCredentials: ['IssuedToken'],
});

const oasis = { reliableVersion: reliable200702, versions: messageSecurity11Trust13 } as const;

const net: BindingRow = row({
  ...basic,
  kind: 'netHttpBinding',
  soap: soap12,
  addressing: addressing200508,
  encodings: ['Binary', 'Text', 'Mtom'],
  reliable: 'optional',
  duplex: 'websocket',
});

const secured: readonly SecurityMode[] = ['Transport', 'TransportWithMessageCredential'];

/** Every binding that carries SOAP over HTTP or WebSocket, by the name of its element in a configuration. */
export const bindingRows: Readonly<Record<SystemBindingKind, BindingRow>> = Object.freeze({
  basicHttpBinding: basic,
  basicHttpsBinding: row({ ...basic, kind: 'basicHttpsBinding', modes: secured }),
  wsHttpBinding: ws,
  ws2007HttpBinding: row({ ...ws, kind: 'ws2007HttpBinding', ...oasis }),
  wsDualHttpBinding: row({
    ...ws,
    kind: 'wsDualHttpBinding',
    transport: 'dual',
    modes: ['Message', 'None'],
    transportCredentials: ['None'],
    context: 'always',
    reliable: 'always',
    duplex: 'always',
  }),
  wsFederationHttpBinding: federation,
  ws2007FederationHttpBinding: row({ ...federation, kind: 'ws2007FederationHttpBinding', ...oasis }),
  netHttpBinding: net,
  netHttpsBinding: row({ ...net, kind: 'netHttpsBinding', modes: secured }),
});

/** The bindings of WCF over transports that are not spoken here, and what comes nearest. */
export const foreignBindings: Readonly<Record<string, string>> = Object.freeze({
  netTcpBinding: 'Its framing over TCP is Microsoft’s own. Add an endpoint with ws2007HttpBinding or netHttpsBinding.',
  netTcpContextBinding: 'Its framing over TCP is Microsoft’s own. Add an endpoint with ws2007HttpBinding.',
  netNamedPipeBinding: 'Named pipes do not leave a Windows machine. Add an endpoint with ws2007HttpBinding.',
  netMsmqBinding: 'Queues are MSMQ’s own protocol. Use a reliable session with a store.',
  msmqIntegrationBinding: 'Queues are MSMQ’s own protocol. Use a reliable session with a store.',
  netPeerTcpBinding: 'Peer channels are Microsoft’s own protocol.',
  webHttpBinding: 'It is HTTP without SOAP.',
  wsHttpContextBinding: 'Contexts (durable services) are not spoken. Use wsHttpBinding.',
  basicHttpContextBinding: 'Contexts (durable services) are not spoken. Use basicHttpBinding.',
  udpBinding: 'SOAP over UDP is not spoken.',
  mexHttpBinding: 'It is for metadata only: see `publish`, and `bindingFromWsdl` with the address of ?wsdl.',
  mexHttpsBinding: 'It is for metadata only: see `publish`, and `bindingFromWsdl` with the address of ?wsdl.',
});

/** Of every binding. Times in milliseconds, sizes in octets. */
export const defaultLimits: LimitsDescription = Object.freeze({
  openTimeout: 60_000,
  closeTimeout: 60_000,
  sendTimeout: 60_000,
  receiveTimeout: 600_000,
  maxReceivedMessageSize: 65_536,
});
