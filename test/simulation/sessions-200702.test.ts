/** Sessions of WS-RM 200702 under every seeded schedule; in a file of its own, so that both versions run at once. */
import { schedulesOf } from './schedules.ts';
import { shapesLike } from './shapes.ts';

schedulesOf(shapesLike('200702'));
