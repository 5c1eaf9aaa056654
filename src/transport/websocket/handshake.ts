/**
 * What two ends agree on before the first message (RFC 6455 section 4; WCF's NetHttp binding): the sub-protocol `soap`, and the
 * content type of the envelopes in the header `soap-content-type`.
 */
import type { IncomingMessage } from 'node:http';
import { type SoapVersion, soapVersions } from '../../soap/version.ts';
import { mediaTypeOf } from '../http/answer.ts';
import type { WebSocketSettings } from './settings.ts';

export const subProtocol = 'soap';
export const contentTypeHeader = 'soap-content-type';

export function contentTypeOf(version: SoapVersion): string {
  return `${version.mediaType}; charset=utf-8`;
}

export type Handshake =
  | { readonly version: SoapVersion | undefined }
  | { readonly status: number; readonly text: string };

/** Whether a client may connect, and with which SOAP version. Browsers name their origin; nobody else does. */
export function examine(request: IncomingMessage, path: string, settings: WebSocketSettings): Handshake {
  const { headers, method } = request;
  const target = URL.parse(request.url ?? '/', 'ws://host');
  if (target?.pathname !== path) return { status: 404, text: 'There is no SOAP endpoint at this path.' };
  if (method !== 'GET') return { status: 405, text: 'A WebSocket begins with a GET request.' };
  const { host, origin } = headers;
  if (settings.hosts !== undefined && (host === undefined || !settings.hosts.includes(host))) {
    return { status: 403, text: 'This host is not served here.' };
  }
  if (origin !== undefined && !settings.origins.includes(origin)) {
    return { status: 403, text: 'Pages of this origin may not connect here.' };
  }
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  if (!offered.includes(subProtocol)) return { status: 400, text: 'The sub-protocol "soap" is needed.' };
  const announced = headers[contentTypeHeader];
  if (announced === undefined) return { version: undefined };
  const version = soapVersions.find(({ mediaType }) => mediaType === mediaTypeOf(String(announced)));
  if (version !== undefined) return { version };
  const known = soapVersions.map(({ mediaType }) => mediaType).join(' or ');
  return { status: 415, text: `The soap-content-type must be ${known}.` };
}
