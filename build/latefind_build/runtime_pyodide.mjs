/**
 * @file Runs a Python script in Pyodide under Node: `node runtime_pyodide.mjs PYODIDE WORK SCRIPT [PACKAGE…]`.
 * The folder WORK is mounted at /pack; packages are loaded as the browser's worker loads them.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [runtime, work, script] = process.argv.slice(2, 5).map((name) => path.resolve(name));
const packages = process.argv.slice(5);
const { loadPyodide } = await import(pathToFileURL(path.join(runtime, "pyodide.mjs")).href);
const silent = () => {};
const pyodide = await loadPyodide({
  indexURL: runtime + path.sep,
  lockFileURL: path.join(runtime, "pyodide-lock.json"),
  // The order of sets, and with it what is compiled, is the same in every run.
  env: { PYTHONHASHSEED: "0" },
});
await pyodide.loadPackage(packages, { checkIntegrity: true, messageCallback: silent, errorCallback: console.error });
pyodide.FS.mkdir("/pack");
pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root: work }, "/pack");
try {
  // An error that reaches JavaScript is put into words by Python, whose modules for that count as needed.
  pyodide.runPython("raise ValueError('of the recorded run')");
} catch {
  await run();
}

async function run() {
  try {
    pyodide.runPython(await readFile(script, "utf-8"), { filename: path.basename(script) });
  } catch (error) {
    // Without the line of Pyodide's code that threw: it is the whole of its module.
    console.error(String(error));
    process.exitCode = 1;
  }
}
