/**
 * A double of an HSM: a process of its own that holds a private key and is asked, by messages, to sign and to open keys. The
 * key never crosses the channel.
 */
import { generateKeyPairSync } from 'node:crypto';
import { signOctets } from '../../src/security/crypto.ts';
import { acceptedEncryption } from '../../src/security/encryption/algorithms.ts';
import { decrypter } from '../../src/security/encryption/decrypter.ts';
import { byUri, modernSignatures } from '../../src/security/suites.ts';

export interface DeviceRequest {
  readonly id: number;
  readonly work: 'sign' | 'unwrap';
  readonly algorithm: string;
  readonly octets: string;
  readonly length?: number;
  readonly oaep?: { readonly digest: string; readonly mask: string };
}
export interface DeviceAnswer {
  readonly id: number;
  readonly octets?: string;
  readonly error?: string;
}

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const holder = decrypter(privateKey);
const signatures = byUri(modernSignatures);
const accepted = acceptedEncryption();

async function answer({ work, algorithm, octets, length = 0, oaep }: DeviceRequest): Promise<Uint8Array> {
  const input = Buffer.from(octets, 'base64');
  if (work === 'sign') {
    const row = signatures.get(algorithm);
    if (row === undefined) throw new Error('unknown algorithm');
    return signOctets(row, privateKey, input);
  }
  const row = accepted.transports.get(algorithm);
  const digest = accepted.oaepDigests.get(oaep?.digest ?? '');
  const mask = accepted.masks.get(oaep?.mask ?? '');
  if (row === undefined || digest === undefined || mask === undefined) throw new Error('unknown algorithm');
  const parameters = { digest, mask, label: new Uint8Array() };
  return holder.unwrap({ kind: 'transport', row, parameters, octets: input, length });
}

process.on('message', (request: DeviceRequest) => {
  answer(request).then(
    (octets) =>
      process.send?.({ id: request.id, octets: Buffer.from(octets).toString('base64') } satisfies DeviceAnswer),
    (error: unknown) => process.send?.({ id: request.id, error: String(error) } satisfies DeviceAnswer),
  );
});
process.send?.({ spki: publicKey.export({ type: 'spki', format: 'der' }).toString('base64') });
