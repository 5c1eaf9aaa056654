/**
 * A reliable session under a security context, from the request for the context to its end: what is said, in which order, and that
 * every word has the header blocks and children of WCF's (its order of messages: WS2007HttpBinding and WSHttpBinding with
 * message credentials; facts of dotnet/wcf and of captures).
 */
import { describe, expect, test } from 'vitest';
import { conversation200502 } from '../../src/conversation/versions/v200502.ts';
import { conversation200512 } from '../../src/conversation/versions/v200512.ts';
import { reliable200502 } from '../../src/reliable/versions/v200502.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { wsse } from '../../src/security/names.ts';
import { payload } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { shapeOf } from '../reliable/golden/shape.ts';
import { hasCaptures, recorded, withoutData } from '../reliable/recorded.ts';
import { required } from '../reliable/replay.ts';
import { ask, bootstraps, Talk } from './rig.ts';

const families = [
  {
    version: conversation200512,
    reliable: reliable200702,
    name: '200512 and 200702',
    capture: 'wcf-metro-sc-user-tls-rm11',
  },
  {
    version: conversation200502,
    reliable: reliable200502,
    name: '2005/02 and 2005/02',
    capture: 'wcf-metro-sc-user-tls-rm10',
  },
] as const;

const names = (element: XmlElement | undefined) => element?.children.map(({ local }) => local) ?? [];

function security(message: Message | undefined): XmlElement | undefined {
  return message?.headers.find((block) => block.namespace === wsse && block.local === 'Security')?.fragment.element;
}

