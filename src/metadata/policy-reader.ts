/**
 * One alternative of an endpoint's policy as a description: the other way of `policy-writer.ts`, for whoever wrote it. What is
 * demanded and not understood is named with its line; demands that contradict one another are, too.
 */
import type { BindingDescription, ReliableDescription, SecurityDescription } from '../binding/description.ts';
import { defaultReliable } from '../binding/description.ts';
import { defaultLimits } from '../binding/rows.ts';
import { reliable200502 } from '../reliable/versions/v200502.ts';
import { reliable200702 } from '../reliable/versions/v200702.ts';
import { type AddressingVersion, addressing200408, addressing200508 } from '../soap/addressing-versions.ts';
import { type SoapVersion, soapVersions } from '../soap/version.ts';
import { contradiction, Demands, notSpoken } from './demands.ts';
import { MetadataError } from './errors.ts';
import {
  duplex,
  httpPolicy,
  metroRm,
  mtom,
  netBinary,
  netrmp,
  oneWayPolicy,
  rmp10,
  rmp11,
  sunRm,
  wsam,
  wsap200408,
  wsaw,
  wsmc,
} from './namespaces.ts';
import type { PolicyAlternative, PolicyAssertion } from './policy.ts';
import { readSecurity } from './security-reader.ts';
import type { Note } from './wcf/reader.ts';

/** What surrounds the policy. */
export interface Around {
  readonly soap: '1.1' | '1.2';
  readonly transport: 'http' | 'websocket';
  /** `https:` and so on; absent where the WSDL gives no address. */
  readonly scheme: string | undefined;
  /** What is signed and encrypted of each message, as the policies of messages say. */
  readonly messages: readonly PolicyAlternative[];
}

/** Configuration that Metro and Rampart leave in a WSDL for themselves: it says nothing about messages. */
const isPrivate = (namespace: string): boolean =>
  namespace.startsWith('http://schemas.sun.com/2006/03/wss/') ||
  namespace.startsWith('http://schemas.sun.com/ws/2006/05/') ||
  namespace.startsWith('http://java.sun.com/xml/ns/wsit/') ||
  namespace === 'http://ws.apache.org/rampart/policy';

/**
 * @throws MetadataError `METADATA_UNSUPPORTED`, `METADATA_CONTRADICTION`
 */
export function readAlternative(alternative: PolicyAlternative, around: Around, notes: Note[]): BindingDescription {
  const demands = new Demands(alternative, notes);
  const said = readAddressing(demands);
  const isMtom = demands.has([mtom], 'OptimizedMimeSerialization');
  const isBinary = demands.has([netBinary], 'BinaryEncoding');
  const isDual = demands.has([duplex], 'CompositeDuplex');
  demands.has([oneWayPolicy], 'OneWay');
  const isFetched = demands.has([wsmc], 'MCSupported');
  for (const local of [
    'BasicAuthentication',
    'DigestAuthentication',
    'NtlmAuthentication',
    'NegotiateAuthentication',
  ]) {
    const http = demands.take([httpPolicy], local);
    if (http !== undefined)
      throw notSpoken(http, 'HTTP does not authenticate here; ask for a client certificate or a message credential');
  }
  const assertions = readReliableAssertion(demands);
  const { security, tls, clientCertificate } = readSecurity(demands, around.messages, notes);
  demands.note(isPrivate, 'configuration of the other end for itself');
  demands.finish();
  if (around.scheme !== undefined) requireScheme(around.scheme, tls, alternative);
  const reliable = assertions === undefined ? undefined : readReliable(assertions, demands, security);
  // Sequences and contexts have their actions in WS-Addressing, whether that is demanded or not.
  const isImplied = reliable !== undefined || security?.mode === 'SecureConversation';
  const addressing = said ?? (isImplied ? addressing200508 : undefined);
  const description: BindingDescription = {
    kind: 'customBinding',
    transport: {
      kind: isDual ? 'dual' : isFetched ? 'fetched' : around.transport,
      tls: tls || around.scheme === 'https:' || around.scheme === 'wss:',
      clientCertificate,
    },
    encoding: {
      kind: isMtom ? 'Mtom' : isBinary ? 'Binary' : 'Text',
      soap: soapVersions.find(({ name }) => name === around.soap) as SoapVersion,
      addressing,
    },
    reliableSession: reliable,
    security,
    limits: defaultLimits,
  };
  return Object.freeze(description);
}

