/** Shared by the tests of this room: envelopes as text, and short ways to read and compare them. */
import { fromUtf8, utf8 } from '../../src/base/bytes.ts';
import { SurewireError } from '../../src/base/errors.ts';
import { encodeEnvelope, readEnvelope } from '../../src/soap/envelope.ts';
import { SoapError } from '../../src/soap/errors.ts';
import type { Message } from '../../src/soap/message.ts';
import { scan } from '../../src/xml/scan.ts';

export const s11 = 'http://schemas.xmlsoap.org/soap/envelope/';
export const s12 = 'http://www.w3.org/2003/05/soap-envelope';
export const wsa04 = 'http://schemas.xmlsoap.org/ws/2004/08/addressing';
export const wsa10 = 'http://www.w3.org/2005/08/addressing';

export interface EnvelopeParts {
  readonly namespace?: string;
  readonly headers?: string;
  readonly body?: string;
}

/** An envelope with prefixes s, a (2005/08), b (2004/08) and x (an application's). */
export function envelope({ namespace = s12, headers = '', body = '<x:Do/>' }: EnvelopeParts = {}): string {
  return (
    `<s:Envelope xmlns:s="${namespace}" xmlns:a="${wsa10}" xmlns:b="${wsa04}" xmlns:x="urn:x">` +
    `<s:Header>${headers}</s:Header><s:Body>${body}</s:Body></s:Envelope>`
  );
}

export function read(xml: string): Message {
  return readEnvelope(scan(utf8(xml)));
}

/** Through octets and back, as a peer gets it. */
export function again(message: Message): Message {
  return readEnvelope(scan(encodeEnvelope(message)));
}

export function written(message: Message): string {
  return fromUtf8(encodeEnvelope(message));
}

/** The SoapError that `act` throws. */
export function soapError(act: () => unknown): SoapError {
  try {
    act();
  } catch (error) {
    if (error instanceof SoapError) return error;
    throw new Error(`not a SoapError: ${error instanceof SurewireError ? error.code : error}`, { cause: error });
  }
  throw new Error('nothing was thrown');
}
