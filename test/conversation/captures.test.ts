/** What WCF and Metro said to open, use and cancel a security context: the same tokens, secrets, keys and signatures, to the octet. */
import { createHash, createHmac } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { base64 } from '../../src/base/bytes.ts';
import { readRequest } from '../../src/conversation/requests.ts';
import { type ReceivedContext, readCancelled, readIssued } from '../../src/conversation/responses.ts';
import { computedKey } from '../../src/conversation/secret.ts';
import { versionOfAction } from '../../src/conversation/versions/table.ts';
import type { ConversationVersion } from '../../src/conversation/versions/version.ts';
import { deriveKey, isDerivedKeyToken, readDerivedKeyToken } from '../../src/security/derived-keys.ts';
import { ds, wsse } from '../../src/security/names.ts';
import { readContextReference, readContextToken } from '../../src/security/tokens/context.ts';
import { prefixList } from '../../src/security/transforms.ts';
import { payload } from '../../src/soap/envelope.ts';
import { faultOf } from '../../src/soap/fault.ts';
import type { Message } from '../../src/soap/message.ts';
import { canonicalize } from '../../src/xml/canonicalize.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { elementsById, onlyChild, requiredChild } from '../../src/xml/find.ts';
import { exclusive } from '../../src/xml/methods.ts';
import { hasCaptures, recorded, withoutData } from '../reliable/recorded.ts';

const folder = join(import.meta.dirname, '../../../shared/captures');
if (!hasCaptures) console.info(`secure conversation captures ${withoutData}`);

/** Contexts that are opened over TLS, where the request for one can be read. */
const overTls = hasCaptures ? readdirSync(folder).filter((name) => /sc-(user|cert)-tls/.test(name)) : [];

interface Opened {
  readonly version: ConversationVersion;
  readonly context: ReceivedContext;
  readonly secret: Uint8Array;
}

/** What the first exchange agreed on. */
function opened(asked: Message | undefined, answered: Message | undefined): Opened {
  const version = versionOfAction(asked?.action ?? '');
  if (version === undefined || asked === undefined || answered === undefined) throw new Error('No context was opened.');
  const request = readRequest(version, body(asked), () => undefined);
  if (request.kind !== 'issue') throw new Error(`The first request is to ${request.kind}.`);
  const context = readIssued(version, body(answered));
  return {
    version,
    context,
    secret: computedKey(request.entropy, context.entropy, context.keySize ?? request.keySize),
  };
}

function body(message: Message): XmlElement {
  const content = payload(message);
  if (content === undefined) throw new Error('The Body is empty.');
  return content;
}

function canonical(element: XmlElement, method: XmlElement): Uint8Array {
  return canonicalize(element, exclusive, { prefixes: prefixList(method, true) });
}

/** The HMAC signature of a message checks out under the key that its KeyInfo names, digests included; which key it was. */
function signedUnder(message: Message, { version, context, secret }: Opened): 'context' | 'derived' {
  if (message.source === undefined) throw new Error('The message was not read.');
  const source = elementsById(message.source);
  const header = requiredChild(message.source.root.children[0] ?? message.source.root, wsse, 'Security');
  const signature = header.children.find((one) => one.is(ds, 'Signature'));
  if (signature === undefined) throw new Error('The message is not signed.');
  const keyed = (reference: XmlElement): { readonly key: Uint8Array; readonly kind: 'context' | 'derived' } => {
    const uri = reference.children[0]?.attribute('URI') ?? '';
    const target = uri.startsWith('#')
      ? ({ kind: 'attached', id: uri.slice(1) } as const)
      : readContextReference(version.namespace, reference);
    if (target.kind === 'unattached') {
      expect(target.identifier).toBe(context.identifier);
      return { key: secret, kind: 'context' };
    }
    const token = source.get(target.id);
    if (token !== undefined && isDerivedKeyToken(token)) {
      const derived = readDerivedKeyToken(token);
      if (derived.source === undefined) throw new Error('A derived key without a source.');
      return { key: deriveKey(keyed(derived.source).key, derived), kind: 'derived' };
    }
    if (token === undefined) throw new Error(`Nothing bears the id ${target.id}.`);
    expect(readContextToken(version.namespace, token).identifier).toBe(context.identifier);
    return { key: secret, kind: 'context' };
  };
  const { key, kind } = keyed(onlyChild(requiredChild(signature, ds, 'KeyInfo')));
  const signedInfo = requiredChild(signature, ds, 'SignedInfo');
  const method = requiredChild(signedInfo, ds, 'SignatureMethod').attribute('Algorithm') ?? '';
  const hash = method.endsWith('hmac-sha1') ? 'sha1' : method.endsWith('hmac-sha256') ? 'sha256' : '';
  const value = createHmac(hash, key)
    .update(canonical(signedInfo, requiredChild(signedInfo, ds, 'CanonicalizationMethod')))
    .digest();
  expect(base64(value)).toBe(requiredChild(signature, ds, 'SignatureValue').text.trim());
  for (const reference of signedInfo.children.filter((one) => one.is(ds, 'Reference'))) {
    const part = source.get(reference.attribute('URI')?.slice(1) ?? '');
    if (part === undefined) throw new Error('A reference to nothing.');
    const transform = onlyChild(requiredChild(reference, ds, 'Transforms'));
    const digested = createHash(hash).update(canonical(part, transform)).digest();
    expect(base64(digested)).toBe(requiredChild(reference, ds, 'DigestValue').text.trim());
  }
  return kind;
}

describe.skipIf(!hasCaptures)('secure conversation over TLS', () => {
  test('there are captures of WCF and of Metro, in both versions', () => {
    expect(overTls.filter((name) => name.startsWith('wcf-'))).toHaveLength(7);
    expect(overTls.filter((name) => name.startsWith('metro-'))).toHaveLength(4);
  });

  for (const name of overTls)
    test(`${name}: token, secret and every signature agree; the context is cancelled`, () => {
      const [first, ...rest] = recorded(name);
      const agreed = opened(first?.request.message, first?.response?.message);
      expect(agreed.secret).toHaveLength(32);
      let signed = 0;
      for (const { request, response } of rest) {
        if (request.message === undefined) continue;
        signedUnder(request.message, agreed);
        signed++;
        if (request.message.action === agreed.version.actions.cancel) {
          const cancel = readRequest(agreed.version, body(request.message), () => agreed.context);
          expect(cancel).toEqual({
            kind: 'cancel',
            target: { identifier: agreed.context.identifier, instance: undefined },
          });
          // Metro refuses the context of SHA-256 altogether, its cancelling included.
          if (response?.message !== undefined && faultOf(response.message) === undefined)
            readCancelled(agreed.version, body(response.message));
        }
      }
      expect(signed).toBeGreaterThan(1);
    });
});
