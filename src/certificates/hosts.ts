/** Host names and addresses as a certificate carries them in its subjectAltName (RFC 5280 section 4.2.1.6). */
import { CertificatesError } from './errors.ts';

export type Host =
  | { readonly type: 'dns'; readonly text: string }
  | { readonly type: 'ip'; readonly text: string; readonly octets: Uint8Array };

const DNS_NAME = /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const IPV4 = /^\d+\.\d+\.\d+\.\d+$/;

/**
 * Reads a host in the one spelling that a URL would give it: lower case, IDNs in their ASCII form, addresses compressed.
 *
 * @param text a DNS name (`*.` allowed as its first label), an IPv4 or an IPv6 address without brackets
 * @throws CertificatesError `CERTIFICATES_HOST_INVALID`
 */
export function parseHost(text: string): Host {
  const name = canonical(text);
  if (name?.startsWith('[')) {
    const address = name.slice(1, -1);
    return { type: 'ip', text: address, octets: ipv6(address) };
  }
  if (name !== undefined && IPV4.test(name)) {
    return { type: 'ip', text: name, octets: Uint8Array.from(name.split('.'), Number) };
  }
  if (name !== undefined && name.length <= 253 && DNS_NAME.test(name)) return { type: 'dns', text: name };
  throw new CertificatesError(
    'CERTIFICATES_HOST_INVALID',
    `${JSON.stringify(text)} is no host. Give a DNS name or an IP address without scheme, port or brackets, e.g. orders.example or 192.0.2.7.`,
  );
}

function canonical(text: string): string | undefined {
  if (/[\s/?#@%\\[\]]/.test(text)) return undefined;
  const url = URL.parse(`https://${text.includes(':') ? `[${text}]` : text}/`);
  return url?.hostname || undefined;
}

/** The 16 octets of an address in the form that `URL` writes: groups of hexadecimal digits, at most one `::`. */
function ipv6(address: string): Uint8Array {
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const [head = '', tail] = address.split('::');
  const before = groups(head);
  const after = groups(tail ?? '');
  const all = [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}
