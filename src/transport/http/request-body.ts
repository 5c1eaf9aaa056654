/** The octets of a request: read here within their limit, or taken from a body parser that was there before. */
import { utf8, view } from '../../base/bytes.ts';
import { TransportError } from '../errors.ts';
import type { ParsedRequest } from './endpoint.ts';

/** `oversize` as soon as there are more octets than allowed; `gone` when the client hung up before the end. */
export type Body = Uint8Array | 'oversize' | 'gone';

/**
 * @param limit octets
 * @param then called once, now or later
 * @returns what to call when the client has hung up; absent where everything is there
 * @throws TransportError `TRANSPORT_CONTENT_TYPE` when a body parser read the request and left nothing usable
 */
export function readBody(request: ParsedRequest, limit: number, then: (body: Body) => void): (() => void) | undefined {
  const parsed = octetsOf(request.body);
  if (parsed !== undefined) {
    then(parsed.length > limit ? 'oversize' : parsed);
    return undefined;
  }
  if (request.readableDidRead) {
    throw new TransportError(
      'TRANSPORT_CONTENT_TYPE',
      'A body parser read the request and left neither octets nor text in request.body. Give SOAP routes a parser that leaves a Buffer, or none.',
    );
  }
  // Nearly always it comes in one.
  let first: Buffer | undefined;
  let rest: Buffer[] | undefined;
  let size = 0;
  let isOver = false;
  const over = (body: Body) => {
    if (isOver) return;
    isOver = true;
    then(body);
  };
  const onData = (chunk: Buffer) => {
    size += chunk.length;
    if (size > limit) {
      // Somebody else may read on.
      request.pause();
      request.removeListener('data', onData);
      request.removeListener('end', onEnd);
      over('oversize');
    } else if (first === undefined) first = chunk;
    else if (rest === undefined) rest = [first, chunk];
    else rest.push(chunk);
  };
  const onEnd = () => over(rest === undefined ? (first ?? Buffer.alloc(0)) : Buffer.concat(rest, size));
  request.on('end', onEnd);
  request.on('data', onData);
  return () => over('gone');
}

/** Reads on for at most `budget` octets and forgets them, then calls `then` once. */
export function discard(request: ParsedRequest, budget: number, then: () => void): void {
  let left = budget;
  const ended = () => {
    request.removeListener('data', onData);
    request.removeListener('close', ended);
    request.removeListener('end', ended);
    then();
  };
  const onData = (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) ended();
  };
  if (request.readableEnded || request.destroyed) {
    then();
  } else {
    request.on('data', onData);
    request.on('close', ended);
    request.on('end', ended);
    request.resume();
  }
}

function octetsOf(body: unknown): Uint8Array | undefined {
  if (typeof body === 'string') return utf8(body);
  return body instanceof Uint8Array ? view(body) : undefined;
}
