/** What can go wrong on the command line, and the exit code of every failure of every room. */
import { SurewireError } from '../base/errors.ts';

export type CliErrorCode =
  /** A command line that does not make sense. */
  | 'CLI_USAGE'
  /** A file that cannot be read. */
  | 'CLI_FILE'
  /** A file to send that is not a well-formed XML document, or cannot stand in a SOAP body. */
  | 'CLI_DOCUMENT'
  /** A folder for delivered messages that cannot be written. */
  | 'CLI_FOLDER'
  /** No certificate was named and there are no development certificates. */
  | 'CLI_NO_CERTIFICATE'
  /** The store holds an unfinished transfer of other files, or to another address. */
  | 'CLI_STORE_TAKEN'
  /** The transfer ended before everything was acknowledged. */
  | 'CLI_INCOMPLETE'
  /** `surewire doctor` found something that is wrong. */
  | 'CLI_ILL'
  /** Ctrl-C, or another request to end. */
  | 'CLI_INTERRUPTED'
  /** A defect: something that nobody foresaw. */
  | 'CLI_UNEXPECTED';

export class CliError extends SurewireError<CliErrorCode> {}

/** What a shell script may switch on; `surewire --help` lists them. */
export const exitCodes: Readonly<
  Record<'done' | 'failed' | 'input' | 'identity' | 'network' | 'storage' | 'interrupted', number>
> = Object.freeze({
  done: 0,
  failed: 1,
  input: 2,
  identity: 3,
  network: 4,
  storage: 5,
  interrupted: 130,
});

/** The first row whose pattern matches the whole code wins. */
const rows: readonly (readonly [codes: RegExp, exit: number])[] = [
  [/CLI_INTERRUPTED/, exitCodes.interrupted],
  [
    /CLI_(USAGE|FILE|DOCUMENT)|AUDIT_OPTIONS|TRANSPORT_ADDRESS|XML_.*|BINDING_.*|METADATA_.*|CERTIFICATES_(DAYS|HOST|SETTING|CONFIGURATION)_.*/,
    exitCodes.input,
  ],
  [/CLI_NO_CERTIFICATE|AUDIT_KEY|SECURITY_.*|TRANSPORT_(KEY|TLS.*)|CERTIFICATES_.*/, exitCodes.identity],
  [/TRANSPORT_.*/, exitCodes.network],
  [/CLI_(FOLDER|STORE_TAKEN)|AUDIT_.*|STORE_.*/, exitCodes.storage],
];

function exitCodeOf(code: string): number {
  return rows.find(([codes]) => new RegExp(`^(${codes.source})$`).test(code))?.[1] ?? exitCodes.failed;
}

/** What the command line can do about a failure of a room below, which knows no options. */
const hints: ReadonlyMap<string, string> = new Map([
  ['TRANSPORT_UNREACHABLE', 'Is `surewire serve` running there?'],
  ['TRANSPORT_PORT_BUSY', 'Name another with --port, or --port 0 for any free one.'],
  ['TRANSPORT_TLS_UNTRUSTED', 'Name the authority that issued it with --ca FILE.'],
  ['TRANSPORT_TLS_CLIENT_CERTIFICATE', 'Name one with --cert and --key, or --pfx.'],
  ['SECURITY_CERTIFICATE_UNTRUSTED', 'On this command line anchors are named with --ca FILE.'],
  ['STORE_LOCKED', 'Each `surewire` process needs a --store of its own; --wait stands by for one in PostgreSQL.'],
  ['STORE_LOST', 'Run the same command again, with --wait, to stand by for it.'],
]);

/** One failure as the user sees it. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly exitCode: number;
}

/** Turns whatever was thrown into what the user sees. */
export function failureOf(thrown: unknown): Failure {
  const known = surewireErrorIn(thrown);
  if (known === undefined) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    const advice = 'This was not foreseen; run again with --verbose and report what it prints.';
    const code: CliErrorCode = 'CLI_UNEXPECTED';
    return { code, message: `${message.replace(/\.?$/, '.')} ${advice}`, exitCode: exitCodes.failed };
  }
  const hint = hints.get(known.code);
  const message = hint === undefined ? known.message : `${known.message} ${hint}`;
  return { code: known.code, message, exitCode: exitCodeOf(known.code) };
}

/**
 * The innermost error of a cause chain says most: a session that gave up says that it did, its cause says why. An error of
 * the command line itself was worded for the user and is taken as it is. What an unsecured fault says is proven by nobody, so
 * the error that says so stands for it.
 */
function surewireErrorIn(thrown: unknown): SurewireError | undefined {
  let found: SurewireError | undefined;
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (error instanceof CliError) return error;
    if (error instanceof SurewireError) found = error;
    if (found?.code === 'SECURITY_UNSECURED_FAULT') return found;
  }
  return found;
}
