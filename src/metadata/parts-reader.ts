/** Which parts of messages WS-SecurityPolicy wants protected (section 4), against what is always done here. */
import type { SecurityDescription } from '../binding/description.ts';
import { type Demands, notSpoken } from './demands.ts';
import { MetadataError } from './errors.ts';
import { named } from './place.ts';
import type { PolicyAssertion } from './policy.ts';
import { sp } from './token-reader.ts';

export interface Parts {
  readonly signed: boolean;
  readonly encrypted: boolean;
}

/** SignedParts and EncryptedParts (section 4.1 and 4.2): an empty one means everything that there is to sign or encrypt. */
export function readParts(demands: Demands): Parts {
  const signed = demands.take(sp, 'SignedParts');
  const encrypted = demands.take(sp, 'EncryptedParts');
  for (const local of ['SignedElements', 'EncryptedElements', 'ContentEncryptedElements', 'RequiredElements']) {
    const found = demands.take(sp, local);
    if (found !== undefined) throw notSpoken(found, 'parts are whole headers and the Body');
  }
  demands.has(sp, 'RequiredParts');
  const attachments = [signed, encrypted]
    .flatMap((one) => one?.element.children ?? [])
    .find(({ local }) => local === 'Attachments');
  if (attachments !== undefined) {
    throw new MetadataError(
      'METADATA_UNSUPPORTED',
      `The policy demands ${named(attachments)}: there are no attachments.`,
    );
  }
  const header = encrypted?.element.children.find(({ local }) => local === 'Header');
  if (header !== undefined) {
    throw new MetadataError(
      'METADATA_UNSUPPORTED',
      `The policy demands that ${named(header)} is encrypted. Compose the binding by hand, with encryptHeaders.`,
    );
  }
  const hasBody = (one: PolicyAssertion | undefined): boolean =>
    one !== undefined &&
    (one.element.children.length === 0 || one.element.children.some(({ local }) => local === 'Body'));
  return {
    signed: hasBody(signed),
    encrypted: hasBody(encrypted),
  };
}

/**
 * Here the Body of every message is signed, and encrypted in every message or in none: a policy that demands something else would
 * get what it does not expect.
 *
 * @throws MetadataError `METADATA_UNSUPPORTED`
 */
export function protectionOf(
  binding: PolicyAssertion,
  [endpoint, ...messages]: readonly Parts[],
): SecurityDescription['protection'] {
  const all = (messages.length === 0 ? [{ signed: false, encrypted: false }] : messages).map((one) => ({
    signed: one.signed || endpoint?.signed === true,
    encrypted: one.encrypted || endpoint?.encrypted === true,
  }));
  if (!all.every(({ signed }) => signed))
    throw notSpoken(binding, 'it does not have the Body signed in every message, and here it always is');
  const encrypted = all.filter((one) => one.encrypted).length;
  if (encrypted === 0) return 'Sign';
  if (encrypted === all.length) return 'EncryptAndSign';
  throw notSpoken(binding, 'it has the Body encrypted in some messages and not in others');
}
