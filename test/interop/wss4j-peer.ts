/** WSS4J as a process that is asked: what it makes of a plain message, what it finds in a secured one, and how long it takes. */
import { type Child, type PeerEvent, start } from './child.ts';
import { bare, type Parties, type PartyName } from './parties.ts';

/** A step of wss4j/Secure.java; what it may hold is said there. */
export interface Step {
  readonly do: 'timestamp' | 'username' | 'signature' | 'encryption' | 'session' | 'confirmation' | 'saml';
  readonly [parameter: string]: unknown;
}

/** A part of a message: local name, namespace, and whether the element or its content is meant. */
export type MessagePart = readonly [local: string, namespace: string, what?: 'Element' | 'Content' | 'Header'];

export interface Made {
  readonly envelope: string;
  /** Of each signature, base64. */
  readonly values: readonly string[];
}

export interface Finding {
  /** A constant of WSConstants: 1 UsernameToken, 2 signature, 4 encryption, 32 Timestamp, … */
  readonly action: number;
  readonly subject?: string;
  /** Qualified names of what a signature or a decryption is about. */
  readonly covered: readonly string[];
  readonly value?: string;
  /** Signature value that a SignatureConfirmation holds. */
  readonly confirms?: string;
}

export interface Found {
  readonly results: readonly Finding[];
  /** After decryption. */
  readonly envelope: string;
  /** What names the secret of the message's EncryptedKey in the reply, for a `session` step. */
  readonly shared?: string;
}

export interface Wss4j {
  readonly version: string;
  secure(envelope: string, steps: readonly Step[]): Promise<Made>;
  process(envelope: string, more?: Readonly<Record<string, unknown>>): Promise<Found>;
  /** Milliseconds of the processor that one such request takes in a warm process. */
  time(request: Readonly<Record<string, unknown>>, warm?: number, measure?: number): Promise<number>;
  stop(): Promise<void>;
}

/** Milliseconds the process may live. */
const LIMIT = 900_000;

export interface Secrets {
  readonly users?: Readonly<Record<string, string>>;
  /** Base64 by identifier: of a SecurityContextToken, for one. */
  readonly secrets?: Readonly<Record<string, string>>;
}

export async function wss4j(classPath: string, all: Parties, more: Secrets = {}): Promise<Wss4j> {
  const child = start('java', ['-Xss4m', '-cp', classPath, 'Oracle'], {
    name: 'WSS4J',
    limit: LIMIT,
    asked: true,
  });
  const { wss4j: version } = await child.event('ready');
  const ask = asker(child);
  const entries = (Object.keys(all.of) as PartyName[]).map((alias) => ({
    alias,
    key: bare(all.of[alias].key),
    certificate: bare(all.of[alias].certificate),
  }));
  await ask({ op: 'keys', entries, anchors: [bare(all.authority)], ...more });
  return {
    version: String(version),
    secure: async (envelope, steps) => (await ask({ op: 'secure', envelope, steps })) as unknown as Made,
    process: async (envelope, options = {}) => (await ask({ op: 'process', envelope, ...options })) as unknown as Found,
    time: async (request, warm = 1_500, measure = 1_000) => {
      const { processor } = await ask({ op: 'time', request, warm, measure });
      return Number(processor);
    },
    stop: () => child.stop(),
  };
}

/** Requests one after the other; an answer that is not `ok` is an error with WSS4J's own words. */
function asker(child: Child): (request: object) => Promise<PeerEvent> {
  let asked = 0;
  return async (request) => {
    const id = ++asked;
    child.say(JSON.stringify({ id, ...request }));
    const answer = await child.event('answer', id);
    const { ok, error } = answer;
    if (ok !== true) throw new Error(`WSS4J: ${String(error)}`);
    return answer;
  };
}
