/** A security context to which further credentials are added (WS-SecureConversation 1.3, section 4), through both ends. */
import { describe, expect, test } from 'vitest';
import { amendContext } from '../../src/conversation/amendment.ts';
import { conversationVersions } from '../../src/conversation/versions/table.ts';
import { evidence, identityOf } from '../../src/security/evidence.ts';
import { additions, addedTo } from './additions.ts';
import { ask, bootstraps, Talk } from './rig.ts';

describe.each(conversationVersions)('$name', (version) => {
  describe.each(bootstraps)('a context that was asked for by $name', (bootstrap) => {
    test.each(additions)('stands for $name as well', async ({ client, service, who }) => {
      const talk = new Talk(bootstrap, { version });
      const listener = await talk.listen(undefined, { amendment: await service() });
      const channel = await talk.connect();
      expect(await ask(channel, 'one')).toBe('re: one');
      await amendContext(channel, await client());
      expect(await ask(channel, 'two')).toBe('re: two');
      await channel.close();
      await listener.close();
      const { issue, issueResponse, amend, amendResponse, cancel, cancelResponse } = version.actions;
      const call = ['urn:box:say', 'urn:box:say'];
      const course = [issue, issueResponse, ...call, amend, amendResponse, ...call, cancel, cancelResponse];
      expect(talk.actions).toEqual(course);
      const [before, after] = talk.heard;
      expect(addedTo(before)).toEqual([]);
      expect(addedTo(after)).toEqual([who]);
      // Who speaks is who spoke.
      const [first, second] = [before?.get(evidence), after?.get(evidence)];
      expect(after && identityOf(after)).toBe(before && identityOf(before));
      expect([second?.signers, second?.user, second?.claims]).toEqual([first?.signers, first?.user, first?.claims]);
    });
  });
});
