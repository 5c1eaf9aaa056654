/**
 * The second opinion: xml-crypto reads the octets with its own parser, canonicalizes and digests with its own code, and says
 * which elements the signature covers. Ours is told nothing but the key. Where it has no implementation of a signature algorithm,
 * `node:crypto` computes the value; everything that attacks are about stays its own.
 */

import type { KeyObject } from 'node:crypto';
import { constants, createHash, createHmac, hash, type KeyLike, verify as verifyOctets } from 'node:crypto';
import { createRequire } from 'node:module';
import { ExclusiveCanonicalization, SignedXml } from 'xml-crypto';
import { modernMacs, modernSignatures, type SignatureAlgorithm, unsafeHmacSha1 } from '../../security/suites.ts';
import { exclusive } from '../../xml/methods.ts';

/** What the second engine says of one signature. */
export type SecondOpinion =
  /** SHA-256 of what each reference covers, lower-case hex, sorted. */
  | { readonly kind: 'valid'; readonly covered: readonly string[] }
  | { readonly kind: 'invalid'; readonly reason: string }
  /** It does not know an algorithm or a transform that the signature uses. */
  | { readonly kind: 'silent'; readonly reason: string };

const own = createRequire(import.meta.resolve('xml-crypto'));
/** The parser and the XPath of its own, in the versions that it brings. */
const { DOMParser } = own('@xmldom/xmldom') as {
  DOMParser: new () => { parseFromString(text: string, type: string): Node };
};
const { select } = own('xpath') as { select(expression: string, from: Node): unknown };

const inHeader =
  "/*/*[local-name(.)='Header']/*[local-name(.)='Security']/*[local-name(.)='Signature' and namespace-uri(.)='http://www.w3.org/2000/09/xmldsig#']";

/** One message for the second engine. */
export class SecondReading {
  readonly #text: string;
  #signatures: readonly Node[] | undefined;

  constructor(octets: Uint8Array) {
    this.#text = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('utf8');
  }

  /**
   * @param at which of the signatures in the Security header, from 0
   * @param key of the certificate, or the secret
   */
  opinion(at: number, key: KeyObject): SecondOpinion {
    try {
      this.#signatures ??= this.#found();
      const node = this.#signatures[at];
      if (node === undefined) return { kind: 'invalid', reason: 'it finds no such signature' };
      const signed = new SignedXml({ publicCert: keyFor(key), getCertFromKeyInfo: () => null });
      Object.assign(signed.SignatureAlgorithms, algorithms);
      Object.assign(signed.HashAlgorithms, digests);
      Object.assign(signed.CanonicalizationAlgorithms, canonicalizations);
      signed.loadSignature(node);
      if (!signed.checkSignature(this.#text)) return { kind: 'invalid', reason: 'a reference does not fit' };
      const covered = signed.getSignedReferences().map((text) => hash('sha256', text));
      return { kind: 'valid', covered: covered.sort() };
    } catch (thrown) {
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      return { kind: /not supported|disabled/.test(reason) ? 'silent' : 'invalid', reason: reason.slice(0, 300) };
    }
  }

  #found(): readonly Node[] {
    return select(inHeader, new DOMParser().parseFromString(this.#text, 'text/xml')) as Node[];
  }
}

/** It takes keys as PEM; secrets as they are. */
function keyFor(key: KeyObject): string | Buffer {
  return key.type === 'secret' ? key.export() : key.export({ type: 'spki', format: 'pem' }).toString();
}

/** Our rows of signature algorithms that it lacks, and those that it has in a form that takes no secret. */
const algorithms = Object.fromEntries(
  [...modernSignatures, ...modernMacs, unsafeHmacSha1].flatMap((row) => {
    const known = row.family === 'rsa' && row.hash !== 'sha384';
    return known ? [] : [[row.uri, algorithmOf(row)] as const];
  }),
);

function algorithmOf(row: SignatureAlgorithm) {
  return class {
    getAlgorithmName(): string {
      return row.uri;
    }
    getSignature(): string {
      throw new Error('Nothing is signed here.');
    }
    verifySignature(material: string, key: KeyLike, value: string): boolean {
      const octets = Buffer.from(material, 'utf8');
      const signature = Buffer.from(value, 'base64');
      if (row.family === 'hmac')
        return createHmac(row.hash, key as Buffer)
          .update(octets)
          .digest()
          .equals(signature);
      const options = optionsOf(row, key);
      return verifyOctets(row.family === 'ed25519' ? null : row.hash, octets, options, signature);
    }
  };
}

function optionsOf({ family }: SignatureAlgorithm, key: KeyLike) {
  const pem = key as string;
  if (family === 'ecdsa') return { key: pem, dsaEncoding: 'ieee-p1363' as const };
  if (family === 'rsa-pss') {
    return { key: pem, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  }
  return pem;
}

/** SHA-384, which it lacks. */
const digests = {
  'http://www.w3.org/2001/04/xmldsig-more#sha384': class {
    getAlgorithmName(): string {
      return 'http://www.w3.org/2001/04/xmldsig-more#sha384';
    }
    getHash(xml: string): string {
      return createHash('sha384').update(xml, 'utf8').digest('base64');
    }
  },
};

/** Its own, which puts namespaces into the order of a language ("ds" before "S", as Metro has them) where that of code points is due. */
class ByCodePoint extends ExclusiveCanonicalization {
  override nsCompare(one: { readonly prefix: string }, other: { readonly prefix: string }): number {
    if (one.prefix === other.prefix) return 0;
    return one.prefix < other.prefix ? -1 : 1;
  }
}

const canonicalizations = { [exclusive.uri]: ByCodePoint };
