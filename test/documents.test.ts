/** What the pages say is what the source says. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { attackRows } from '../docs/attack-rows.ts';
import { attacksPage, attackTests } from '../docs/attacks.ts';
import { bindingsPage } from '../docs/bindings.ts';
import { errorCodes, errorsPage } from '../docs/errors.ts';
import { verifyPage } from '../docs/verify.ts';
import { largestForeignFile } from '../src/audit/import/source.ts';
import { mostBodies, mostSequences } from '../src/audit/receipt/issuing.ts';
import { longestReceipt, mostNumbers } from '../src/audit/receipt/receipt.ts';
import { largestTimestamp } from '../src/audit/receipt/timestamp.ts';
import { recorderSettings } from '../src/audit/transcript/options.ts';
import { longestLine } from '../src/audit/transcript/parts.ts';
import { mostFindings } from '../src/audit/verify/findings.ts';
import { remembered } from '../src/audit/verify/view.ts';
import { makeConnectionSettings } from '../src/connection/settings.ts';
import { contextLimits } from '../src/conversation/contexts.ts';
import { documentLimits } from '../src/metadata/documents.ts';
import { mostAlternatives } from '../src/metadata/effective.ts';
import { settingsOf } from '../src/reliable/settings.ts';
import { mostRefusals } from '../src/security/allowance.ts';
import { ocspLimit } from '../src/security/ocsp.ts';
import { pkcs12Limits } from '../src/security/pkcs12.ts';
import { defaultFreshness } from '../src/security/timestamp.ts';
import { pathTokenLimits } from '../src/security/tokens/certificate-paths.ts';
import { tokenTimes } from '../src/security/tokens/claims.ts';
import { jwtLimits } from '../src/security/tokens/jwt.ts';
import { samlLimits } from '../src/security/tokens/saml.ts';
import { usernameKeyLimits } from '../src/security/tokens/username-key.ts';
import { throttleOf } from '../src/service/throttle.ts';
import { listenerSettings } from '../src/transport/http/settings.ts';
import { maxFragments, webSocketSettings } from '../src/transport/websocket/settings.ts';
import { trustLimits } from '../src/trust/limits.ts';
import { xmlLimits } from '../src/xml/limits.ts';

const root = resolve(import.meta.dirname, '..');
const read = (name: string): string => readFileSync(resolve(root, name), 'utf8');

describe('docs/ERRORS.md', () => {
  test('lists every code of every room (run `npm run docs` after a change)', () => {
    expect(read('docs/ERRORS.md')).toBe(errorsPage());
  });

  test('has every code that the source throws', () => {
    const listed = new Set(errorCodes().map(({ code }) => code));
    const thrown = readdirSync(resolve(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .flatMap((name) => [...read(`src/${name}`).matchAll(/new [A-Z]\w*Error\(\s*'([A-Z0-9]+_[A-Z0-9_]+)'/g)])
      .map(([, code = '']) => code);
    expect(thrown.length).toBeGreaterThan(100);
    expect([...new Set(thrown)].filter((code) => !listed.has(code))).toEqual([]);
  });

  test('every code says when it is thrown', () => {
    expect(errorCodes().filter((code) => code.meaning === '')).toEqual([]);
  });

  test('no code stands twice', () => {
    const codes = errorCodes().map((code) => code.code);
    expect(codes.filter((code, at) => codes.indexOf(code) !== at)).toEqual([]);
  });
});

describe('docs/VERIFY.md', () => {
  test('lists every finding (run `npm run docs` after a change)', () => {
    expect(read('docs/VERIFY.md')).toBe(verifyPage());
  });
});

describe('docs/ATTACKS.md', () => {
  const tests = attackTests();
  const ids = attackRows.map(({ id }) => id);
  const facts = resolve(root, '../shared/facts/attacks.md');

  test('is made of the rows and of the titles of the tests (run `npm run docs` after a change)', () => {
    expect(read('docs/ATTACKS.md')).toBe(attacksPage());
  });

  test('has every id of the catalogue once', () => {
    const counts = { X: 25, C: 9, K: 19, E: 15, R: 12, M: 32, A: 11, P: 13, D: 21 };
    const all = Object.entries(counts).flatMap(([letter, count]) =>
      Array.from({ length: count }, (_, at) => `${letter}${at + 1}`),
    );
    expect(ids).toEqual(all);
  });

  test.skipIf(!existsSync(facts))('the catalogue of ../shared/facts has no other ids', () => {
    const catalogue = readFileSync(facts, 'utf8').matchAll(/^\| ([XCKERMAPD]\d+) \|/gm);
    expect([...catalogue].map(([, id]) => id)).toEqual(ids);
  });

  test('every attack has a test whose title begins with its id', () => {
    const tested = new Set(tests.flatMap((one) => one.ids));
    expect(ids.filter((id) => !tested.has(id))).toEqual([]);
    expect([...tested].filter((id) => !ids.includes(id))).toEqual([]);
  });

  test('what is said to be tried on messages of peers is, and the rest says why not', () => {
    const ofPeers = new Set(tests.filter(({ isOfPeers }) => isOfPeers).flatMap((one) => one.ids));
    for (const { id, whose } of attackRows) {
      if (typeof whose === 'string') expect(ofPeers, id).toContain(id);
      else expect(whose.ours, id).toMatch(/^\S.{10,}$/);
    }
  });

  test('every code that a row names is one', () => {
    const codes = new Set(errorCodes().map(({ code }) => code));
    const named = attackRows.flatMap(({ does }) =>
      [...does.matchAll(/`([A-Z0-9]+_[A-Z0-9_]+)`/g)].map(([, code]) => code),
    );
    expect(named.length).toBeGreaterThan(100);
    expect(named.filter((code) => code === undefined || !codes.has(code))).toEqual([]);
  });
});

test('docs/BINDINGS.md is that of the rows (run `npm run docs` after a change)', () => {
  expect(read('docs/BINDINGS.md')).toBe(bindingsPage());
});

describe('docs/CHECKLIST.md', () => {
  const rows = read('docs/CHECKLIST.md')
    .split('\n')
    .filter((line) => line.startsWith('| '));
  const named = rows.flatMap((row) => {
    const cell = row.slice(0, -2).split(' | ').at(-1) ?? '';
    return cell.split(/; (?=`test\/)/).flatMap((one) => {
      const [, file = '', title = ''] = /^`(test\/[\w./-]+)` (.+)$/.exec(one) ?? [];
      return file === '' ? [] : [[file, title] as const];
    });
  });

  test('names tests in every row but the heads', () => {
    expect(
      rows.filter((row) => !row.includes('`test/') && !/^\| (?:\||[a-z ]+ \|).* tests \|$|^\| \| tests \|$/.test(row)),
    ).toEqual([]);
    expect(named.length).toBeGreaterThan(100);
    // A file without a title would be looked at by nobody.
    expect(rows.join('\n').match(/`test\//g)?.length).toBe(named.length);
  });

  test.each(named)('%s has: %s', (file, title) => {
    const text = read(file);
    const quoted = [`'${title}'`, `\`${title}\``, `"${title}"`, `'${title.replaceAll("'", "\\'")}'`];
    // Of a table of cases the name of one is a title too; helpers stand bare.
    expect(quoted.some((one) => text.includes(one)) || (/^\w+$/.test(title) && text.includes(`${title}(`))).toBe(true);
  });
});

describe('docs/DEPENDENCIES.md', () => {
  test('names every dependency of package.json', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json')) as {
      dependencies: Record<string, string>;
      devDependencies: Record<string, string>;
    };
    const page = read('docs/DEPENDENCIES.md');
    const missing = [...Object.keys(dependencies), ...Object.keys(devDependencies)].filter(
      (name) => !name.startsWith('@types/') && !page.includes(`\`${name}\``),
    );
    expect(missing).toEqual([]);
  });
});

describe('SECURITY.md', () => {
  const rows = [...read('SECURITY.md').matchAll(/^\| (\w+) \| `?([^|`]+?)`? \| ([\d, ]+) \|/gm)].map(
    ([, room = '', limit = '', value = '']) => ({ room, limit, value: Number(value) }),
  );
  const rooms: ReadonlyMap<string, ReadonlyMap<string, unknown>> = new Map([
    ['xml', new Map(Object.entries(xmlLimits))],
    [
      'transport',
      new Map<string, unknown>(Object.entries({ ...webSocketSettings({}), maxFragments, ...listenerSettings({}) })),
    ],
    ['connection', new Map<string, unknown>(Object.entries(makeConnectionSettings({})))],
    ['reliable', new Map<string, unknown>(Object.entries(settingsOf({})))],
    ['conversation', new Map<string, unknown>(Object.entries(contextLimits))],
    ['trust', new Map<string, unknown>(Object.entries(trustLimits))],
    ['service', new Map<string, unknown>(Object.entries(throttleOf({})))],
    ['metadata', new Map<string, unknown>([...Object.entries(documentLimits), ['alternatives', mostAlternatives]])],
    [
      'audit',
      new Map<string, unknown>([
        ...Object.entries(recorderSettings({ file: '' })),
        ['a line of a transcript', longestLine],
        ['a foreign file', largestForeignFile],
        ['findings that are listed', mostFindings],
        ['numbers of one receipt', mostNumbers],
        ['characters of a receipt', longestReceipt],
        ['sequences that get receipts', mostSequences],
        ['bodies remembered for receipts', mostBodies],
        ['time stamp', largestTimestamp],
        ['exchanges that are remembered', remembered.exchanges],
        ['identifiers of messages that are remembered', remembered.messages],
      ]),
    ],
    [
      'security',
      new Map([
        ['lifetime of a message', defaultFreshness.lifetime],
        ['clock skew', defaultFreshness.skew],
        ['confirmations of an assertion', samlLimits.confirmations],
        ['attributes of an assertion', samlLimits.attributes],
        ['values of an assertion', samlLimits.values],
        ['audiences of an assertion', samlLimits.audiences],
        ['certificates of a KeyInfo', samlLimits.certificates],
        ['life of an assertion or JSON Web Token', tokenTimes.lifetime],
        ['JSON Web Token', jwtLimits.octets],
        ['claims of a JSON Web Token', jwtLimits.claims],
        ['certificates of a path token', pathTokenLimits.certificates],
        ['path token', pathTokenLimits.octets],
        ["rounds of a password's key", usernameKeyLimits.mostRounds],
        ['OCSP response', ocspLimit],
        ['refusals that the client of a duplex channel says in a minute', mostRefusals],
        ['PKCS#12 file', pkcs12Limits.octets],
      ]),
    ],
  ]);

  test.each(
    rows.filter(({ room, limit }) => !['security', 'stores', 'soap'].includes(room) || rooms.get(room)?.has(limit)),
  )('the limit $limit of $room is the default of the source', ({ room, limit, value }) => {
    expect(rooms.get(room)?.get(limit)).toBe(value);
  });

  test('names every limit of the scanner', () => {
    const named = rows.filter(({ room }) => room === 'xml').map(({ limit }) => limit);
    expect(named.sort()).toEqual(Object.keys(xmlLimits).sort());
  });
});

describe('the lockfile', () => {
  test('holds no registry address', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved": "http/);
  });
});

describe('README.md', () => {
  test('every npm script it names exists', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...read('README.md').matchAll(/npm run (?:-s )?([a-z:]+)/g)].map((match) => match[1] ?? '');
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });

  test('its program is examples/00-readme.ts, which the examples test runs', () => {
    const [, program] = /```ts\n([\s\S]*?)```/.exec(read('README.md')) ?? [];
    expect(program?.replaceAll("'surewire'", "'../src/index.ts'")).toBe(read('examples/00-readme.ts'));
  });

  test('every file it links to exists', () => {
    const links = [...read('README.md').matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(
      (match) => match[1] ?? '',
    );
    for (const link of links) expect(() => readFileSync(resolve(root, link)), link).not.toThrow(/ENOENT/);
  });
});
