/** Documents that an endpoint hands out at its address, beside its messages: GET and HEAD with a query that names one. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Published } from '../../channel/transport.ts';

/** The path of a request target in origin or absolute form (RFC 9112 3.2). */
export function pathOf(target: string = '/'): string {
  if (!target.startsWith('/')) return URL.canParse(target) ? new URL(target).pathname : '';
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

/** Where messages about the endpoint at `path` go. */
export function metadataPath(path: string): string {
  return `${path.replace(/\/$/, '')}/mex`;
}

/**
 * Answers a request for a document.
 *
 * @param path the path that alone is served; absent where a router has chosen already
 * @returns false for anything else, which is not touched
 */
export function tell(
  request: IncomingMessage,
  response: ServerResponse,
  published: Published | undefined,
  path: string | undefined,
): boolean {
  const { method, url = '/' } = request;
  if (published === undefined || (method !== 'GET' && method !== 'HEAD')) return false;
  if (path !== undefined && pathOf(url) !== path) return false;
  const at = url.indexOf('?');
  const document = at < 0 ? undefined : published.document(url.slice(at + 1));
  if (document === undefined) return false;
  response.writeHead(200, [
    'Content-Length',
    String(document.body.length),
    'Content-Type',
    document.contentType,
    'X-Content-Type-Options',
    'nosniff',
  ]);
  response.end(method === 'HEAD' ? undefined : document.body);
  return true;
}
