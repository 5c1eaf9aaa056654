/**
 * What CreateSequence says of the security of its sequence (WS-RM 1.1, section 5): that it belongs to a token, which the body then
 * names, or to a TLS session. Without a word it belongs to whoever secured the request, which is no less.
 */
import type { Delivery } from '../channel/delivery.ts';
import { identityInTls, identityOf, namesSignerOf } from '../security/evidence.ts';
import { header } from '../soap/envelope.ts';
import type { HeaderBlock } from '../soap/message.ts';
import type { SoapVersion } from '../soap/version.ts';
import { XmlWriter } from '../xml/write.ts';
import type { CreateSequence } from './bodies.ts';
import { ReliableError } from './errors.ts';
import { reliablePrefix } from './headers.ts';
import type { ReliableVersion } from './versions/version.ts';

/** The header that says that the sequence belongs to the token that the body names; 2005/02 has none. */
export function usesToken(version: ReliableVersion, soap: SoapVersion): readonly HeaderBlock[] {
  if (!version.tokenHeader) return [];
  const writer = new XmlWriter().start(version.namespace, 'UsesSequenceSTR', reliablePrefix).end();
  return [header(soap, writer.finish(), { mustUnderstand: true })];
}

/**
 * The header that says that the sequence belongs to the TLS session that the request comes through.
 *
 * @throws ReliableError `RELIABLE_SETTING` in 2005/02, which has none
 */
export function usesTls(version: ReliableVersion, soap: SoapVersion): readonly HeaderBlock[] {
  if (!version.tokenHeader) {
    throw new ReliableError(
      'RELIABLE_SETTING',
      `WS-RM ${version.name} cannot ask for a TLS session: leave usesTls out.`,
    );
  }
  const writer = new XmlWriter().start(version.namespace, 'UsesSequenceSSL', reliablePrefix).end();
  return [header(soap, writer.finish(), { mustUnderstand: true })];
}

/** Whose the sequence is that a CreateSequence asks for. */
export function ownerOf(trip: Delivery, version: ReliableVersion): string {
  return (isBoundToTls(trip, version) ? identityInTls(trip) : undefined) ?? identityOf(trip);
}

function isBoundToTls({ message }: Delivery, { namespace }: ReliableVersion): boolean {
  return message.headers.some((block) => block.namespace === namespace && block.local === 'UsesSequenceSSL');
}

/**
 * Why a sequence cannot be what its request says; `undefined` when it can. A sequence belongs to the identity that secured its
 * CreateSequence (under a security context that is the context), so what is left to see is that the request names no other.
 */
export function unbindable(trip: Delivery, version: ReliableVersion, { token }: CreateSequence): string | undefined {
  const says = (local: string) =>
    trip.message.headers.some((block) => block.namespace === version.namespace && block.local === local);
  if (isBoundToTls(trip, version) && identityInTls(trip) === undefined) {
    return 'The request came through no TLS session that could be told from another.';
  }
  if (token === undefined) {
    return says('UsesSequenceSTR') ? 'UsesSequenceSTR is there, and no SecurityTokenReference.' : undefined;
  }
  return namesSignerOf(token, trip)
    ? undefined
    : 'The sequence can be bound only to the token that its CreateSequence was signed with.';
}
