/**
 * How the octets of a message are written into a transcript and read from it: kept as they are, encrypted for the readers that
 * were named (JWE, RFC 7516: `dir` and A256GCM under one key for each recorder, which each reader gets under his own), or only
 * digested.
 */
import { createCipheriv, createDecipheriv, hash, type KeyObject, randomBytes } from 'node:crypto';
import { CompactEncrypt, compactDecrypt } from 'jose';
import { fromUtf8, utf8 } from '../../base/bytes.ts';
import type { Certificate } from '../../security/certificates.ts';
import { AuditError } from '../errors.ts';
import type { HeaderRecord, Payload, PayloadForm } from './record.ts';

/** Writes payloads in one form. */
export interface PayloadWriter {
  readonly form: PayloadForm;
  /** For the header: the key, for each reader. */
  readonly keys: readonly string[] | undefined;
  write(octets: Uint8Array): Payload;
}

/** `kept`, `digested`, or the certificates of those who may read. */
export type PayloadChoice = 'kept' | 'digested' | { readonly encryptTo: readonly Certificate[] };

/** @throws AuditError `AUDIT_OPTIONS` when a certificate's key cannot be encrypted to */
export async function payloadWriter(choice: PayloadChoice): Promise<PayloadWriter> {
  if (choice === 'kept') return { form: 'kept', keys: undefined, write: kept };
  if (choice === 'digested') return { form: 'digested', keys: undefined, write: digested };
  if (choice.encryptTo.length === 0) throw new AuditError('AUDIT_OPTIONS', 'Name a certificate to encrypt to.');
  const key = randomBytes(32);
  const keys = await Promise.all(choice.encryptTo.map((reader) => wrapped(key, reader)));
  return { form: 'encrypted', keys, write: (octets) => ({ form: 'encrypted', jwe: encrypted(key, octets) }) };
}

function kept(octets: Uint8Array): Payload {
  try {
    return { form: 'kept', text: fromUtf8(octets) };
  } catch {
    return { form: 'kept', base64: Buffer.from(octets).toString('base64') };
  }
}

function digested(octets: Uint8Array): Payload {
  return { form: 'digested', sha256: hash('sha256', octets, 'hex') };
}

const protectedHeader = Buffer.from('{"alg":"dir","enc":"A256GCM","cty":"application/xml"}').toString('base64url');

function encrypted(key: Uint8Array, octets: Uint8Array): string {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(protectedHeader, 'ascii'));
  const text = Buffer.concat([cipher.update(octets), cipher.final()]);
  const [nonce, data, tag] = [iv, text, cipher.getAuthTag()].map((part) => part.toString('base64url'));
  return `${protectedHeader}..${nonce}.${data}.${tag}`;
}

const wraps: ReadonlyMap<string | undefined, string> = new Map([
  ['rsa', 'RSA-OAEP-256'],
  ['ec', 'ECDH-ES+A256KW'],
  ['x25519', 'ECDH-ES+A256KW'],
]);

async function wrapped(key: Uint8Array, reader: Certificate): Promise<string> {
  const alg = wraps.get(reader.key.asymmetricKeyType);
  if (alg === undefined) {
    throw new AuditError(
      'AUDIT_OPTIONS',
      `Nothing can be encrypted to the ${reader.key.asymmetricKeyType} key of ${reader.subject}. Name an RSA or EC certificate.`,
    );
  }
  const thumbprint = Buffer.from(reader.fingerprint, 'hex').toString('base64url');
  return new CompactEncrypt(key)
    .setProtectedHeader({ alg, enc: 'A256GCM', 'x5t#S256': thumbprint })
    .encrypt(reader.key);
}

/** Reads payloads with the keys that were given; one for a whole transcript, because each header brings another key. */
export class PayloadReader {
  readonly #own: readonly KeyObject[];
  #key: Uint8Array | undefined;

  constructor(own: readonly KeyObject[] = []) {
    this.#own = own;
  }

  /** True when a key of ours opened that of the transcript. */
  get isOpen(): boolean {
    return this.#key !== undefined;
  }

  /** Takes the key out of a header, where one of ours opens it. */
  async header({ keys = [] }: HeaderRecord): Promise<void> {
    this.#key = undefined;
    for (const jwe of keys.slice(0, 64)) {
      for (const own of this.#own) {
        try {
          this.#key = (await compactDecrypt(jwe, own)).plaintext;
          return;
        } catch {
          // It is for another reader.
        }
      }
    }
  }

  /**
   * @returns `undefined` where the octets were not recorded
   * @throws AuditError `AUDIT_KEY`
   */
  read(payload: Payload): Uint8Array | undefined {
    switch (payload.form) {
      case 'kept':
        return 'text' in payload ? utf8(payload.text) : Buffer.from(payload.base64, 'base64');
      case 'encrypted':
        return this.#decrypted(payload.jwe);
      case 'digested':
      case 'withheld':
        return undefined;
      default:
        return payload satisfies never;
    }
  }

  #decrypted(jwe: string): Uint8Array {
    if (this.#key === undefined) {
      throw new AuditError(
        'AUDIT_KEY',
        'The payloads are encrypted for somebody else. Give the private key of a reader.',
      );
    }
    const [header, , iv = '', data = '', tag = ''] = jwe.split('.');
    try {
      if (header !== protectedHeader) throw new Error('another algorithm');
      const decipher = createDecipheriv('aes-256-gcm', this.#key, Buffer.from(iv, 'base64url'), { authTagLength: 16 });
      decipher.setAAD(Buffer.from(header, 'ascii')).setAuthTag(Buffer.from(tag, 'base64url'));
      return Buffer.concat([decipher.update(Buffer.from(data, 'base64url')), decipher.final()]);
    } catch (cause) {
      throw new AuditError('AUDIT_KEY', 'An encrypted payload was changed, or is under another key.', {
        cause: cause instanceof Error ? cause : undefined,
      });
    }
  }
}
