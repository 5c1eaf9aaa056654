/** What peers sent, as it was captured beside the project. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { shared } from './support.ts';

/** The body of an HTTP message as it was captured. */
export function bodyOf(message: Buffer): Buffer {
  const blank = message.indexOf('\r\n\r\n');
  const head = message.toString('latin1', 0, Math.max(blank, 0));
  const body = blank < 0 ? message : message.subarray(blank + 4);
  return /^transfer-encoding:\s*chunked/im.test(head) ? dechunked(body) : body;
}

function dechunked(body: Buffer): Buffer {
  if (!/^[0-9a-f]+\r\n/i.test(body.toString('latin1', 0, 12))) return body;
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = body.indexOf('\r\n', at);
    const length = Number.parseInt(body.toString('latin1', at, end), 16);
    if (!(length > 0)) break;
    chunks.push(body.subarray(end + 2, end + 2 + length));
    at = end + 2 + length + 2;
  }
  return Buffer.concat(chunks);
}

/** Bodies that are XML, by folder. */
export function captured(): ReadonlyMap<string, readonly { name: string; xml: Buffer }[]> {
  const found = new Map<string, { name: string; xml: Buffer }[]>();
  const root = `${shared}captures/`;
  if (!existsSync(root)) return found;
  for (const folder of readdirSync(root)) {
    if (folder === 'pki' || folder.includes('.')) continue;
    const names = readdirSync(root + folder).filter((name) => name.endsWith('.http'));
    const bodies = names.map((name) => ({ name, xml: bodyOf(readFileSync(`${root}${folder}/${name}`)) }));
    found.set(
      folder,
      bodies.filter(({ xml }) => xml.length > 0),
    );
  }
  return found;
}
