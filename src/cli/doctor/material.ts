/** Certificates, keys and PKCS#12 files: whether each can be used, and whether they belong together. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { asError } from '../../base/errors.ts';
import { usageOf } from '../../certificates/usage.ts';
import { type Certificate, certificates } from '../../security/certificates.ts';
import { readPkcs12 } from '../../security/pkcs12.ts';
import { type Diagnosis, ill, unknown, warning, well } from './finding.ts';

const day = 86_400_000;
/** A certificate that ends within so many days deserves a word. */
const soon = 30;

/** What files hold, collected over all of them, so that keys and certificates can be matched. */
export interface Material {
  readonly certificates: Certificate[];
  readonly keys: { readonly file: string; readonly key: KeyObject }[];
}

export function diagnoseCertificate(one: Certificate, now: number): readonly Diagnosis[] {
  const about = 'certificate';
  const name = one.subject;
  const found: Diagnosis[] = [];
  const ends = new Date(one.notAfter).toISOString().slice(0, 10);
  if (now > one.notAfter) {
    found.push(ill(about, `${name} expired on ${ends}.`, 'Renew it, or correct the clock of this machine.'));
  } else if (now < one.notBefore) {
    const begins = new Date(one.notBefore).toISOString();
    found.push(ill(about, `${name} is valid from ${begins}.`, 'Wait, or correct the clock of this machine.'));
  } else if (one.notAfter - now < soon * day) {
    found.push(warning(about, `${name} ends on ${ends}.`, 'Renew it in time.'));
  } else {
    found.push(well(about, `${name}, issued by ${one.issuer}, good until ${ends}`));
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = one.key;
  const bits = details?.modulusLength;
  if (type === 'rsa' && bits !== undefined && bits < 2_048) {
    found.push(ill('key', `The RSA key of ${name} has ${bits} bits.`, 'Make a key of 2048 bits or more.'));
  }
  const usage = usageOf(one.der);
  if (usage === undefined) {
    found.push(unknown('key usage', `The extensions of ${name} cannot be read.`));
  } else if (usage.isAuthority) {
    found.push(well('key usage', `${name} is an authority (${usage.names.join(', ') || 'any use'})`));
  } else if (
    usage.names.length > 0 &&
    !usage.names.includes('digitalSignature') &&
    !usage.names.includes('nonRepudiation')
  ) {
    found.push(
      warning(
        'key usage',
        `${name} is for ${usage.names.join(', ')} only.`,
        'It cannot sign messages: use another for that.',
      ),
    );
  } else {
    found.push(well('key usage', usage.names.join(', ') || 'any'));
  }
  return found;
}

/** @param collect hears what was found, for `diagnosePairs` */
export function diagnosePem(
  file: string,
  text: string,
  passphrase: string | undefined,
  now: number,
  collect: Material,
): readonly Diagnosis[] {
  const found: Diagnosis[] = [];
  if (text.includes('-----BEGIN CERTIFICATE-----')) {
    try {
      const chain = certificates(text);
      collect.certificates.push(...chain);
      for (const one of chain) found.push(...diagnoseCertificate(one, now));
      const misplaced = chain.find(
        (one, at) => at > 0 && chain[at - 1]?.issuer !== one.subject && one.subject !== one.issuer,
      );
      if (misplaced !== undefined) {
        found.push(
          warning(
            'chain',
            `${misplaced.subject} did not issue the certificate before it.`,
            'Put the certificate first, then its issuer, then the next.',
          ),
        );
      }
    } catch (thrown) {
      found.push(ill('certificate', asError(thrown).message, 'Export it again, as PEM.'));
    }
  }
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    try {
      const key = createPrivateKey({ key: text, ...(passphrase === undefined ? {} : { passphrase }) });
      collect.keys.push({ file, key });
      found.push(well('private key', `${key.asymmetricKeyType}, can be read`));
    } catch (thrown) {
      const isLocked = /ENCRYPTED/.test(text);
      const next = isLocked ? 'Give the right --passphrase-file.' : 'Export it again, as PKCS#8 in PEM.';
      found.push(ill('private key', `It cannot be read (${asError(thrown).message}).`, next));
    }
  }
  return found.length > 0 ? found : [unknown('PEM', 'It holds neither a certificate nor a private key.')];
}

export function diagnosePkcs12(
  file: string,
  octets: Uint8Array,
  passphrase: string,
  now: number,
  collect: Material,
): readonly Diagnosis[] {
  try {
    const { privateKey, certificates: chain } = readPkcs12(octets, passphrase);
    collect.certificates.push(...chain);
    collect.keys.push({ file, key: privateKey });
    const found = [well('PKCS#12', `opens; one key and ${chain.length} certificates`)];
    if (!nodeOpens(octets, passphrase)) {
      found.push(
        warning(
          'PKCS#12',
          'It is encrypted as old Windows and Java did (RC2 or 3DES): Node refuses it for TLS, surewire reads it for signatures.',
          'For TLS convert it: openssl pkcs12 -legacy -in FILE -nodes | openssl pkcs12 -export -out NEW.pfx',
        ),
      );
    }
    return [...found, ...chain.flatMap((one) => diagnoseCertificate(one, now))];
  } catch (thrown) {
    return [
      ill(
        'PKCS#12',
        asError(thrown).message,
        'Give the right --passphrase-file, or export the file again with key and certificate.',
      ),
    ];
  }
}

/** Whether keys and certificates belong together, over all files. */
export function diagnosePairs({ certificates: all, keys }: Material): readonly Diagnosis[] {
  if (keys.length === 0 || all.length === 0) return [];
  return keys.map(({ file, key }) => {
    const own = createPublicKey(key);
    const match = all.find((one) => one.key.equals(own));
    return match === undefined
      ? ill(
          'pair',
          `No certificate that was given is that of the key in ${file}.`,
          'Name the certificate that was issued for this key, or the key that belongs to it.',
        )
      : well('pair', `${file} is the key of ${match.subject}`);
  });
}

function nodeOpens(pfx: Uint8Array, passphrase: string): boolean {
  try {
    createSecureContext({ pfx: Buffer.from(pfx), passphrase });
    return true;
  } catch {
    return false;
  }
}
