/** A service that is handed octets, as fuzzers ask it: what its application got, or why it got nothing. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { AsnError } from 'pkijs';
import { VirtualClock } from '../../src/base/clock.ts';
import { SurewireError } from '../../src/base/errors.ts';
import { evidence } from '../../src/security/evidence.ts';
import type { SecurityPolicy } from '../../src/security/protection.ts';
import { acceptor, read, start } from '../security/rig.ts';

/** Hands octets to a service; what its application got, in one text, or the code for which it got nothing. */
export async function hand(
  policy: SecurityPolicy,
  octets: Uint8Array,
  at: number = start,
): Promise<{ readonly said: string; readonly delivered?: string; readonly internal?: unknown }> {
  const end = acceptor(policy, { clock: new VirtualClock(at) });
  let said = 'SILENCE';
  let internal: unknown;
  const listen = (event: unknown): void => {
    const { code, cause } = event as { readonly code?: string; readonly cause?: unknown };
    if (code === undefined) return;
    said = code;
    if (code === 'SECURITY_INTERNAL' || (cause instanceof Error && !known(cause))) internal = cause ?? code;
  };
  subscribe('surewire:security', listen);
  try {
    read(octets);
    await end.receive(Buffer.from(octets));
  } catch (thrown) {
    if (!(thrown instanceof SurewireError)) throw thrown;
    return { said: thrown.code };
  } finally {
    unsubscribe('surewire:security', listen);
  }
  const [delivery] = end.heard;
  if (delivery === undefined) return { said, ...(internal === undefined ? {} : { internal }) };
  const { message } = delivery;
  const proof = delivery.get(evidence);
  const signer = proof?.signer?.identity.replace('x509:', '') ?? 'nobody';
  const headers = message.headers.map((block) => block.fragment.toString()).sort();
  return { said: 'accepted', delivered: [signer, message.action, ...headers, message.body.toString()].join('\n') };
}

/** Errors that come from below in an orderly way: ours, and what OpenSSL and PKI.js say of octets that they cannot read. */
function known(cause: Error): boolean {
  return (
    cause instanceof SurewireError ||
    cause instanceof AsnError ||
    'opensslErrorStack' in cause ||
    /^ERR_OSSL|^ERR_CRYPTO/.test(String((cause as { code?: unknown }).code))
  );
}
