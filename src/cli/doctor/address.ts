/**
 * An endpoint: can it be reached, is it who it says, what is the difference of the clocks, and which reliable sessions does it open.
 * Nothing is sent but one GET for its description; only where it is asked to `probe`, a session is opened and closed again.
 */
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { asError } from '../../base/errors.ts';
import { binding, connect } from '../../channel/binding.ts';
import type { BindingElement } from '../../channel/channel.ts';
import { exchange } from '../../channel/correlation.ts';
import { reliableSession } from '../../reliable/element.ts';
import { certificate } from '../../security/certificates.ts';
import { addressing200508 } from '../../soap/addressing-versions.ts';
import { FaultError } from '../../soap/fault.ts';
import { soap12 } from '../../soap/version.ts';
import { failureOf as transportFailure } from '../../transport/failure.ts';
import { httpTransport } from '../../transport/http/transport.ts';
import { clientTls, type TlsOptions } from '../../transport/tls.ts';
import { failureOf } from '../errors.ts';
import { hostOf } from '../options.ts';
import { reliableByName } from '../wire.ts';
import { adviceFor } from './faults.ts';
import { type Diagnosis, ill, unknown, warning, well } from './finding.ts';
import { diagnoseCertificate } from './material.ts';

export interface AddressOptions {
  readonly url: URL;
  readonly tls: TlsOptions;
  /** Signs what the probe sends; absent where nothing is signed. */
  readonly security: BindingElement | undefined;
  /** Whether a session is opened. */
  readonly probe: boolean;
  readonly signal: AbortSignal;
  readonly now: () => number;
}

/** Milliseconds that an answer may take. */
const patience = 10_000;
/** Octets of a description that are read. */
const longestDescription = 4_194_304;
/** Seconds of difference between the clocks that a signed Timestamp bears; WCF and we take five minutes. */
const skewThatMatters = 300;
const skewWorthAWord = 30;

export async function diagnoseAddress(options: AddressOptions): Promise<readonly Diagnosis[]> {
  const { url, probe, now } = options;
  let answer: Answer;
  const asked = now();
  try {
    answer = await get(options);
  } catch (thrown) {
    const failure = transportFailure(thrown, { place: url.href, unproven: url.protocol === 'https:' });
    const [what, next] = split(failure.message);
    return [ill('connection', what, next), ...(url.protocol === 'https:' ? await shownBy(options) : [])];
  }
  const found: Diagnosis[] = [well('connection', `${url.host} answers with HTTP ${answer.status}`)];
  if (answer.tls !== undefined) found.push(...tlsOf(answer.tls, now()));
  if (url.protocol === 'http:') {
    found.push(
      warning(
        'TLS',
        'There is none: anybody on the way can read, lose and change messages.',
        'Use https, or sign and encrypt.',
      ),
    );
  }
  found.push(clockOf(answer.date, asked, now()), ...descriptionOf(answer));
  if (probe) for (const name of reliableByName.keys()) found.push(await probed(name, options));
  return found;
}

interface Answer {
  readonly status: number;
  readonly date: string | undefined;
  readonly tls: Shown | undefined;
  readonly body: string;
}

interface Shown {
  readonly protocol: string;
  readonly cipher: string;
  readonly chain: readonly Uint8Array[];
}

function get({ url, tls, signal }: AddressOptions): Promise<Answer> {
  const at = new URL(url);
  at.search = '?wsdl';
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const isSecure = url.protocol === 'https:';
  const common = { agent: false, signal: AbortSignal.any([signal, AbortSignal.timeout(patience)]) };
  const asked = isSecure ? secureRequest(at, { ...common, ...clientTls(tls)(hostOf(url)) }) : plainRequest(at, common);
  asked.once('error', reject);
  asked.once('response', (response) => {
    const { socket } = response;
    const shown = 'getProtocol' in socket ? shownOn(socket as TLSSocket) : undefined;
    const parts: Buffer[] = [];
    let length = 0;
    response.on('data', (part: Buffer) => {
      length += part.length;
      if (length <= longestDescription) parts.push(part);
      else response.destroy();
    });
    response.once('error', reject);
    response.once('close', () => {
      const { statusCode = 0, headers } = response;
      resolve({ status: statusCode, date: headers.date, tls: shown, body: Buffer.concat(parts).toString('utf8') });
    });
  });
  asked.end();
  return promise;
}

/** What a server shows that was not believed: looked at, and nothing is sent to it. */
async function shownBy({ url, tls, signal, now }: AddressOptions): Promise<readonly Diagnosis[]> {
  const { promise, resolve } = Promise.withResolvers<Shown | undefined>();
  const looking = { ...clientTls(tls)(hostOf(url)), rejectUnauthorized: false, checkServerIdentity: () => undefined };
  const socket = connectTls({ host: hostOf(url), port: Number(url.port || 443), ...looking });
  const limit = AbortSignal.any([signal, AbortSignal.timeout(patience)]);
  limit.addEventListener('abort', () => resolve(undefined), { once: true });
  socket.once('secureConnect', () => resolve(shownOn(socket)));
  socket.once('error', () => resolve(undefined));
  const shown = await promise;
  socket.destroy();
  if (shown === undefined) return [];
  const [own] = shown.chain;
  const host = hostOf(url);
  const name =
    own === undefined || certificate(own).speaksFor(host)
      ? []
      : [
          ill(
            'host name',
            `The certificate does not name ${host}.`,
            'Use the name that it has, or have one issued for this name.',
          ),
        ];
  return [...name, ...tlsOf(shown, now())];
}

