/**
 * What the manifest of test/vectors/captures says of a recording, with the symmetric keys of its messages. Private keys are never
 * committed; what a message carries encrypted for one of them is, because it opens that recording and nothing else.
 */
import { constants, createHash, privateDecrypt } from 'node:crypto';
import type { RmVersion } from './gsoap-build.ts';
import type { Mode } from './protections.ts';
import type { Heard } from './relay.ts';

/** One recording, as the manifest has it. */
export interface Recording {
  readonly name: string;
  readonly peer: string;
  /** Of the peer. */
  readonly release: string;
  /** Which end the peer was. */
  readonly peerIs: 'client' | 'server';
  readonly version: RmVersion;
  readonly mode: Mode | 'plain';
  readonly messages: number;
  /** DEV ONLY: the symmetric keys that the messages carry encrypted, each under the digest of its ciphertext. */
  readonly keys: readonly TransportedKey[];
}

export interface TransportedKey {
  /** SHA-256 of the ciphertext in the EncryptedKey, in base64. */
  readonly ciphertext: string;
  /** DEV ONLY: the key, in base64. */
  readonly key: string;
}

/** Every EncryptedKey of these messages, opened with whichever private key opens it. */
export function transportedKeys(heard: readonly Heard[], privateKeys: readonly string[]): readonly TransportedKey[] {
  const found = new Map<string, string>();
  for (const { request, answer } of heard) {
    for (const text of [request.body.toString(), answer?.body.toString() ?? '']) {
      for (const [, value = ''] of text.matchAll(/<(?:\w+:)?EncryptedKey[\s>][\s\S]*?CipherValue[^>]*>([^<]+)</g)) {
        const octets = Buffer.from(value, 'base64');
        found.set(createHash('sha256').update(octets).digest('base64'), opened(octets, privateKeys).toString('base64'));
      }
    }
  }
  return [...found].map(([ciphertext, key]) => ({ ciphertext, key }));
}

function opened(octets: Buffer, privateKeys: readonly string[]): Buffer {
  for (const key of privateKeys) {
    for (const oaepHash of ['sha1', 'sha256']) {
      try {
        return privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, octets);
      } catch {
        // Another key or digest.
      }
    }
  }
  throw new Error('A recorded EncryptedKey is for nobody here.');
}
