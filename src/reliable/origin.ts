/**
 * Who a session belongs to, in a form that a store keeps, so that a message which is handed up again after a crash still
 * says who sent it. Which parts were signed is not kept: that was checked when the message came.
 */
import { base64, fromBase64 } from '../base/bytes.ts';
import type { Delivery } from '../channel/delivery.ts';
import { peer } from '../channel/transport.ts';
import { evidence, type Part, type Signer } from '../security/evidence.ts';

interface StoredSigner {
  readonly kind: Signer['kind'];
  readonly identity: string;
  readonly name: string;
  readonly certificate: string | null;
}

export interface Origin {
  readonly signer: StoredSigner | null;
  readonly user: StoredSigner | null;
  readonly peer: { readonly secure: boolean; readonly certificate: string | null; readonly fingerprint: string | null };
}

export function originOf(trip: Delivery): Origin {
  const found = trip.get(evidence);
  const from = trip.get(peer);
  return {
    signer: found?.signer === undefined ? null : stored(found.signer),
    user: found?.user === undefined ? null : stored(found.user),
    peer: {
      secure: from?.secure ?? false,
      certificate: from?.certificate === undefined ? null : base64(from.certificate),
      fingerprint: from?.fingerprint ?? null,
    },
  };
}

/** The trip with the evidence of its session's origin. */
export function withOrigin(trip: Delivery, origin: Origin): Delivery {
  const certificate = octets(origin.peer.certificate);
  const from = trip.with(peer, {
    secure: origin.peer.secure,
    ...(certificate === undefined ? {} : { certificate }),
    ...(origin.peer.fingerprint === null ? {} : { fingerprint: origin.peer.fingerprint }),
  });
  if (origin.signer === null && origin.user === null) return from;
  return from.with(evidence, {
    signer: origin.signer === null ? undefined : restored(origin.signer),
    signers: origin.signer === null ? [] : [restored(origin.signer)],
    user: origin.user === null ? undefined : restored(origin.user),
    signed: new Set<Part>(),
    encrypted: new Set<Part>(),
    algorithms: [],
    created: undefined,
    expires: undefined,
  });
}

function stored({ kind, identity, name, certificate }: Signer): StoredSigner {
  return { kind, identity, name, certificate: certificate === undefined ? null : base64(certificate) };
}

function restored({ kind, identity, name, certificate }: StoredSigner): Signer {
  const der = octets(certificate);
  return { kind, identity, name, ...(der === undefined ? {} : { certificate: der }) };
}

function octets(text: string | null): Uint8Array | undefined {
  return text === null ? undefined : fromBase64(text);
}
