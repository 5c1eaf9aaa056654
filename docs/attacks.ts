/** Writes docs/ATTACKS.md from the rows of docs/attack-rows.ts and the titles of the tests: `npm run docs`. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type AttackRow, attackRows, type Whose } from './attack-rows.ts';

const root = resolve(import.meta.dirname, '..');

interface AttackTest {
  /** Below the folder of the tests. */
  readonly file: string;
  readonly title: string;
  readonly ids: readonly string[];
  /** Whether its file attacks messages of peers. */
  readonly isOfPeers: boolean;
}

const titled =
  /(?<!describe\()(?<!describe\.each\([^)]*\)\()(?<=[([]\s*)(['"`])((?:[XCKERMAPD]\d{1,2}(?:, )?)+) ((?:(?!\1)[^\\\n]|\\.)*)\1/g;

/** Every test whose title begins with ids of attacks. */
export function attackTests(): readonly AttackTest[] {
  const files = readdirSync(resolve(root, 'test'), { recursive: true, encoding: 'utf8' })
    // What a service does has ids of its own: those of the documentation of WCF.
    .filter((name) => name.endsWith('.test.ts') && !name.startsWith('service/'))
    .sort();
  return files.flatMap((file) => {
    const text = readFileSync(resolve(root, 'test', file), 'utf8');
    const isOfPeers = /from '\.\/peer-(stage|sessions)\.ts'/.test(text);
    return [...text.matchAll(titled)].map(([, , ids = '', rest = '']) => ({
      file,
      title: `${ids} ${rest}`.replaceAll('\\', ''),
      ids: ids.split(', '),
      isOfPeers,
    }));
  });
}

const sections: readonly (readonly [letter: string, name: string])[] = [
  ['X', 'Signature wrapping'],
  ['C', 'Canonicalization'],
  ['K', 'Keys, algorithms, certificates'],
  ['E', 'Encryption'],
  ['R', 'Freshness'],
  ['M', 'Reliable messaging'],
  ['A', 'Addressing and the envelope'],
  ['P', 'Policy and trust'],
  ['D', 'Parser and resources'],
];

const messagesOf = (whose: Whose): string =>
  typeof whose === 'string' ? groups[whose] : `our own only: ${whose.ours}`;

const groups: Readonly<Record<Extract<Whose, string>, string>> = {
  signed: 'CXF, Metro, WSS4J',
  sessions: 'CXF, Metro',
  'peers themselves': 'CXF, Metro, signed again',
  reliable: 'gSOAP, CXF, Metro',
  answers: 'answers of gSOAP, CXF, Metro',
};

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

function where(id: string, tests: readonly AttackTest[]): string {
  const mine = Map.groupBy(
    tests.filter(({ ids }) => ids.includes(id)),
    ({ file }) => file,
  );
  return [...mine]
    .map(([file, all]) => `\`${file}\`: ${[...new Set(all.map(({ title }) => `“${cell(title)}”`))].join(', ')}`)
    .join('; ');
}

export function attacksPage(): string {
  const tests = attackTests();
  const table = (letter: string): readonly string[] =>
    attackRows
      .filter(({ id }) => id.startsWith(letter))
      .map(
        ({ id, attack, does, whose }: AttackRow) =>
          `| ${id} | ${cell(attack)} | ${cell(does)} | ${messagesOf(whose)} | ${where(id, tests)} |`,
      );
  const lines = sections.flatMap(([letter, name]) => [
    `## ${letter}: ${name}`,
    '',
    '| id | attack | what surewire does | messages of | tests |',
    '|---|---|---|---|---|',
    ...table(letter),
    '',
  ]);
  return `${introduction.trim()}\n\n${lines.join('\n').trimEnd()}\n`;
}

const introduction = `
# Attacks, and the tests that show what comes of them

Written by \`npm run docs\` from \`docs/attack-rows.ts\` and from the titles of the tests: a test that is renamed or taken away changes this
page, and \`test/documents.test.ts\` fails where an attack has no test whose title begins with its id, or where a row says that messages of
peers are attacked and no test of that id does so. Paths are below \`test/\`.

**Whose messages.** The messages are those that CXF, Metro and gSOAP sent in the recordings of \`test/vectors/captures\` (their keys beside
them, so that they can be read), and those that WSS4J signed in \`test/fuzz/corpus/signed-by-wss4j\`. \`test/attacks/peer-stage.ts\` replays a
recording from its CreateSequence on to a service of ours under the policy that the peer was told to use, and shows of each attack: nothing
is heard, nothing of the session has moved, the wire says the one fault, at home the code is the expected one, and then **the message of the
peer is taken as it was sent**, so that the test can fail and the attack has used nothing up. “Signed again” is what the peer itself could do:
the recordings hold the secret of its security context, and the changed message is signed with the key derived of it
(\`test/attacks/peer-pen.ts\`). \`test/attacks/peer-sessions.ts\` lets a peer that was proven, or somebody else who was, say something else to
the session. Attacks on our own messages stand beside them; where there are only those, the row says why.

**One file for each section,** not for each attack: every file starts a worker and loads the toolkit anew, and some hundred and sixty of
them would cost the plain run minutes. An attack with a stage of its own has a file of its own.

Codes are those of [ERRORS.md](ERRORS.md); limits are those of [SECURITY.md](../SECURITY.md).
`;

if (import.meta.main) writeFileSync(resolve(import.meta.dirname, 'ATTACKS.md'), attacksPage());
