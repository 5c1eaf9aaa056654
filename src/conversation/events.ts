/** What this room tells on `node:diagnostics_channel` `surewire:conversation`: never a key, only what names one. */
import { diagnostics } from '../base/diagnostics.ts';

export const publish: ReturnType<typeof diagnostics> = diagnostics('conversation');
