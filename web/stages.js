/**
 * @file Times the stages of the start. The page shows them in its performance timeline, where the browser's
 * tools and the benchmarks read them; nothing else depends on them.
 */

/**
 * @typedef {object} Stage
 * @property {string} name
 * @property {number} start  ms since 1970, so that those of several workers are comparable
 * @property {number} end
 */

/** The stages of this worker so far. @type {Stage[]} */
export const stages = [];

/**
 * @template T
 * @param {string} name
 * @param {() => T | Promise<T>} work
 * @returns {Promise<T>}
 */
export async function timed(name, work) {
  const start = now();
  const result = await work();
  stages.push({ name, start, end: now() });
  return result;
}

/**
 * Show a worker's stages among the page's own measures, as `latefind:<name>`.
 * @param {Stage[]} done
 */
export function showStages(done) {
  const { timeOrigin } = performance;
  for (const { name, start, end } of done) {
    // A worker's clock may be a hair behind the page's.
    const times = { start: Math.max(0, start - timeOrigin), end: Math.max(0, end - timeOrigin) };
    performance.measure(`latefind:${name}`, times);
  }
}

function now() {
  return performance.timeOrigin + performance.now();
}
