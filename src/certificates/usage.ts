/** What a certificate is for: KeyUsage and BasicConstraints (RFC 5280 sections 4.2.1.3 and 4.2.1.9). */
import type { BitString } from 'asn1js';
import * as pkijs from 'pkijs';

/** In the order of their bits. */
const names = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;

export interface CertificateUsage {
  /** Empty where the certificate does not say: then it is for anything. */
  readonly names: readonly (typeof names)[number][];
  readonly isAuthority: boolean;
}

/**
 * @param der of one certificate
 * @returns `undefined` where the extensions cannot be read
 */
export function usageOf(der: Uint8Array): CertificateUsage | undefined {
  try {
    const { extensions = [] } = pkijs.Certificate.fromBER(Buffer.from(der));
    const parsed = (id: string): unknown => extensions.find(({ extnID }) => extnID === id)?.parsedValue;
    const bits = parsed('2.5.29.15') as BitString | undefined;
    const constraints = parsed('2.5.29.19') as pkijs.BasicConstraints | undefined;
    const octets = bits === undefined ? [] : [...bits.valueBlock.valueHexView];
    const isSet = (bit: number): boolean => (((octets[bit >> 3] ?? 0) << (bit & 7)) & 0x80) !== 0;
    return { names: names.filter((_, bit) => isSet(bit)), isAuthority: constraints?.cA === true };
  } catch {
    return undefined;
  }
}