describe.each(families)('$name', ({ version, reliable, capture }) => {
  const { actions } = version;
  const rm = reliable.actions;
  const shutdown =
    reliable.shutdown === 'close'
      ? [rm.closeSequence, rm.closeSequenceResponse, rm.terminateSequence, rm.terminateSequenceResponse]
      : [rm.lastMessage, rm.lastMessage, rm.terminateSequence, rm.terminateSequence];
  const course = [
    actions.issue,
    actions.issueResponse,
    rm.createSequence,
    rm.createSequenceResponse,
    ...['urn:box:say', 'urn:box:say'],
    ...['urn:box:say', 'urn:box:say'],
    ...shutdown,
    actions.cancel,
    actions.cancelResponse,
  ];

  test.each(bootstraps)('$name: asked for, created, called, closed, terminated, cancelled', async (bootstrap) => {
    const talk = new Talk(bootstrap, { version }, { version: reliable });
    const listener = await talk.listen();
    const channel = await talk.connect();
    expect(await talk.until(ask(channel, 'one'))).toBe('re: one');
    expect(await talk.until(ask(channel, 'two'))).toBe('re: two');
    await talk.until(channel.close());
    await talk.until(listener.close());
    expect(talk.actions).toEqual(course);
    const create = talk.messages[2];
    const body = create && payload(create);
    const identifier = talk.heard[0] && contextOf(talk.messages[1]);
    // Metro and WCF sign what opens a sequence and do not encrypt it; here it is encrypted, where anything is.
    if (bootstrap.secure) {
      expect(names(body)).toEqual(['AcksTo', 'Offer', 'SecurityTokenReference']);
      const [reference] = body?.children.at(-1)?.children ?? [];
      expect(reference?.attribute('URI')).toBe(identifier);
      expect(reference?.attribute('ValueType')).toBe(version.tokenType);
    }
    const uses = create?.headers.filter(({ local }) => local === 'UsesSequenceSTR') ?? [];
    expect(uses.map(({ namespace, mustUnderstand }) => [namespace, mustUnderstand])).toEqual(
      reliable.tokenHeader ? [[reliable.namespace, true]] : [],
    );
  });

  test('namesContext: false, for CXF: nothing names the context, and the sequence belongs to it', async () => {
    const [bootstrap] = bootstraps;
    if (bootstrap === undefined) throw new Error('There is no way to ask for a context.');
    const talk = new Talk(bootstrap, { version }, { version: reliable, namesContext: false });
    const listener = await talk.listen();
    const channel = await talk.connect();
    expect(await talk.until(ask(channel, 'one'))).toBe('re: one');
    await talk.until(channel.close());
    await talk.until(listener.close());
    const create = talk.messages.find(({ action }) => action === rm.createSequence);
    expect(names(create && payload(create))).not.toContain('SecurityTokenReference');
    expect(create?.headers.some(({ local }) => local === 'UsesSequenceSTR')).toBe(false);
  });

  /** Everything that is said in one session with two calls. */
  const session = async () => {
    const [bootstrap] = bootstraps;
    if (bootstrap === undefined) throw new Error('There is no way to ask for a context.');
    const talk = new Talk(bootstrap, { version }, { version: reliable });
    const listener = await talk.listen();
    const channel = await talk.connect();
    await talk.until(ask(channel, 'one'));
    await talk.until(ask(channel, 'two'));
    await talk.until(channel.close());
    await talk.until(listener.close());
    return talk.messages;
  };

  test.skipIf(!hasCaptures)(
    `${hasCaptures ? '' : withoutData} every word is built as WCF's: header blocks, security and body, to the last element`,
    async () => {
      const messages = await session();
      const requests = recorded(capture).flatMap(({ request }) => request.message ?? []);
      const kinds = [
        actions.issue,
        rm.createSequence,
        rm.closeSequence ?? rm.lastMessage,
        rm.terminateSequence,
        actions.cancel,
      ];
      for (const kind of kinds) {
        const ours = required(messages.find(({ action }) => action === kind));
        const theirs = required(requests.find(({ action }) => action === kind));
        expect(shapeOf(ours).headers, kind).toEqual(shapeOf(theirs).headers);
        expect(whole(security(ours)), kind).toBe(whole(security(theirs)));
        expect(whole(payload(ours)), kind).toBe(whole(payload(theirs)));
      }
      // The first call, and one with an acknowledgement of a reply.
      const calls = (of: readonly Message[], action: string) => {
        const all = of.filter((one) => one.action === action && one.headers.some(({ local }) => local === 'ReplyTo'));
        return all.slice(0, 2).map((one) => [shapeOf(one).headers, whole(security(one))]);
      };
      expect(calls(messages, 'urn:box:say')).toEqual(calls(requests, 'urn:peers:echo/EchoService/Echo'));
    },
  );

  test('every answer is built as WCF reads it: the order of its children, one response, and a Timestamp in each', async () => {
    const messages = await session();
    const answer = (action: string | undefined) => required(messages.findLast((one) => one.action === action));
    const response =
      'RequestSecurityTokenResponse(TokenType RequestedSecurityToken(SecurityContextToken(Identifier)) ' +
      'RequestedAttachedReference(SecurityTokenReference(Reference)) RequestedUnattachedReference(SecurityTokenReference(Reference)) ' +
      'RequestedProofToken(ComputedKey) Entropy(BinarySecret) Lifetime(Created Expires) KeySize)';
    const cancelled = 'RequestSecurityTokenResponse(RequestedTokenCancelled)';
    const collected = (one: string) =>
      version === conversation200512 ? `RequestSecurityTokenResponseCollection(${one})` : one;
    expect(locals(payload(answer(actions.issueResponse)))).toBe(collected(response));
    expect(locals(payload(answer(actions.cancelResponse)))).toBe(collected(cancelled));
    for (const action of [
      actions.issueResponse,
      rm.createSequenceResponse,
      rm.closeSequenceResponse ?? rm.lastMessage,
      rm.terminateSequenceResponse ?? rm.terminateSequence,
      actions.cancelResponse,
    ]) {
      expect(names(security(answer(action)))[0], action).toBe('Timestamp');
    }
  });
});

/** Every element with its namespace and children. */
function whole(of: XmlElement | undefined): string {
  return outline(of, ({ namespace, local }) => `{${namespace}}${local}`);
}

function locals(of: XmlElement | undefined): string {
  return outline(of, ({ local }) => local);
}

function outline(of: XmlElement | undefined, named: (one: XmlElement) => string): string {
  if (of === undefined) return '';
  const children = of.children.map((child) => outline(child, named)).join(' ');
  return children === '' ? named(of) : `${named(of)}(${children})`;
}

/** Identifier of the context that an answer brings. */
function contextOf(answer: Message | undefined): string | undefined {
  let found: string | undefined;
  const visit = (element: XmlElement): void => {
    if (element.local === 'SecurityContextToken') found = element.children[0]?.text;
    for (const child of element.children) visit(child);
  };
  const content = answer && payload(answer);
  if (content !== undefined) visit(content);
  return found;
}
