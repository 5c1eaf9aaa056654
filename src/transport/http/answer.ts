/**
 * What an HTTP answer means (SOAP 1.2 part 2, 7.5; Basic Profile 1.1, 3.4): a SOAP message, nothing, or an error of
 * the transport. A fault is a message like any other.
 */
import { asError, hasCode } from '../../base/errors.ts';
import { decode } from '../../soap/codec.ts';
import type { Message } from '../../soap/message.ts';
import { TransportError } from '../errors.ts';
import { excerpt, printable } from '../text.ts';
import type { Answer } from './exchange.ts';
import { type Quotas, soapMediaTypes } from './settings.ts';

/** Statuses with which a SOAP message may come. gSOAP and SOAP 1.2 send Sender faults with 400, WCF all faults with 500. */
const CARRYING = new Set([200, 202, 400, 500]);
const EMPTY = new Set([200, 202, 204]);
/** The same request may succeed later. 500 among them: an intermediary's or a host's, as it carried no fault. */
const TRANSIENT = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * @param place the address, without secrets
 * @returns `undefined` when the service has nothing to say on this exchange
 * @throws TransportError `TRANSPORT_STATUS`, `TRANSPORT_CONTENT_TYPE`, `TRANSPORT_ANSWER`
 */
export function messageOf(answer: Answer, place: string, quotas: Quotas): Message | undefined {
  const { status, body, contentType } = answer;
  if (body.length === 0 && EMPTY.has(status)) return undefined;
  if (!CARRYING.has(status)) throw statusError(answer, place);
  if (answer.contentEncoding !== undefined && answer.contentEncoding.toLowerCase() !== 'identity') {
    throw new TransportError(
      'TRANSPORT_CONTENT_TYPE',
      `${place} answered with Content-Encoding "${printable(answer.contentEncoding)}", although identity was asked for. Switch compression off there.`,
      { status },
    );
  }
  if (body.length > 0 && contentType !== undefined && soapMediaTypes.has(mediaTypeOf(contentType))) {
    return read(body, contentType, place, quotas);
  }
  if (status >= 400) throw statusError(answer, place);
  throw new TransportError(
    'TRANSPORT_CONTENT_TYPE',
    `${place} answered with ${contentType === undefined ? 'no content type' : `"${printable(contentType)}"`} instead of a SOAP message.${words(answer)} Check that the URL is that of the service.`,
    // At the start it is a wrong address; in the middle of a session, the page of a proxy that will go away.
    { status, refusal: true },
  );
}

/** An answer that was garbled on the way proves nothing, so asking again may help; one of another SOAP version stays one. */
function read(body: Uint8Array, contentType: string, place: string, quotas: Quotas): Message {
  try {
    return decode(body, contentType, undefined, quotas);
  } catch (thrown) {
    const cause = asError(thrown);
    throw new TransportError(
      'TRANSPORT_ANSWER',
      `${place} gave an answer that cannot be read: ${cause.message} Look for what changes or cuts messages on the way; if there is nothing, the service is at fault.`,
      { cause, transient: !hasCode(cause, 'SOAP_VERSION') },
    );
  }
}

/** The media type of a Content-Type, without its parameters. */
export function mediaTypeOf(contentType: string): string {
  const end = contentType.indexOf(';');
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}

function statusError(answer: Answer, place: string): TransportError {
  const { status } = answer;
  const transient = TRANSIENT.has(status);
  return new TransportError(
    'TRANSPORT_STATUS',
    `${place} answered with HTTP status ${status} and no SOAP message.${words(answer)} ${advice(status, transient)}`,
    { status, transient },
  );
}

function advice(status: number, transient: boolean): string {
  if (status >= 300 && status < 400) return 'Redirections are not followed: use the address the service really has.';
  if (status === 401 || status === 403) return 'The service, or something in front of it, demands credentials.';
  if (status === 404) return 'Check the path of the URL.';
  if (status === 413) return 'The message is too large for the service.';
  if (status === 415) return 'The service expects another SOAP version or encoding.';
  return transient ? 'Send again later.' : 'Look at the log of the service.';
}

function words(answer: Answer): string {
  const encoded = answer.contentEncoding !== undefined && answer.contentEncoding !== 'identity';
  const said = encoded ? '' : excerpt(answer.body);
  return said === '' ? '' : ` It says: "${said}"`;
}
