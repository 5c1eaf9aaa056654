/**
 * The bottom of a duplex channel: what every transport does with a message that came in. It goes up; what comes back is sent
 * as a message of its own; what was thrown becomes a fault that tells nothing; and a fault is never answered with a fault,
 * or two ends that do not understand one another would talk for ever.
 */
import { asError } from '../base/errors.ts';
import { never } from '../base/signals.ts';
import { faultFor, faultOf, faultReply } from '../soap/fault.ts';
import type { Message } from '../soap/message.ts';
import type { Carry, Delivery } from './delivery.ts';
import type { Life } from './life.ts';

export interface DuplexBottom {
  readonly life: Life;
  readonly receive: Carry;
  /** Puts a message on its way. */
  readonly write: (message: Message) => Promise<void>;
  /** Hears why something could not be answered. */
  readonly failed: (error: Error, message: Message) => void;
}

/** Takes one message up and sends what comes back. Never rejects. */
export async function arrive(trip: Delivery, { life, receive, write, failed }: DuplexBottom): Promise<void> {
  const { message } = trip;
  try {
    await life.run(never, async (signal) => {
      const answer = await answered(message, () => receive(trip.under(signal)), failed);
      if (answer === undefined || (faultOf(message) !== undefined && faultOf(answer) !== undefined)) return;
      try {
        await write(answer);
      } catch (thrown) {
        // Whoever waits for an answer that cannot be sent is told so, if that can.
        failed(asError(thrown), message);
        if (faultOf(answer) === undefined) await write(faultReply(message, faultFor(undefined)));
      }
    });
  } catch (thrown) {
    failed(asError(thrown), message);
  }
}

async function answered(
  message: Message,
  up: () => ReturnType<Carry>,
  failed: DuplexBottom['failed'],
): Promise<Message | undefined> {
  try {
    return (await up())?.message;
  } catch (thrown) {
    failed(asError(thrown), message);
    return faultReply(message, faultFor(thrown));
  }
}
