/** docs/INTEROP.md: the matrix as tables for people, written by the run and held to the matrix by a test. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Row } from './matrix.ts';

const matrix: string = fileURLToPath(new URL('matrix.json', import.meta.url));
const page: string = fileURLToPath(new URL('../../docs/INTEROP.md', import.meta.url));

/** As seen from the page. */
const TRANSCRIPTS = '../test/interop/transcripts';

const peers: ReadonlyMap<string, string> = new Map([
  [
    'gsoap',
    'gSOAP (wsrmapi, and wsseapi where messages are protected): reliable sessions; the version is that of WS-ReliableMessaging',
  ],
  ['gsoap-wsse', 'gSOAP (wsseapi): message security without a session; the version is that of gSOAP'],
  ['cxf', 'Apache CXF: reliable sessions; the version is that of WS-ReliableMessaging'],
  ['cxf-sts', 'The security token service and client of Apache CXF: WS-Trust over HTTPS; the version is that of CXF'],
  ['metro', 'Eclipse Metro (WSIT): reliable sessions; the version is that of WS-ReliableMessaging'],
  ['metadata', 'Metadata: WSDL and policies, published and read; the version is that of WS-Policy'],
  ['dotnet', '.NET (System.ServiceModel) and CoreWCF: the version is that of WS-ReliableMessaging'],
  ['node-soap', 'node-soap: message security over HTTPS; the version is that of node-soap'],
  ['zeep', 'zeep: message security over HTTPS; the version is that of zeep'],
  ['wss4j', 'Apache WSS4J: message security; the version is that of WSS4J'],
  ['xmlsec1', 'xmlsec1 (libxmlsec): signatures and encryption; the version is that of xmlsec1'],
]);

export function writeInterop(): void {
  writeFileSync(page, interopPage(JSON.parse(readFileSync(matrix, 'utf8')) as readonly Row[]));
}

/** The page for these rows. */
export function interopPage(rows: readonly Row[]): string {
  const names = [...new Set(rows.map((row) => row.peer))].sort();
  const yes = rows.filter((row) => row.result).length;
  return [
    '# What interoperates',
    '',
    'Written by `npm run interop` from test/interop/matrix.json; every row was tried with the peer itself. A scenario that',
    'does not work, or is not claimed, says why, who is wrong by which clause, and where it can be seen. WS-ReliableMessaging 1.1 and 1.2 have one namespace and the same messages: the rows',
    'of 1.1 are those of 1.2 (WSIT calls its assertion 1.1).',
    '',
    `${yes} of ${rows.length} rows are true.`,
    '',
    "Java's `HttpURLConnection`, which Metro sends with, repeats a POST by itself, octet for octet, when its connection ended without an",
    'answer (RFC 9110 section 9.2.2 says that it must not). Under message security that copy is a replay: it is refused, nothing is',
    'executed twice, and the session goes on (test/attacks/repeated-post.test.ts). Start Java with',
    '`-Dsun.net.http.retryPost=false`, as the runs behind this page do, and reliable messaging repeats what has to be repeated.',
    ...names.flatMap((name) =>
      section(
        name,
        rows.filter((row) => row.peer === name),
      ),
    ),
    '',
  ].join('\n');
}

function section(name: string, rows: readonly Row[]): readonly string[] {
  const directions = [...new Set(rows.map((row) => row.direction))].sort();
  const keys = [...new Map(rows.map((row) => [`${row.scenario}\n${row.version}`, row])).values()];
  keys.sort((one, other) => compare(one.scenario, other.scenario) || compare(one.version, other.version));
  const cell = (scenario: string, version: string, direction: string): string => {
    const row = rows.find((one) => one.scenario === scenario && one.version === version && one.direction === direction);
    if (row === undefined) return '–';
    if (row.result) return 'yes';
    const seen = row.transcript === undefined ? '' : ` ([transcript](${TRANSCRIPTS}/${row.transcript}))`;
    return `**no**: ${escaped(`${row.reason}. Who is wrong: ${row.wrong}, by ${row.clause}`)}${seen}`;
  };
  return [
    '',
    `## ${peers.get(name) ?? name}`,
    '',
    `| scenario | version | ${directions.map((one) => one.replace('->', '→')).join(' | ')} |`,
    `|---|---|${directions.map(() => '---|').join('')}`,
    ...keys.map(
      ({ scenario, version }) =>
        `| ${escaped(scenario)} | ${version} | ${directions.map((one) => cell(scenario, version, one)).join(' | ')} |`,
    ),
  ];
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

function escaped(text: string): string {
  return text.replace(/[|<>]/g, (one) => `\\${one}`).replace(/\s+/g, ' ');
}
