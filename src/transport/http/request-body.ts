/** The octets of a request: read here within their limit, or taken from a body parser that was there before. */
import { utf8, view } from '../../base/bytes.ts';
import { TransportError } from '../errors.ts';
import type { ParsedRequest } from './endpoint.ts';

/**
 * @param limit octets
 * @returns the octets; `oversize` as soon as there are more than `limit`; `gone` when the client hung up before the end
 * @throws TransportError `TRANSPORT_CONTENT_TYPE` when a body parser read the request and left nothing usable
 */
export function bodyOf(request: ParsedRequest, limit: number): Promise<Uint8Array | 'oversize' | 'gone'> {
  const parsed = octetsOf(request.body);
  if (parsed !== undefined) return Promise.resolve(parsed.length > limit ? 'oversize' : parsed);
  if (request.readableDidRead) {
    return Promise.reject(
      new TransportError(
        'TRANSPORT_CONTENT_TYPE',
        'A body parser read the request and left neither octets nor text in request.body. Give SOAP routes a parser that leaves a Buffer, or none.',
      ),
    );
  }
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) ended('oversize');
      else chunks.push(chunk);
    };
    const onEnd = () => ended(chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks, size));
    const onGone = () => ended('gone');
    const ended = (outcome: Uint8Array | 'oversize' | 'gone') => {
      if (outcome === 'oversize') {
        // Somebody else may read on.
        request.pause();
        request.removeListener('data', onData);
        request.removeListener('end', onEnd);
      }
      resolve(outcome);
    };
    request.on('error', onGone);
    request.on('close', onGone);
    request.on('end', onEnd);
    request.on('data', onData);
  });
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
