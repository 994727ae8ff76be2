// Run a Python script inside the very Pyodide that a visitor gets, under Node: `node run_in_pyodide.mjs RUNTIME SCRIPT`.
// The repository is mounted at /repo; NumPy comes from the packed runtime, latefind from /repo/py.
import path from "node:path";
import { pathToFileURL, fileURLToPath } from "node:url";
import { readFile } from "node:fs/promises";

const [runtime, script] = process.argv.slice(2).map((name) => path.resolve(name));
const repository = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const { loadPyodide } = await import(pathToFileURL(path.join(runtime, "pyodide.mjs")).href);
const pyodide = await loadPyodide({
  indexURL: runtime + path.sep,
  lockFileURL: path.join(runtime, "pyodide-lock.json"),
  packages: ["numpy"],
});
pyodide.FS.mkdir("/repo");
pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root: repository }, "/repo");
pyodide.runPython("import sys; sys.path[:0] = ['/repo/py', '/repo/tests']; sys.dont_write_bytecode = True");
pyodide.runPython(await readFile(script, "utf-8"), { filename: script });
