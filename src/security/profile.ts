/**
 * The signature profile of messages: references by `#id` to whole header blocks, the Body or children of this Security
 * header, and through STR-Transform to tokens; exclusive canonicalization and nothing else; no objects, no manifests (BSP 1.1
 * section 15.3 of the digest; invariants I2 and I4).
 */
import type { Message } from '../soap/message.ts';
import type { XmlElement } from '../xml/document.ts';
import { elementsById } from '../xml/find.ts';
import { exclusive } from '../xml/methods.ts';
import type { Certificate } from './certificates.ts';
import { SecurityError, untrusted } from './errors.ts';
import type { SecurityHeader } from './header.ts';
import { wsse } from './names.ts';
import type { AcceptedSignatures } from './protection.ts';
import type { SignatureProfile } from './signature.ts';
import { dereference, strTransform } from './tokens/str-transform.ts';
import { canonicalTransform, type Transform } from './transforms.ts';

const canonicalizations = new Map([[exclusive.uri, exclusive]]);
const canonical = canonicalTransform(exclusive);
/** What canonicalization may make of an octet: a short element whose namespace was declared outside is declared anew. */
const growth = 16;

export function messageProfile(
  message: Message,
  header: SecurityHeader,
  ids: ReadonlyMap<string, XmlElement>,
  { signatures, digests }: AcceptedSignatures,
  known: readonly Certificate[] = [],
): SignatureProfile {
  const body = message.body.element;
  const references = strTransform((reference) => dereference(reference, { header, ids, known }));
  const envelopeHeader = header.element.parent;
  return {
    signatures,
    digests,
    canonicalizations,
    transforms: new Map<string, Transform>([
      [canonical.uri, canonical],
      [references.uri, references],
    ]),
    objects: false,
    limits: { references: 64, transforms: 2, octets: growth * header.element.document.bytes.length + 1_000_000 },
    resolve(uri) {
      const element = uri?.startsWith('#') ? ids.get(uri.slice(1)) : undefined;
      const inPlace =
        element !== undefined &&
        (element === body ||
          (element.parent === envelopeHeader && element !== header.element) ||
          element.parent === header.element ||
          // Stands for its token (STR-Transform); it is no part of a message itself.
          (element.is(wsse, 'SecurityTokenReference') && header.element.contains(element)));
      if (inPlace) return { kind: 'nodes', apex: element, element };
      throw new SecurityError('SECURITY_REFERENCE', `A reference points at "${untrusted(uri ?? '')}".`);
    },
  };
}

/** @throws XmlError `XML_DUPLICATE_ID` */
export function idsOf(header: SecurityHeader): ReadonlyMap<string, XmlElement> {
  return elementsById(header.element.document);
}
