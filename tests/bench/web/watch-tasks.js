/** @file Notes what keeps the page's main thread busy for long: put into every page before its own scripts. */

(() => {
  const tasks = (globalThis.longTasks = []);
  for (const type of ["longtask", "long-animation-frame"]) {
    new PerformanceObserver((list) => {
      for (const { startTime, duration, scripts = [] } of list.getEntries()) {
        const from = scripts.map(({ sourceURL, sourceFunctionName, invoker, duration: ms }) => {
          return `${sourceFunctionName || invoker} in ${sourceURL.split("/").at(-1)}, ${Math.round(ms)} ms`;
        });
        tasks.push({ type, start: startTime, ms: duration, from });
      }
    }).observe({ type, buffered: true });
  }
})();