function readAddressing(demands: Demands): AddressingVersion | undefined {
  const candidate = demands.take([wsaw], 'UsingAddressing');
  const recommended = demands.take([wsam], 'Addressing');
  const submission = demands.take([wsap200408], 'UsingAddressing');
  const current = recommended ?? candidate;
  if (current !== undefined && submission !== undefined)
    throw contradiction(current, submission, 'they are two versions of WS-Addressing');
  if (recommended !== undefined) {
    const inside = demands.within(recommended);
    const elsewhere = inside.take([wsam], 'NonAnonymousResponses');
    if (elsewhere !== undefined) throw notSpoken(elsewhere, 'answers come on the same connection');
    inside.has([wsam], 'AnonymousResponses');
    inside.finish();
  }
  if (submission !== undefined) return addressing200408;
  return current === undefined ? undefined : addressing200508;
}

interface ReliableAssertion {
  readonly assertion: PolicyAssertion;
  readonly isOrdered: boolean;
}

function readReliableAssertion(demands: Demands): ReliableAssertion | undefined {
  const older = demands.take([rmp10], 'RMAssertion');
  const newer = demands.take([rmp11], 'RMAssertion');
  if (older !== undefined && newer !== undefined)
    throw contradiction(older, newer, 'they are two versions of WS-ReliableMessaging');
  const isOrdered = demands.has([sunRm], 'Ordered');
  // WCF's and Metro's own settings of WS-RM 1.0 and 1.1.
  demands.note(
    (namespace) => namespace === sunRm || namespace === metroRm || namespace.endsWith('/net/2005/02/rm/policy'),
    'each end has its own',
  );
  const assertion = newer ?? older;
  return assertion === undefined ? undefined : { assertion, isOrdered };
}

/** WCF documentation 4.6; WS-RM Policy 1.1 section 2. */
function readReliable(
  { assertion, isOrdered }: ReliableAssertion,
  demands: Demands,
  security: SecurityDescription | undefined,
): ReliableDescription {
  const version = assertion.element.namespace === rmp11 ? reliable200702 : reliable200502;
  const times = readTimes(assertion);
  // WS-RM 1.0 does not say whether messages come in order; WCF's default is that they do.
  let ordered = version === reliable200502 || isOrdered;
  const inside = demands.within(assertion);
  const byToken = inside.take([rmp11], 'SequenceSTR');
  if (byToken !== undefined && security?.mode !== 'SecureConversation') {
    throw new MetadataError(
      'METADATA_CONTRADICTION',
      `${notSpoken(byToken, 'it binds sequences to a token, and the policy demands no security context').message}`,
    );
  }
  const byTransport = inside.take([rmp11], 'SequenceTransportSecurity');
  if (byTransport !== undefined)
    throw notSpoken(byTransport, 'sequences are bound to tokens and certificates, not to TLS sessions');
  const assurance = inside.take([rmp11], 'DeliveryAssurance');
  if (assurance !== undefined) {
    const demanded = inside.within(assurance);
    demanded.has([rmp11], 'ExactlyOnce', 'AtLeastOnce', 'AtMostOnce');
    ordered = demanded.has([rmp11], 'InOrder');
    demanded.finish();
  }
  inside.finish();
  return Object.freeze({ ...defaultReliable, ...times, ordered, version });
}

/** Parameters of the assertion, in milliseconds. */
function readTimes({
  element,
}: PolicyAssertion): Partial<Pick<ReliableDescription, 'inactivityTimeout' | 'acknowledgementInterval'>> {
  const read = (local: string): number | undefined => {
    const found = element.children.find((one) => one.local === local && [rmp10, netrmp].includes(one.namespace));
    const value = found?.attribute('Milliseconds');
    return value !== undefined && /^\d{1,10}$/.test(value) ? Number(value) : undefined;
  };
  const [inactivityTimeout, acknowledgementInterval] = [read('InactivityTimeout'), read('AcknowledgementInterval')];
  return {
    ...(inactivityTimeout === undefined ? {} : { inactivityTimeout }),
    ...(acknowledgementInterval === undefined ? {} : { acknowledgementInterval }),
  };
}

function requireScheme(scheme: string, tls: boolean, alternative: PolicyAlternative): void {
  if (!tls || scheme === 'https:' || scheme === 'wss:') return;
  const [first] = alternative.filter(({ element }) => element.local === 'TransportBinding');
  throw new MetadataError(
    'METADATA_CONTRADICTION',
    `The policy demands TLS${first === undefined ? '' : ` (${notSpoken(first, 'TransportBinding').message})`}, and the address of the port begins with ${scheme}//.`,
  );
}
