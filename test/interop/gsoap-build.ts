/**
 * Builds the gSOAP peers from test/interop/gsoap and what Debian's packages gsoap and libgsoap-dev installed, once for
 * each version of WS-ReliableMessaging, into a folder named after the content of everything that went in.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildFolder, NotInstalled, run } from './tools.ts';

export interface GsoapPrograms {
  readonly server: string;
  readonly client: string;
}

export interface Gsoap {
  /** What soapcpp2 says it is. */
  readonly release: string;
  readonly programs: Readonly<Record<RmVersion, GsoapPrograms>>;
}

export type RmVersion = '1.0' | '1.1';

const INSTALLED = '/usr/share/gsoap';
const SOURCES: string = fileURLToPath(new URL('gsoap', import.meta.url));
const PACKAGES = 'apt-get install gsoap libgsoap-dev libssl-dev zlib1g-dev gcc';
/** gSOAP's header for each version. */
const IMPORTS: Readonly<Record<RmVersion, string>> = { '1.0': 'wsrm5.h', '1.1': 'wsrm.h' };
const PLUGINS = [
  ...['wsaapi', 'wsseapi', 'smdevp', 'mecevp', 'threads'].map((name) => `plugin/${name}.c`),
  ...['duration', 'struct_timeval'].map((name) => `custom/${name}.c`),
].map((name) => join(INSTALLED, name));
/** Operations of wsrmapi before which server.c stands. */
const WRAPPED: Readonly<Record<RmVersion, readonly string[]>> = {
  '1.0': ['CreateSequence', 'LastMessage', 'TerminateSequence'],
  '1.1': ['CreateSequence', 'CloseSequence', 'TerminateSequence'],
};

/**
 * wsrmapi.h declares the RM 1.0 operation TerminateSequence with another answer type than import/wsrx5.h, from which
 * soapcpp2 generates its declaration: the two conflict, so RM 1.0 does not compile as it is shipped. wsrmapi.c defines
 * the operation as wsrx5.h has it; the declaration is made to agree, in a copy in the build folder.
 */
const MEND = {
  shipped: 'struct wsrm__TerminateSequenceType *req, struct wsrm__TerminateSequenceType *res)',
  mended: 'struct wsrm__TerminateSequenceType *req, struct wsrm__TerminateSequenceResponseType *res)',
} as const;

/** @throws NotInstalled when a program, a header or a library of gSOAP is missing */
export async function buildGsoap(): Promise<Gsoap> {
  for (const path of [
    ...PLUGINS,
    join(INSTALLED, 'plugin/wsrmapi.c'),
    '/usr/include/stdsoap2.h',
    '/usr/include/openssl/ssl.h',
    '/usr/include/zlib.h',
  ]) {
    if (!existsSync(path)) throw new NotInstalled(`${path} is missing (${PACKAGES})`);
  }
  const release = (await run('soapcpp2', ['-V']).catch(missing)).trim();
  const flags = (await run('pkg-config', ['--cflags', 'gsoapssl']).catch(() => DEFAULT_FLAGS)).trim().split(/\s+/);
  const folder = join(buildFolder, `gsoap-${await contentHash([release, ...flags])}`);
  if (!existsSync(folder)) await build(folder, flags);
  const programs = (version: RmVersion): GsoapPrograms => ({
    server: join(folder, version, 'server'),
    client: join(folder, version, 'client'),
  });
  return { release, programs: { '1.0': programs('1.0'), '1.1': programs('1.1') } };
}

/** What Debian compiles libgsoapssl with; the generated code must agree with it. */
const DEFAULT_FLAGS = '-DWITH_IPV6 -DWITH_OPENSSL -DWITH_GZIP -DWITH_DOM';

function missing(thrown: unknown): never {
  throw thrown instanceof NotInstalled ? new NotInstalled(`${thrown.message} (${PACKAGES})`) : thrown;
}

async function contentHash(parts: readonly string[]): Promise<string> {
  const hash = createHash('sha256').update(parts.join('\n'));
  hash.update(await readFile(fileURLToPath(import.meta.url)));
  const installed = [
    'plugin/wsrmapi.c',
    'plugin/wsrmapi.h',
    'import/wsrm.h',
    'import/wsrm5.h',
    'import/wsrx5.h',
    'import/wsse.h',
  ];
  const own = (await readdir(SOURCES)).sort().map((name) => join(SOURCES, name));
  for (const path of [...own, ...PLUGINS, ...installed.map((name) => join(INSTALLED, name))]) {
    hash.update(path).update(await readFile(path));
  }
  return hash.digest('hex').slice(0, 12);
}

/** Builds beside and renames at the end, so that a build that was broken off is never taken for a finished one. */
async function build(folder: string, flags: readonly string[]): Promise<void> {
  const unfinished = `${folder}.${process.pid}`;
  await rm(unfinished, { recursive: true, force: true });
  for (const version of ['1.0', '1.1'] as const) await buildVersion(join(unfinished, version), version, flags);
  await rename(unfinished, folder);
}

async function buildVersion(folder: string, version: RmVersion, flags: readonly string[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'rm.h'), `#import "${IMPORTS[version]}"\n`);
  for (const name of ['wsrmapi.h', 'wsrmapi.c']) {
    const shipped = await readFile(join(INSTALLED, 'plugin', name), 'utf8');
    await writeFile(join(folder, name), shipped.replace(MEND.shipped, MEND.mended));
  }
  // -a: dispatch by wsa:Action; -c: C; -w -x: neither WSDL nor sample messages
  const imports = ['.', join(INSTALLED, 'import'), INSTALLED].join(':');
  await run('soapcpp2', ['-a', '-c', '-w', '-x', `-I${imports}`, join(SOURCES, 'echo.h')], folder).catch(missing);

  const compile = ['-O1', '-I.', `-I${SOURCES}`, `-I${join(INSTALLED, 'plugin')}`, ...flags];
  const foreign = ['soapC.c', 'soapClient.c', 'soapServer.c', 'wsrmapi.c', ...PLUGINS];
  const objects = new Map<string, string>();
  for (const source of foreign) {
    const object = `${basename(source, '.c')}.o`;
    await run('gcc', ['-w', '-c', ...compile, source, '-o', object], folder).catch(missing);
    objects.set(basename(source, '.c'), object);
  }
  const server = objects.get('soapServer') ?? '';
  objects.delete('soapServer');
  const libraries = ['-lgsoapssl', '-lssl', '-lcrypto', '-lz', '-lpthread'];
  const wraps = WRAPPED[version].map((operation) => `-Wl,--wrap=__wsrm__${operation}`);
  for (const [program, more] of [
    ['server', [server, ...wraps]],
    ['client', []],
  ] as const) {
    const sources = [program, 'peer', 'protection', 'assertion'].map((name) => join(SOURCES, `${name}.c`));
    const warnings = ['-Wall', '-Wextra', '-Werror'];
    const args = [...warnings, ...compile, ...sources, ...objects.values(), ...more, '-o', program, ...libraries];
    await run('gcc', args, folder).catch(missing);
  }
}
