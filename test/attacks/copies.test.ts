/**
 * A network repeats a request, and of the two the one that is verified second is refused as replayed: whichever that is, and whatever is
 * heard of it, everything is done once, what was begun is ended, and nothing is asked for ever. Row by row: every request of sessions and
 * contexts, under every way to secure it, over every shape (attacks R1, R11, M5).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { secureConversation } from '../../src/conversation/element.ts';
import type { ReliableSessionOptions } from '../../src/reliable/settings.ts';
import { reliableVersions } from '../../src/reliable/versions/table.ts';
import { reliable200502 } from '../../src/reliable/versions/v200502.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { security } from '../../src/security/element.ts';
import { type SecurityPolicy, usernameOverTransport } from '../../src/security/policy.ts';
import { mutualCertificate } from '../../src/security/presets/for-certificate.ts';
import { trustPeers } from '../../src/security/trust.ts';
import { type SharedReplayCache, sqliteReplayCache } from '../../src/stores/sqlite-replay.ts';
import { additions, named, passwords } from '../conversation/additions.ts';
import { type Shape, shapes } from '../conversation/duplex-rig.ts';
import { bootstraps, type Options } from '../conversation/rig.ts';
import { pki, policyOf } from '../security/rig.ts';
import { type Course, course, type Mishap, type Protection, type Setting, type Struck } from './copies-world.ts';

type Policies = Readonly<Record<'client' | 'service', () => Promise<SecurityPolicy>>>;

const plainly = (name: string, secure: boolean, policies: Policies): Protection => ({
  name,
  secure,
  make: async (side, common) => security(await policies[side](), common),
});

/** A security context that is asked for so, and that a password is added to. */
const context = (name: string, secure: boolean, policies: Policies, more: Options = {}): Protection => ({
  name: `a context, by ${name}`,
  secure,
  make: async (side, common) => {
    const isAmended = side === 'service' && more.sealing === undefined;
    const amendment = isAmended ? { amendment: usernameOverTransport({ passwords }) } : {};
    return secureConversation({ ...common, ...more, ...amendment, bootstrap: await policies[side]() });
  },
  ...(more.sealing === undefined && { added: async () => named('carol') }),
});

const signed = plainly('X.509 signatures', false, {
  client: async () => policyOf((await pki()).client, (await pki()).root),
  service: async () => policyOf((await pki()).service, (await pki()).root),
});
const mutual = plainly('mutual certificates', false, {
  client: async () => mutualCertificate({ key: (await pki()).client.key(), peer: (await pki()).service.certificate }),
  service: async () =>
    mutualCertificate({ key: (await pki()).service.key(), trust: trustPeers((await pki()).client.certificate) }),
});
const digest = plainly('the digest of a password with nonce and time, over TLS', true, {
  client: async () => named('carol', 'digest'),
  service: async () => usernameOverTransport({ passwords }),
});
const contexts = bootstraps.map(({ name, secure, client, service }) => context(name, secure, { client, service }));
const sealing = { sealing: [new Uint8Array(32).fill(7)] };
const sealed = bootstraps.map(({ name, secure, client, service }) =>
  context(`${name}, sealed into its token`, secure, { client, service }, sealing),
);
const tokens = additions
  .filter(({ name }) => /assertion|Token/.test(name))
  .map(({ name, client, service }) => context(`${name} over TLS`, true, { client, service }));

const folder = mkdtempSync(join(tmpdir(), 'surewire-copies-'));
const caches: SharedReplayCache[] = [];
afterAll(() => {
  for (const cache of caches) cache.close();
  rmSync(folder, { recursive: true });
});

function onDisk(): SharedReplayCache {
  const cache = sqliteReplayCache(join(folder, `${caches.length}.db`));
  caches.push(cache);
  return cache;
}

/** What goes out in each, and so is struck; the names end so. */
const ofSessions = {
  '200702': ['CreateSequence', 'urn:ask', 'urn:tell', 'AckRequested', 'CloseSequence', 'TerminateSequence'],
  '2005/02': ['CreateSequence', 'urn:ask', 'urn:tell', 'AckRequested', 'LastMessage', 'TerminateSequence'],
} as const;
const ofContexts = ['RST/SCT', 'RST/SCT/Renew', 'RST/SCT/Cancel'];

interface Row {
  readonly protection: Protection;
  readonly shape?: Shape | undefined;
  readonly version?: (typeof reliableVersions)[number] | undefined;
  readonly mishaps: readonly Mishap[];
  readonly replay?: 'SQLite';
}

const [webSocket, two, polling] = shapes;
const all: readonly Mishap[] = ['overtake', 'duplicate', 'race', 'forge'];
const found = (list: readonly Protection[], name: string): Protection => {
  const one = list.find((each) => each.name.includes(name));
  if (one === undefined) throw new Error(`There is no protection ${name}.`);
  return one;
};

const usual: readonly Row[] = [
  { protection: signed, version: reliable200702, mishaps: ['overtake', 'forge'] },
  { protection: digest, version: reliable200502, mishaps: ['overtake', 'race'], replay: 'SQLite' },
  { protection: found(contexts, 'user name over TLS'), version: reliable200702, mishaps: all },
  { protection: found(sealed, 'mutual'), version: reliable200502, mishaps: ['overtake', 'race'] },
  { protection: found(tokens, 'with a key'), version: reliable200702, mishaps: ['overtake'] },
  { protection: found(contexts, 'user name for certificate'), mishaps: ['overtake', 'race', 'forge'] },
  { protection: digest, shape: webSocket, version: reliable200702, mishaps: ['race'] },
  { protection: found(contexts, 'user name for certificate'), shape: two, version: reliable200502, mishaps: ['race'] },
  { protection: digest, shape: polling, version: reliable200702, mishaps: ['overtake'] },
];

