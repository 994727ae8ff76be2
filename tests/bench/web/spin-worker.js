/** @file Says how long a fixed piece of work takes here, to learn what a throttle reaches. */

self.onmessage = ({ data: source }) => self.postMessage(Function(`return (${source})()`)());