function shownOn(socket: TLSSocket): Shown {
  const chain: Uint8Array[] = [];
  for (let one = socket.getPeerX509Certificate(); one !== undefined && chain.length < 10; one = one.issuerCertificate) {
    if (chain.some((known) => Buffer.compare(known, one.raw) === 0)) break;
    chain.push(one.raw);
  }
  return { protocol: socket.getProtocol() ?? 'unknown', cipher: socket.getCipher().name, chain };
}

function tlsOf({ protocol, cipher, chain }: Shown, now: number): readonly Diagnosis[] {
  return [well('TLS', `${protocol}, ${cipher}`), ...chain.flatMap((der) => diagnoseCertificate(certificate(der), now))];
}

function clockOf(date: string | undefined, asked: number, answered: number): Diagnosis {
  const theirs = date === undefined ? Number.NaN : Date.parse(date);
  if (Number.isNaN(theirs)) return unknown('clock', 'The answer has no Date, so the clocks cannot be compared.');
  // A Date has whole seconds, and the answer took its time: what lies between is no difference.
  const late = asked - 1_000 - theirs;
  const early = theirs - answered - 1_000;
  const seconds = Math.round(Math.max(0, late, early) / 1_000);
  const side = late > 0 ? 'behind' : 'ahead';
  const what = `The clock there is ${seconds} s ${side}.`;
  if (seconds >= skewThatMatters) {
    return ill('clock', `${what} Signed messages are refused.`, 'Synchronize both machines (NTP).');
  }
  if (seconds >= skewWorthAWord) return warning('clock', what, 'Synchronize both machines (NTP).');
  return well('clock', seconds === 0 ? 'agrees' : what);
}

/** Policies of both versions of WS-RM, as a description names them. */
const policies: readonly (readonly [namespace: string, version: string])[] = [
  ['http://schemas.xmlsoap.org/ws/2005/02/rm/policy', '1.0'],
  ['http://docs.oasis-open.org/ws-rx/wsrmp/200702', '1.1'],
];

function descriptionOf({ status, body }: Answer): readonly Diagnosis[] {
  if (status !== 200 || !body.includes('http://schemas.xmlsoap.org/wsdl/')) {
    return [
      unknown('description', 'It publishes no WSDL at ?wsdl.', 'Ask its owner for the WSDL, or look with --probe.'),
    ];
  }
  const versions = policies.filter(([namespace]) => body.includes(namespace)).map(([, version]) => version);
  const said =
    versions.length === 0
      ? 'its policy names no reliable session'
      : `it asks for WS-ReliableMessaging ${versions.join(' or ')}`;
  return [well('description', `There is a WSDL, and ${said}. \`surewire inspect wsdl\` says more.`)];
}

async function probed(name: string, { url, tls, security, signal }: AddressOptions): Promise<Diagnosis> {
  const about = `session ${name}`;
  const version = reliableByName.get(name);
  if (version === undefined) throw new TypeError(`no version ${name}`);
  const session = reliableSession({
    oneWay: true,
    version,
    soap: soap12,
    to: url,
    maxRetryCount: 2,
    openTimeout: patience,
  });
  const layers: readonly BindingElement[] = [exchange({ addressing: addressing200508, to: url }), session];
  const elements = security === undefined ? layers : [...layers, security];
  const channel = connect(binding(elements, httpTransport({ tls })), url);
  try {
    await channel.open(AbortSignal.any([signal, AbortSignal.timeout(patience)]));
    await channel.close();
    return well(about, `WS-ReliableMessaging ${name} over SOAP 1.2 opens, and closes again`);
  } catch (thrown) {
    channel.abort(asError(thrown));
    const fault = faultIn(thrown);
    const advice = fault && adviceFor(fault.code, fault.reason);
    if (fault !== undefined && advice !== undefined) {
      return warning(about, `${fault.code}: ${fault.reason} ${advice.means}`, advice.next);
    }
    const [what, next] = split(failureOf(thrown).message);
    return warning(about, what, next);
  }
}

function faultIn(thrown: unknown): { readonly code: string; readonly reason: string } | undefined {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (error instanceof FaultError) {
      const { subcode, code, reason } = error.fault;
      return { code: subcode?.local ?? code, reason };
    }
  }
  return undefined;
}

/** Our messages say what happened, then what to do. */
function split(text: string): readonly [what: string, next: string] {
  const [what = text, ...rest] = text.split(/(?<=[.)]) (?=[A-Z])/);
  return [what, rest.join(' ') || 'Look at the log of the service.'];
}
