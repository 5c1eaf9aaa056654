/** `surewire inspect store`: the sessions that a store keeps, and how many messages of each. */
import type { Command } from 'commander';
import type { Ground } from '../../ground.ts';
import { type CommonOptions, withCommonOptions, withExamples } from '../../options.ts';
import { table } from '../../output.ts';
import { readStore } from '../../store.ts';

export function inspectStoreCommand(inspect: Command, ground: Ground): void {
  const command = inspect
    .command('store')
    .summary('a session store')
    .description(
      'Lists the sessions of a store. Nothing is written. Nobody else may have a file open meanwhile; a store in PostgreSQL is read beside whoever has it.',
    )
    .argument('<store>', 'what --store named: a file, or postgres://user@host/database#name')
    .action((file: string, options: CommonOptions) => inspectStore(file, options, ground));
  withExamples(withCommonOptions(command), [
    ['surewire inspect store transfer.db', 'What is unfinished, and how far it is'],
  ]);
}

async function inspectStore(file: string, options: CommonOptions, ground: Ground): Promise<void> {
  const said = ground.output(options);
  const store = await readStore(file);
  try {
    const sessions = await store.sessions();
    for (const { session, state } of sessions) {
      const count = { in: 0, out: 0 };
      let octets = 0;
      for await (const message of store.messages(session)) {
        count[message.direction] += 1;
        octets += message.octets.length;
      }
      const facts = simple(state);
      said.record({ session, sent: count.out, received: count.in, octets, ...facts });
      said.line(session);
      said.line(
        table([
          ...Object.entries(facts).map(([name, value]) => [name, String(value)] as const),
          ['messages kept', `${count.out} out, ${count.in} in, ${octets} octets`],
        ]),
      );
      said.line();
    }
    said.line(`${sessions.length} sessions`);
  } finally {
    await store.close();
  }
}

/** The members of a state that are one value each; the others are the session's own business. */
function simple(state: unknown): Readonly<Record<string, string | number | boolean>> {
  const plain = (value: unknown): value is string | number | boolean =>
    ['string', 'number', 'boolean'].includes(typeof value);
  if (typeof state !== 'object' || state === null) return {};
  return Object.fromEntries(
    Object.entries(state).filter((entry): entry is [string, string | number | boolean] => plain(entry[1])),
  );
}
