/**
 * How a context is amended, in both versions: over TLS, a password added. No peer speaks it, so this is written after section 4 of
 * WS-SecureConversation alone. Octet for octet, but that ids are counted as they come and what is computed is left out;
 * SUREWIRE_UPDATE_GOLDEN=1 writes the files anew.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { amendContext } from '../../../src/conversation/amendment.ts';
import { conversationVersions } from '../../../src/conversation/versions/table.ts';
import type { ConversationVersion } from '../../../src/conversation/versions/version.ts';
import { usernameOverTransport } from '../../../src/security/policy.ts';
import { payload } from '../../../src/soap/envelope.ts';
import type { Message } from '../../../src/soap/message.ts';
import { read as messages, written } from '../../reliable/golden/file.ts';
import { read } from '../../security/rig.ts';
import { bootstrapNamed, named, passwords } from '../additions.ts';
import { Line } from '../line.ts';
import { ask } from '../rig.ts';

const { SUREWIRE_UPDATE_GOLDEN } = process.env;

const fileOf = ({ name }: ConversationVersion) => join(import.meta.dirname, `amend-${name.replace(/\W/g, '')}.xml`);

/** The request and its answer, made anew. */
async function made(version: ConversationVersion): Promise<ReadonlyMap<string, string>> {
  const line = await Line.of(bootstrapNamed('user name over TLS'), {
    version,
    amendment: usernameOverTransport({ passwords }),
  });
  const alice = await line.client();
  await ask(alice, 'one');
  await amendContext(alice, named('carol'));
  const [request = '', answer = ''] = line.wire.slice(-2);
  return new Map([
    ['RST/SCT/Amend', plain(request)],
    ['RSTR/SCT/Amend', plain(answer)],
  ]);
}

/** Without what depends on how ids are given and keys are derived. */
function plain(octets: string): string {
  const ids = new Map<string, string>();
  return octets
    .replace(/<(\w+:(?:DigestValue|SignatureValue|CipherValue|Nonce))>[^<]+/g, '<$1>')
    .replace(/\bi[0-9a-f]{24}-\d+/g, (id) => {
      const known = ids.get(id) ?? `id-${ids.size + 1}`;
      ids.set(id, known);
      return known;
    });
}

const names = (of: Message | undefined) =>
  of?.headers.flatMap(({ local, fragment }) =>
    local === 'Security' ? fragment.element.children.map((child) => child.local) : [],
  );

describe.each(conversationVersions)('$name', (version) => {
  test('is what it was', async () => {
    const text = written(await made(version));
    if (SUREWIRE_UPDATE_GOLDEN === '1') writeFileSync(fileOf(version), text);
    expect(text).toBe(readFileSync(fileOf(version), 'utf8'));
  });

  test('is built as section 4 says: the token that is added, and the signature of the context over it', () => {
    const kept = messages(readFileSync(fileOf(version), 'utf8'));
    const [request, answer] = [...kept.values()].map((envelope) => read(envelope));
    expect([request?.action, answer?.action]).toEqual([version.actions.amend, version.actions.amendResponse]);
    // The DerivedKeyTokens are of the context; what is encrypted is the UsernameToken and the signature, whose digests would tell of it.
    const keys = ['DerivedKeyToken', 'DerivedKeyToken', 'ReferenceList'];
    expect(names(request)).toEqual(['Timestamp', 'SecurityContextToken', ...keys, 'EncryptedData', 'EncryptedData']);
    expect(names(answer)).toEqual(['Timestamp', 'DerivedKeyToken', 'Signature']);
    const body = request && payload(request);
    expect(body?.children.map(({ local, text }) => [local, text])).toEqual([
      ['TokenType', version.tokenType],
      ['RequestType', `${version.trust}/Issue`],
    ]);
    const identifier = (octets: string) => /<wsc:Identifier>([^<]+)/.exec(octets)?.[1];
    const [asked = '', said = ''] = kept.values();
    expect(identifier(said)).toBe(identifier(asked));
    expect(said).not.toMatch(/Entropy|RequestedProofToken|BinarySecret/);
    expect(asked).not.toContain('<ds:Reference ');
  });
});
