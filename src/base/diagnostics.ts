/**
 * The library never logs: it publishes on `node:diagnostics_channel` under `surewire:<room>`, and whoever wants to see
 * (the CLI, OpenTelemetry, a test) subscribes. Nothing is built when nobody listens.
 */
import { channel } from 'node:diagnostics_channel';

/** What every event carries besides its own fields. Never a key, a password or a plaintext. */
export interface DiagnosticEvent {
  /** What happened, as `noun.verb`, e.g. `sequence.created`. */
  readonly event: string;
  readonly [detail: string]: unknown;
}

export type Publish<Event extends DiagnosticEvent = DiagnosticEvent> = (make: () => Event) => void;

/** The publisher of one room; `make` is called only when somebody listens. */
export function diagnostics<Event extends DiagnosticEvent = DiagnosticEvent>(room: string): Publish<Event> {
  const topic = channel(`surewire:${room}`);
  return (make) => {
    if (topic.hasSubscribers) topic.publish(make());
  };
}
