/**
 * What a peer could do that means ill: the recordings hold the secret of its security context, so that its own message can be signed
 * again after it was changed, with the same derived key and by the method that it names. And what a stranger could do, with a key of
 * its own.
 */
import { createHash, createHmac, KeyObject, sign } from 'node:crypto';
import { deriveKey, readDerivedKeyToken } from '../../src/security/derived-keys.ts';
import { wsu } from '../../src/security/names.ts';
import { byUri, modernSignatures, unsafeRsaSha1 } from '../../src/security/suites.ts';
import { canonicalize, exclusive } from '../../src/xml/canonicalize.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import type { Issued } from '../security/pki.ts';
import { required } from '../vectors/replayed.ts';
import type { Letter } from './letter.ts';
import type { Change, PeerScene } from './peer-stage.ts';

const prefixesIn = (element: XmlElement): readonly string[] =>
  element.children[0]?.attribute('PrefixList')?.split(' ') ?? [];

/** An element by its name, or by `#` and its id. */
function part(letter: Letter, name: string): XmlElement {
  return name.startsWith('#') ? letter.byId(name.slice(1)) : letter.one(name);
}

/** The reference of the signature to an element. */
export function referenceTo(letter: Letter, name: string): XmlElement {
  const id = /\b(?:wsu:)?Id="([^"]*)"/.exec(letter.of(part(letter, name)))?.[1];
  return required(letter.all('Reference').find((one) => one.attribute('URI') === `#${id}`));
}

/** The digest of an element made anew, by the method of its reference. */
function digested(letter: Letter, name: string): Letter {
  const reference = referenceTo(letter, name);
  const prefixes = prefixesIn(required(reference.children[0]?.children[0]));
  const octets = canonicalize(part(letter, name), exclusive, { prefixes });
  const method = /sha256"/.test(letter.of(reference)) ? 'sha256' : 'sha1';
  const value = createHash(method).update(octets).digest('base64');
  return letter.saying(letter.one('DigestValue', reference), value);
}

function signedOctets(letter: Letter): Uint8Array {
  const info = letter.one('SignedInfo');
  return canonicalize(info, exclusive, { prefixes: prefixesIn(required(info.children[0])) });
}

/** The signature value made anew, with the derived key that the signature names. */
function sealed(letter: Letter, { secret }: PeerScene): Letter {
  const uri = letter.one('Reference', letter.one('KeyInfo', letter.signature)).attribute('URI');
  const token = required(letter.all('DerivedKeyToken').find((one) => `#${one.attribute('Id', wsu)}` === uri));
  const key = deriveKey(required(secret).export(), readDerivedKeyToken(token));
  const hash = /hmac-sha256"/.test(letter.of(letter.one('SignedInfo'))) ? 'sha256' : 'sha1';
  return letter.saying(
    letter.one('SignatureValue'),
    createHmac(hash, key).update(signedOctets(letter)).digest('base64'),
  );
}

/** The change, and then the signature of the peer over it: the digests of these parts, and the value. */
export function signedAgain(change: (letter: Letter) => Letter, ...parts: readonly string[]): Change {
  return (letter, scene) => sealed(parts.reduce(digested, change(letter)), scene);
}

const rows = byUri([...modernSignatures, unsafeRsaSha1]);

/** The change, and then the signature of somebody else over it, whose certificate is in the message. */
export function signedBy(
  stranger: () => Promise<Issued>,
  change: (letter: Letter) => Letter,
  ...parts: readonly string[]
): Change {
  return async (letter) => {
    const { certificate, pair } = await stranger();
    const bare = parts.reduce(digested, change(letter));
    const shown = bare.saying(bare.one('BinarySecurityToken'), Buffer.from(certificate.der).toString('base64'));
    const method = required(rows.get(shown.one('SignatureMethod').attribute('Algorithm') ?? ''));
    // Not with a key of ours, which would not sign with one that is too short.
    const value = sign(method.hash, signedOctets(shown), KeyObject.from(pair.privateKey));
    return shown.saying(shown.one('SignatureValue'), value.toString('base64'));
  };
}
