/**
 * Security contexts (WS-SecureConversation) as a transcript lets them be known: by what was said to open them, where that can be read.
 * Both halves of a secret stand in the request and in its answer, encrypted for keys that are given or kept in the clear by whoever
 * recorded below TLS; in our own transcripts the latter are struck out, and what is under such a context stays unchecked.
 */
import { createSecretKey } from 'node:crypto';
import { view } from '../../base/bytes.ts';
import { dropOldest } from '../../base/oldest.ts';
import { type ContextRequest, readRequest } from '../../conversation/requests.ts';
import { readIssued } from '../../conversation/responses.ts';
import { computedKey } from '../../conversation/secret.ts';
import { conversationVersions, versionOfAction } from '../../conversation/versions/table.ts';
import type { ConversationVersion } from '../../conversation/versions/version.ts';
import { SecurityError } from '../../security/errors.ts';
import type { ContextSecret, ContextSource } from '../../security/exchange.ts';
import type { ContextName } from '../../security/tokens/context.ts';
import { payload } from '../../soap/envelope.ts';
import type { Message } from '../../soap/message.ts';
import type { Author } from './examine.ts';

/** Who asked for a context, and who issued it. */
export interface Parties {
  readonly request: Author;
  readonly reply: Author;
}

interface Asked {
  readonly version: ConversationVersion;
  readonly request: Extract<ContextRequest, { readonly entropy: Uint8Array }>;
  readonly author: Author | undefined;
}

/** Contexts that are remembered. */
const mostContexts = 10_000;

export class Contexts {
  readonly #asked = new Map<number, Asked>();
  readonly #secrets = new Map<string, ContextSecret>();
  readonly #parties = new Map<string, Parties>();
  /** Of contexts that are known. */
  readonly #namespaces = new Set<string>();

  /** For one message: its contexts, or `undefined` where it speaks of none. */
  source(message: Message): ContextSource | undefined {
    const octets = view(message.source?.bytes ?? new Uint8Array());
    // Metro derives keys in the one version for contexts of the other.
    const spoken = conversationVersions.filter(({ namespace }) => octets.includes(namespace));
    const version = spoken.find(({ namespace }) => this.#namespaces.has(namespace)) ?? spoken[0];
    if (version === undefined) return undefined;
    const { namespace } = version;
    return {
      namespace,
      find: (name) => {
        const secret = this.#secrets.get(keyOf(namespace, name));
        if (secret !== undefined) return secret;
        throw new SecurityError(
          'SECURITY_CONTEXT',
          'How the security context was opened is not here, or was struck out.',
        );
      },
    };
  }

  parties({ identifier }: ContextName): Parties | undefined {
    return this.#parties.get(identifier);
  }

  /** Learns what a message says of contexts, as far as it can be read. */
  learn(exchange: number, leg: 'request' | 'reply' | 'message', message: Message, author: Author | undefined): void {
    const content = payload(message);
    if (content === undefined) return;
    try {
      if (leg === 'reply') this.#issued(exchange, content, author);
      else {
        const version = versionOfAction(message.action);
        const request = version && readRequest(version, content, () => ({ identifier: '', instance: undefined }));
        if (version === undefined || request === undefined || request.kind === 'cancel') return;
        this.#asked.set(exchange, { version, request, author });
        dropOldest(this.#asked, mostContexts);
      }
    } catch {
      // What cannot be read opens nothing; messages under it say that its key is not known.
    }
  }

  #issued(exchange: number, content: NonNullable<ReturnType<typeof payload>>, author: Author | undefined): void {
    const asked = this.#asked.get(exchange);
    if (asked === undefined) return;
    this.#asked.delete(exchange);
    const { version, request } = asked;
    const { namespace } = version;
    const context = readIssued(version, content);
    const { identifier, instance } = context;
    const secret = computedKey(request.entropy, context.entropy, context.keySize ?? request.keySize);
    const key = createSecretKey(secret);
    this.#secrets.set(keyOf(namespace, context), { identifier, instance, key, namespace, token: undefined });
    dropOldest(this.#secrets, mostContexts);
    this.#namespaces.add(namespace);
    if (this.#parties.has(identifier)) return;
    const unnamed = (side: string): Author => ({
      identity: `context:${side}:${identifier}`,
      name: `the ${side} of a context`,
    });
    this.#parties.set(identifier, {
      request: asked.author ?? unnamed('initiator'),
      reply: author ?? unnamed('issuer'),
    });
    dropOldest(this.#parties, mostContexts);
  }
}

function keyOf(namespace: string, { identifier, instance = '' }: ContextName): string {
  return JSON.stringify([namespace, identifier, instance]);
}
