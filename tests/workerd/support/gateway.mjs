/**
 * A gateway to test against. A file says once, at its top level,
 *
 *     const gateway = await useGateway();
 *
 * and its tests have the built Worker on the real runtime, with nothing in it yet. The modules
 * re-exported here act as the people and programs that use it.
 */
import { after } from 'node:test';
import { BROKER, leaseGateway } from './leased-gateway.mjs';
import { startGateway } from './own-gateway.mjs';

export * from './answers.mjs';
export * from './operator.mjs';
export * from './signatures.mjs';
export * from './storefront.mjs';
export { startGateway };

/** Limits of the rate-limit bindings that no test reaches; those of files that test them are their own. */
export const AMPLE_LIMITS = { LOGIN_LIMITER: 100_000, WEBHOOK_LIMITER: 100_000 };

/**
 * A gateway for the tests of this file, until the last of them has ended. Under `npm test` it is one
 * of the long-lived ones of broker.mjs, emptied; such a one cannot be stopped, killed or started
 * again. Whoever must do that, or wants anything of it that the others have not, asks for one of
 * the file's own.
 *
 * @param {object} [choice] - what {@link startGateway} takes; with any of it the gateway is the file's own
 * @param {boolean} [choice.own] - one of the file's own in any case
 * @returns {Promise<import('./running-gateway.mjs').RunningGateway>}
 */
export async function useGateway({ own = false, ...choice } = {}) {
  const isOwn = own || Object.keys(choice).length > 0 || !process.env[BROKER];
  const gateway = await (isOwn ? startGateway({ rateLimits: AMPLE_LIMITS, ...choice }) : leaseGateway());
  after(() => gateway.stop());
  return gateway;
}
