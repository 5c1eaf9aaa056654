/** The commands put together; and the one place where what went wrong becomes a sentence and an exit code. */
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { Command, CommanderError } from 'commander';
import { CliError, failureOf } from './errors.ts';
import type { Ground } from './ground.ts';
import { type Interruption, interruption } from './interruption.ts';
import { output, type Streams } from './output.ts';

/** Where the program runs: this process, except in tests. */
export interface World {
  readonly streams: Streams;
  /** Begins to listen for requests to end. */
  interruption(): Interruption;
}

/** The commands, in the order of the help. Each is loaded when it is named: what the others need takes its time. */
const commands: Readonly<Record<string, () => Promise<(program: Command, ground: Ground) => void>>> = {
  certs: async () => (await import('./commands/certs.ts')).certsCommand,
  serve: async () => (await import('./commands/serve.ts')).serveCommand,
  send: async () => (await import('./commands/send.ts')).sendCommand,
  verify: async () => (await import('./commands/verify.ts')).verifyCommand,
  report: async () => (await import('./commands/report.ts')).reportCommand,
  demo: async () => (await import('./commands/demo.ts')).demoCommand,
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand,
  inspect: async () => (await import('./commands/inspect.ts')).inspectCommand,
};

const thisProcess: World = { streams: { out: process.stdout, err: process.stderr }, interruption };

const about =
  'Secure reliable sessions: documents travel exactly once and in order, signed, over HTTPS ' +
  '(WS-ReliableMessaging above WS-Security, wire-compatible with WCF, CXF, Metro and gSOAP).';

const after = `
Exit codes:
  0    done
  1    failed: not everything was acknowledged, or the other side refused
  2    the command line, a file or a document is wrong
  3    a certificate, key or signature cannot be used or is not trusted
  4    the network or the other machine failed
  5    a store or folder cannot be used
  130  interrupted
  (of verify: 0 sound, 1 unsound, 2 something could not be checked)

Examples:
  # See it work: 200 signed documents through a network that loses and repeats them
  $ surewire demo

  # Two terminals: receive in one, send from the other
  $ surewire certs
  $ surewire serve --to ./inbox
  $ surewire send https://127.0.0.1:8443/drop order-*.xml`;

/**
 * Runs one command line.
 *
 * @param args without the names of the interpreter and of the script
 * @returns the exit code
 */
export async function run(args: readonly string[], world: World = thisProcess): Promise<number> {
  const interrupted = world.interruption();
  const program = new Command('surewire')
    .description(about)
    .version(version(), '--version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .showSuggestionAfterError()
    .configureOutput({
      outputError: () => undefined,
      writeOut: (text) => world.streams.out.write(text),
      writeErr: (text) => world.streams.err.write(text),
    })
    .exitOverride()
    .addHelpText('after', after);
  let verdict = 0;
  const ground: Ground = {
    exit: (code) => {
      verdict = code;
    },
    signal: interrupted.signal,
    output: (options) => output(options.json === true, world.streams),
  };
  try {
    const [first] = args;
    // Help, and what is not a command, is answered with all of them.
    for (const name of isCommand(first) ? [first] : Object.keys(commands))
      (await commands[name]?.())?.(program, ground);
    await program.parseAsync([...args], { from: 'user' });
    return verdict;
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0;
    return report(thrown instanceof CommanderError ? usage(thrown, args) : thrown, args, world.streams);
  } finally {
    interrupted.end();
  }
}

function isCommand(name: string | undefined): name is string {
  return name !== undefined && Object.hasOwn(commands, name);
}

function report(thrown: unknown, args: readonly string[], streams: Streams): number {
  const { code, message, exitCode } = failureOf(thrown);
  const said = output(args.includes('--json'), streams);
  said.record({ error: { code, message } });
  said.remark(`surewire: ${message}\n          code ${code}`);
  const { SUREWIRE_DEBUG = '' } = process.env;
  if (args.includes('--verbose') || SUREWIRE_DEBUG !== '') streams.err.write(`${inspect(thrown)}\n`);
  return exitCode;
}

/** What commander has to say, in our words: one line, and where to read on. */
function usage(error: CommanderError, args: readonly string[]): CliError {
  if (error.code === 'commander.help') return new CliError('CLI_USAGE', 'Name a command; see `surewire --help`.');
  const [named] = args;
  const said = error.message
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')
    .replace(/[.]?$/, '');
  const help = isCommand(named) ? `surewire ${named} --help` : 'surewire --help';
  return new CliError('CLI_USAGE', `${said.charAt(0).toUpperCase()}${said.slice(1)}. See \`${help}\`.`);
}

function version(): string {
  const { version: found } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return found;
}