/** Everything with everything else, which takes a quarter of an hour. */
function everything(): readonly Row[] {
  const protections = [signed, mutual, digest, ...contexts, ...sealed, ...tokens];
  return protections.flatMap((protection) =>
    [undefined, ...shapes].flatMap((shape) =>
      [undefined, ...reliableVersions]
        // A secret of each exchange secures nothing that is said unasked.
        .filter(() => protection !== mutual || shape === undefined || shape === polling)
        // Over two connections what TLS secures is not: nobody proves who calls the client.
        .filter(() => shape !== two || !protection.secure || !protection.name.startsWith('a context'))
        .filter((version) => version !== undefined || (shape === undefined && protection.name.startsWith('a context')))
        .map((version) => ({ protection, shape, version, mishaps: all })),
    ),
  );
}

const { SUREWIRE_COPIES } = process.env;
const rows = SUREWIRE_COPIES === 'all' ? everything() : usual;
console.info(
  [
    `Copies of requests: ${rows.length} rows (SUREWIRE_COPIES=all: ${everything().length}).`,
    'Left out: replies on exchanges, which cannot come twice; a copy whose original was refused first, because their octets are the',
    'same; an answer that is lost on one connection, which loses nothing; PostgreSQL, which has no replay cache of its own;',
    'SPNEGO, of which there is none here; calls without a session, but for what their callers are told.',
  ].join('\n'),
);

const titled = rows.map((row) => {
  const names = [
    row.protection.name,
    row.shape?.name ?? 'request-reply',
    row.version?.name ?? 'no session',
    row.replay,
  ];
  return [names.filter((name) => name !== undefined).join(' | '), row] as const;
});

const short = (action: string): string => action.split('/').slice(-3).join('/');

/** What is wrong with a course on which something was struck, beside what it would have been. */
function wrongs(usually: Course, hit: Course, { action, mishap }: Struck): readonly string[] {
  const isSaid = [
    [hit.trouble === undefined, `failed: ${hit.trouble}`],
    [String(hit.served) === String(usually.served), `served ${hit.served}`],
    [String(hit.heard) === String(usually.heard), `heard ${hit.heard}`],
    [
      hit.sequences === usually.sequences && hit.leftSequences === 0,
      `${hit.sequences} sequences, ${hit.leftSequences} left`,
    ],
    // A context that nobody uses is forgotten by itself.
    [hit.contexts <= usually.contexts + (action.endsWith('RST/SCT') ? 1 : 0), `${hit.contexts} contexts`],
    [hit.leftContexts === hit.contexts - usually.contexts, `${hit.leftContexts} contexts left`],
  ] as const;
  const more = hit.requests.flatMap((each) => {
    const [before = 0, after = 0] = [usually.sent.get(each), hit.sent.get(each)];
    // How often somebody asks for news, and acknowledges, is a matter of time.
    const isNews = /MakeConnection|AckRequested|SequenceAcknowledgement/.test(each);
    return after > before + (isNews ? 10 : 2) ? [`${short(each)} was sent ${after} times, not ${before}`] : [];
  });
  const said = isSaid.filter(([isRight]) => !isRight).map(([, what]) => what);
  return [...said, ...more].map((what) => `${short(action)}, ${mishap}: ${what}`);
}

describe('a request comes twice', () => {
  test.each(titled)('%s', async (_, { protection, shape, version, mishaps, replay }) => {
    const session: ReliableSessionOptions | undefined = version && { version };
    const setting = (): Setting => ({ protection, shape, session, ...(replay && { replay: onDisk() }) });
    const usually = await course(setting());
    expect(wrongs(usually, usually, { action: 'nothing', mishap: 'duplicate' })).toEqual([]);
    const due = [
      ...(version === undefined ? [] : ofSessions[version.name as keyof typeof ofSessions]),
      ...(protection.name.startsWith('a context') ? ofContexts : []),
      ...(protection.added === undefined ? [] : ['RST/SCT/Amend']),
    ];
    // Everything that is due went out.
    expect(due.filter((end) => !usually.requests.some((action) => action.endsWith(end)))).toEqual([]);
    const isMeant = (action: string) => version !== undefined || !action.startsWith('urn:');
    const legs: readonly Struck[] = [
      ...usually.requests.filter(isMeant).map((action) => ({ action, mishap: 'overtake' as const })),
      ...(shape?.isConnection === true
        ? usually.replies.map((action) => ({ action, mishap: 'overtake' as const, way: 'reply' as const }))
        : []),
    ];
    const found: string[] = [];
    for (const leg of legs) {
      for (const mishap of mishaps) {
        // Where answers are messages of their own, one that is forged is dropped: nobody has asked for it.
        if (mishap === 'forge' && shape !== undefined) continue;
        found.push(...wrongs(usually, await course(setting(), { ...leg, mishap }), { ...leg, mishap }));
      }
    }
    expect(found).toEqual([]);
  });
});
