/**
 * Makes docs/BINDINGS.md from the rows of `src/binding`: `node docs/bindings.ts` writes it, `test/documents.test.ts` holds it to
 * the source.
 */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { authenticationModes } from '../src/binding/modes.ts';
import { bindingRows, foreignBindings } from '../src/binding/rows.ts';

const named: Readonly<Record<string, string>> = { TransportWithMessageCredential: 'TWMC' };
const short = (word: string): string => named[word] ?? word;
const list = (words: readonly string[]): string =>
  words.map((word, at) => (at === 0 ? `**${short(word)}**` : short(word))).join(', ');
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

/** The page. */
export function bindingsPage(): string {
  const bindings = Object.values(bindingRows).map((row) => [
    `\`${row.kind.replace('Binding', '')}\``,
    `${row.soap.name}, ${row.addressing === undefined ? 'no addressing' : `WS-Addressing ${row.addressing.name}`}`,
    list(row.encodings),
    list(row.modes),
    list(row.messageCredentials),
    { no: 'no', optional: `optional, ${row.reliableVersion.name}`, always: `always, ${row.reliableVersion.name}` }[
      row.reliable
    ],
    { setting: '**on**, or off', always: 'always', never: 'no' }[row.context],
    `${row.versions.conversation.name}, SP ${row.versions.policy}`,
    { no: 'no', always: 'over two connections', websocket: 'over WebSocket' }[row.duplex],
  ]);
  const modes = Object.entries(authenticationModes).map(([name, { binding, client, instead }]) => [
    `\`${name}\``,
    {
      transport: 'TLS',
      symmetric: 'a secret for the service’s certificate',
      asymmetric: 'both certificates',
      bootstrap: 'a security context',
    }[binding],
    client === 'bootstrap' ? 'as its bootstrap' : client,
    instead === undefined ? 'yes' : `no. ${instead}`,
  ]);
  return `# Bindings

WCF's bindings by name, with its defaults (bold) and its rules. TWMC is TransportWithMessageCredential. What a row offers and surewire
does not speak is an error that says what to use; \`surewire inspect wsdl|config\` says it beforehand. This page is made from the source by
\`node docs/bindings.ts\`.

${table(['binding', 'SOAP', 'encoding', 'modes', 'message credentials', 'reliable session', 'security context', 'trust and policy', 'both ends call'], bindings)}

Encodings other than Text, credentials of HTTP (Basic, Digest, Windows) and negotiation (TLSNEGO, SPNEGO) are not spoken.

## Rules

- Message credentials with a reliable session need a security context, to which its sequences are bound.
- A reliable session over mode Transport alone needs \`customBinding\`: TLS binds a sequence to nobody.
- TransportWithMessageCredential needs a credential; credentials over transport need HTTPS.
- \`Basic256\`, WCF's default suite, signs with SHA-1: take it by \`unsafe: [unsafeSuiteSha1]\`, or set \`Basic256Sha256\` at both ends.
- An address of another scheme than the mode promises is refused.
- Where both ends call, one security context protects both ways: over two connections (\`wsDualHttp\`), WebSocket and MakeConnection. Over two
  connections it has to be asked for with message security (\`None\`, \`UserName\`, \`Certificate\`, \`IssuedToken\` with
  \`negotiateServiceCredential: false\`), because over TLS what the service says is not signed.

## Authentication modes

${table(['mode', 'protects with', 'the client shows', 'spoken'], modes)}

## Not over HTTP

${table(
  ['binding', 'what comes nearest'],
  Object.entries(foreignBindings).map(([name, near]) => [`\`${name}\``, near]),
)}
`;
}

if (import.meta.main) writeFileSync(resolve(import.meta.dirname, 'BINDINGS.md'), bindingsPage());
