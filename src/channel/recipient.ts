/**
 * For whom a message is on a duplex channel that several may share: whoever secures it does so for them and for nobody else. Left on what
 * comes up by the layer that knows who sent it, and given back by the layers above with what they have to say.
 */
import { type ContextKey, contextKey } from './delivery.ts';

/** An identity as `identityOf` tells it; `undefined` where the channel has one other end only. */
export const recipient: ContextKey<string | undefined> = contextKey<string | undefined>('recipient', undefined);
