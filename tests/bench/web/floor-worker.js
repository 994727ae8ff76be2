/** @file The floor of every start: Pyodide and NumPy, unmodified, and nothing of ours. */

self.addEventListener("unhandledrejection", ({ reason }) => self.postMessage(String(reason)));
self.onmessage = async ({ data: folder }) => {
  const laps = [];
  const lap = () => laps.push(performance.timeOrigin + performance.now());
  const { loadPyodide } = await import(`${folder}pyodide.mjs`);
  const pyodide = await loadPyodide({ indexURL: folder });
  lap();
  await pyodide.loadPackage("numpy", { messageCallback() {} });
  lap();
  pyodide.runPython("import numpy");
  lap();
  self.postMessage(laps);
};
