/** What the operator of a running command is told of what goes on: refusals, lost connections, sessions. Each thing once. */
import type { DiagnosticEvent } from '../base/diagnostics.ts';
import { SurewireError } from '../base/errors.ts';
import { hear, type Room } from './wire.ts';

/** Remarks different from each other that are made before the rest is passed over. */
const MOST = 1_000;

/** Starts telling; the value stops it. */
export function narrate(remark: (text: string) => void): () => void {
  const made = new Set<string>();
  return hear((room, event) => {
    const text = sentence(room, event);
    if (text === undefined || made.has(text) || made.size >= MOST) return;
    made.add(text);
    remark(text);
  });
}

function sentence(room: Room, event: DiagnosticEvent): string | undefined {
  const { error, code, message, session, holder, reason: why } = event;
  const reason = error instanceof SurewireError ? `${error.code}: ${error.message}` : undefined;
  switch (`${room} ${event.event}`) {
    case 'transport request.failed':
      return reason === undefined ? undefined : `no answer, trying again (${reason})`;
    case 'transport handshake.refused':
      return error instanceof Error ? `refused a TLS connection (${error.message})` : undefined;
    case 'security message.refused':
    case 'security reply.refused':
      return `refused a message (${code}: ${message})`;
    case 'service operation.failed':
      return error instanceof Error ? `a delivery failed (${error.message})` : undefined;
    case 'reliable handler.failed':
    case 'reliable store.failed':
      return `a message of session ${session} failed (${why})`;
    case 'reliable session.resumed':
      return `session ${session} goes on`;
    case 'reliable session.suspended':
      return `session ${session} stands still and is kept (${code})`;
    case 'reliable sequence.created':
      return `session ${session} begins`;
    case 'reliable sequence.terminated':
      return session === '' ? undefined : `session ${session} ended: ${why}`;
    case 'stores store.awaited':
      return `standing by: the store is held by ${holder}`;
    case 'stores connection.lost':
      return `the database of the store is away (${why})`;
    case 'stores connection.made':
      return 'the database of the store is there again';
    default:
      return undefined;
  }
}
