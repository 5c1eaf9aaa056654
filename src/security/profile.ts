/**
 * The signature profile of messages: references by `#id` to whole header blocks, the Body or children of this Security
 * header; exclusive canonicalization and nothing else; no objects, no manifests (BSP 1.1 section 15.3 of the digest;
 * invariants I2 and I4).
 */
import type { Message } from '../soap/message.ts';
import type { XmlElement } from '../xml/document.ts';
import { elementsById } from '../xml/find.ts';
import { exclusive } from '../xml/methods.ts';
import { SecurityError, untrusted } from './errors.ts';
import type { SecurityHeader } from './header.ts';
import type { SignatureRequirement } from './policy.ts';
import type { SignatureProfile } from './signature.ts';
import { canonicalTransform } from './transforms.ts';

const canonicalizations = new Map([[exclusive.uri, exclusive]]);
const transforms = new Map([[exclusive.uri, canonicalTransform(exclusive)]]);
/** What canonicalization may make of an octet: a short element whose namespace was declared outside is declared anew. */
const growth = 16;

export function messageProfile(
  message: Message,
  header: SecurityHeader,
  ids: ReadonlyMap<string, XmlElement>,
  { signatures, digests }: SignatureRequirement,
): SignatureProfile {
  const body = message.body.element;
  const envelopeHeader = header.element.parent;
  return {
    signatures,
    digests,
    canonicalizations,
    transforms,
    objects: false,
    limits: { references: 64, transforms: 2, octets: growth * header.element.document.bytes.length + 1_000_000 },
    resolve(uri) {
      const element = uri?.startsWith('#') ? ids.get(uri.slice(1)) : undefined;
      const inPlace =
        element !== undefined &&
        (element === body ||
          (element.parent === envelopeHeader && element !== header.element) ||
          element.parent === header.element);
      if (inPlace) return { kind: 'nodes', apex: element, element };
      throw new SecurityError('SECURITY_REFERENCE', `A reference points at "${untrusted(uri ?? '')}".`);
    },
  };
}

/** @throws XmlError `XML_DUPLICATE_ID` */
export function idsOf(header: SecurityHeader): ReadonlyMap<string, XmlElement> {
  return elementsById(header.element.document);
}
