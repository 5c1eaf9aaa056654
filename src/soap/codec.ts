/**
 * The text encoding: a message and its content type (SOAP 1.1 section 6.1, SOAP 1.2 part 2 section 7 and the
 * application/soap+xml registration). The media type names the SOAP version, the charset the encoding, and the action
 * what is asked for; each is checked against the message itself, because a gateway may have believed the outside and
 * the service would believe the inside (attack A1).
 */
import { MIMEType } from 'node:util';
import { asError } from '../base/errors.ts';
import type { XmlLimits } from '../xml/limits.ts';
import { scan } from '../xml/scan.ts';
import { addressingFault } from './addressing-faults.ts';
import { addressing200508, addressingVersionOf } from './addressing-versions.ts';
import { encodeEnvelope, readEnvelope } from './envelope.ts';
import { SoapError } from './errors.ts';
import type { Message } from './message.ts';
import { type SoapVersion, soapVersions } from './version.ts';

export interface Encoded {
  readonly contentType: string;
  /** Further HTTP headers: SOAPAction for SOAP 1.1. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** The name of the HTTP header that says what a SOAP 1.1 message asks for. */
export const soapActionHeader = 'SOAPAction';

/** The message as octets, with the content type (and SOAPAction) that belongs to its SOAP version. */
export function encode(message: Message): Encoded {
  const { contentType, headers } = headOf(message);
  return { contentType, headers, body: encodeEnvelope(message) };
}

type Head = Omit<Encoded, 'body'>;

/** What was written about messages of one version that ask for one thing: an end sends few actions, with every message. */
const heads: ReadonlyMap<SoapVersion, Map<string, Head>> = new Map(soapVersions.map((row) => [row, new Map()]));
const headLimit = 256;
const headLength = 1024;

function headOf({ version, action }: Message): Head {
  const known = heads.get(version);
  const same = known?.get(action);
  if (same !== undefined) return same;
  const made = newHead(version, quotable(action));
  if (known !== undefined && action.length <= headLength) {
    if (known.size >= headLimit) known.clear();
    known.set(action, made);
  }
  return made;
}

function newHead(version: SoapVersion, action: string): Head {
  const type = `${version.mediaType}; charset=utf-8`;
  switch (version.actionIn) {
    case 'header':
      return { contentType: type, headers: { [soapActionHeader]: `"${action}"` } };
    case 'parameter':
      return { contentType: action === '' ? type : `${type}; action="${action}"`, headers: {} };
    default:
      return version.actionIn satisfies never;
  }
}

/**
 * Reads a message from octets.
 *
 * @param contentType value of the Content-Type header
 * @param soapAction value of the SOAPAction header, quoted or not; empty or absent says nothing
 * @param limits of the XML, where they are not the defaults
 * @throws SoapError `SOAP_CONTENT_TYPE`, `SOAP_ACTION_MISMATCH`, and what `readEnvelope` throws
 * @throws XmlError when the octets are not the XML that SOAP allows
 */
export function decode(
  body: Uint8Array,
  contentType: string | undefined,
  soapAction?: string,
  limits?: Partial<XmlLimits>,
): Message {
  const { version, charset, action } = saidBy(contentType);
  if (charset !== undefined) checkCharset(charset, body);
  const message = readEnvelope(scan(body, limits));
  if (message.version !== version) {
    const reason = `The content type says SOAP ${version.name} (${version.mediaType}) and the envelope is SOAP ${message.version.name}.`;
    throw new SoapError('SOAP_VERSION', reason, { fault: { code: 'versionMismatch', reason } });
  }
  const outside = unquoted(soapAction);
  if (message.action !== '' && outside === '' && action === message.action) return message;
  return agreed(message, [outside, action]);
}

/** What a content type says. */
interface Said {
  readonly version: SoapVersion;
  readonly charset: Charset | undefined;
  readonly action: string;
}

/** Content types that were read before: a peer has a few of them and sends them with every message. */
const read = new Map<string, Said>();
const readLimit = 256;
/** The one that was found last: to compare it costs less than to look for it. */
let last = { contentType: '', said: undefined as Said | undefined };

function saidBy(contentType: string | undefined): Said {
  if (last.said !== undefined && contentType === last.contentType) return last.said;
  const known = read.get(contentType ?? '');
  if (known !== undefined) {
    last = { contentType: contentType ?? '', said: known };
    return known;
  }
  const type = mediaType(contentType);
  const said = {
    version: versionOf(type),
    charset: charsetOf(type.params.get('charset')?.toLowerCase()),
    action: type.params.get('action') ?? '',
  };
  if (read.size >= readLimit) read.clear();
  if (contentType !== undefined && contentType.length <= 1024) read.set(contentType, said);
  return said;
}

/** Checks what was said outside against wsa:Action; without addressing it is all there is. */
function agreed(message: Message, outside: readonly string[]): Message {
  if (message.action !== '' && outside.every((action) => action === '' || action === message.action)) return message;
  const addressed = message.headers.some((block) => addressingVersionOf(block) !== undefined);
  const said = outside.filter((action) => action !== '');
  const action = addressed ? message.action : (said[0] ?? '');
  const other = said.find((one) => one !== action);
  if (other === undefined) return addressed ? message : { ...message, action };
  const version = message.headers.map(addressingVersionOf).find((row) => row !== undefined) ?? addressing200508;
  const reason = `The HTTP headers ask for "${shown(other)}" and the message for "${shown(action)}".`;
  throw new SoapError('SOAP_ACTION_MISMATCH', reason, {
    fault: addressingFault(version, 'invalidHeader', reason, {
      problem: 'ActionMismatch',
      actions: { action, soapAction: other },
    }),
  });
}

const wanted = soapVersions.map((row) => `${row.mediaType} (SOAP ${row.name})`).join(' or ');

function mediaType(contentType: string | undefined): MIMEType {
  if (contentType === undefined || contentType.trim() === '') {
    throw unusable(`The message has no content type; ${wanted} is needed.`);
  }
  try {
    return new MIMEType(contentType);
  } catch (error) {
    throw unusable(`The content type "${shown(contentType)}" is malformed; ${wanted} is needed.`, asError(error));
  }
}

/** What is likely to be at the other end when it is not a SOAP peer. */
const guesses: ReadonlyMap<string, string> = new Map([
  ['text/html', 'an HTML page, as a proxy, a log-in page or a wrong address sends it'],
  ['application/json', 'JSON, so this is not a SOAP endpoint'],
  ['text/plain', 'plain text, as a gateway sends it with an error'],
  ['multipart/related', 'an MTOM or attachment message, which this encoding does not read'],
]);

function versionOf(type: MIMEType): SoapVersion {
  const version = soapVersions.find((row) => row.mediaType === type.essence);
  if (version !== undefined) return version;
  const guess = guesses.get(type.essence);
  throw unusable(
    `The content type is "${shown(type.essence)}"${guess === undefined ? '' : ` (${guess})`}; ${wanted} is needed.`,
  );
}

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';

/** What each charset may turn out to be. */
const charsets: ReadonlyMap<string, readonly Encoding[]> = new Map([
  ['utf-8', ['utf-8']],
  ['utf8', ['utf-8']],
  ['utf-16', ['utf-16le', 'utf-16be']],
  ['utf-16le', ['utf-16le']],
  ['utf-16be', ['utf-16be']],
]);

interface Charset {
  readonly name: string;
  readonly allowed: readonly Encoding[];
}

function charsetOf(name: string | undefined): Charset | undefined {
  if (name === undefined || name === '') return undefined;
  const allowed = charsets.get(name);
  if (allowed === undefined) {
    throw unusable(`The charset is "${shown(name)}"; utf-8 or utf-16 is needed.`);
  }
  return { name, allowed };
}

function checkCharset({ name, allowed }: Charset, body: Uint8Array): void {
  const actual = encodingOf(body);
  if (!allowed.includes(actual)) {
    throw unusable(`The content type says charset=${name} and the document is ${actual}.`);
  }
}

/** XML 1.0 appendix F: the first two octets tell UTF-16, with or without a byte order mark, from UTF-8. */
function encodingOf(body: Uint8Array): Encoding {
  const start = ((body[0] ?? 0) << 8) | (body[1] ?? 0);
  if (start === 0xfeff || start === 0x003c) return 'utf-16be';
  if (start === 0xfffe || start === 0x3c00) return 'utf-16le';
  return 'utf-8';
}

/**
 * An action as it may stand between quotes in an HTTP header; '' (say nothing) for one that may not, which no URI is.
 */
function quotable(action: string): string {
  return /^[\x21\x23-\x5b\x5d-\x7e]*$/.test(action) ? action : '';
}

function unquoted(soapAction: string | undefined): string {
  if (soapAction === undefined) return '';
  const trimmed = soapAction.trim();
  return (/^"(.*)"$/.exec(trimmed)?.[1] ?? trimmed).trim();
}

/** Words of the other side in our sentences: short and printable. */
function shown(text: string): string {
  const printable = text.slice(0, 100).replace(/\p{C}/gu, '?');
  return text.length > 100 ? `${printable}…` : printable;
}

function unusable(reason: string, cause?: Error): SoapError {
  return new SoapError('SOAP_CONTENT_TYPE', reason, { cause, fault: { code: 'sender', reason } });
}
