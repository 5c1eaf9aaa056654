/** Ctrl-C: the first asks for an end in good order, the second ends at once; and nothing else ends a command early. */
import { CliError, exitCodes } from './errors.ts';

export interface Interruption {
  /** Fires with CliError `CLI_INTERRUPTED`. */
  readonly signal: AbortSignal;
  /** Stops listening, so that the process can end. */
  end(): void;
}

const asks = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export function interruption(): Interruption {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    controller.abort(new CliError('CLI_INTERRUPTED', 'Interrupted.'));
  };
  for (const name of asks) process.on(name, onSignal);
  // The library's timers let a process end; a command that waits for one must not.
  const awake = setInterval(() => undefined, 60_000);
  return {
    signal: controller.signal,
    end: () => {
      clearInterval(awake);
      for (const name of asks) process.off(name, onSignal);
    },
  };
}
