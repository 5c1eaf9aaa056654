/** A conversation through both ends: asked for, used, cancelled, in both versions and under every bootstrap policy. */
import { describe, expect, test } from 'vitest';
import { conversationVersions } from '../../src/conversation/versions/table.ts';
import { evidence, identityOf } from '../../src/security/evidence.ts';
import { ask, bootstraps, Talk } from './rig.ts';

describe.each(conversationVersions)('secure conversation $name', (version) => {
  test.each(bootstraps)('$name: opened by the first message, used, cancelled', async (bootstrap) => {
    const talk = new Talk(bootstrap, { version });
    const listener = await talk.listen();
    const channel = await talk.connect();
    expect(await ask(channel, 'one')).toBe('re: one');
    expect(await ask(channel, 'two')).toBe('re: two');
    await channel.close();
    await listener.close();
    const { issue, issueResponse, cancel, cancelResponse } = version.actions;
    const call = ['urn:box:say', 'urn:box:say'];
    expect(talk.actions).toEqual([issue, issueResponse, ...call, ...call, cancel, cancelResponse]);
    const [first, second] = talk.heard;
    expect(first?.get(evidence)?.context?.tokenType).toBe(version.tokenType);
    expect(first && identityOf(first)).toMatch(/^context:urn:uuid:/);
    expect(first && identityOf(first)).toBe(second && identityOf(second));
  });
});
