/**
 * The explorer's findings: nothing is accepted, handed up or finished twice, messages come in order where asked,
 * acknowledgements only grow and are true and durable, and from every state a healed network ends the session well.
 *
 * `npm run explore` goes through the whole of 3 messages, 2 losses, 1 duplicate and 1 crash at once.
 */
import { describe, expect, test } from 'vitest';
import { reliableVersions } from '../../src/reliable/versions/table.ts';
import { explore } from './explorer.ts';
import { nameOf, sizes } from './explorer-sizes.ts';

/** `small` for the mutants. */
const { SUREWIRE_EXPLORER = 'plain' } = process.env;
const wanted = sizes.get(SUREWIRE_EXPLORER) ?? [];

const shapes = reliableVersions.flatMap((version) => [true, false].map((ordered) => ({ version, ordered })));

describe.each(shapes)('WS-RM $version.name, one-way, ordered: $ordered: every schedule', ({ version, ordered }) => {
  test.each(wanted.map((size) => ({ name: nameOf(size), size })))(
    '$name',
    ({ name, size }) => {
      const { states, steps, broken } = explore({
        version,
        ordered,
        ...size,
      });
      const count = `${states.toLocaleString('en')} states, ${steps.toLocaleString('en')} steps`;
      console.info(`explorer: WS-RM ${version.name}, ${ordered ? 'ordered' : 'unordered'}, ${name}: ${count}`);
      expect(broken).toBeUndefined();
      expect(states).toBeGreaterThan(100);
    },
    120_000,
  );
});
