// A worker from the modules of this page. A page on disk may not load modules in a worker, so that one plain script is
// made of a module and all that it imports: each becomes a function that returns what it exports.

const IMPORT = /^import (\{[^}]*\}) from "play\/(\w+)";$/gm;
const EXPORT = /^export (?=(?:async )?(?:function|class|const) (\w+))/gm;

function read(name, modules) {
  const bytes = Uint8Array.from(atob(modules[`play/${name}`].split(",")[1]), (letter) => letter.charCodeAt(0));
  return new TextDecoder().decode(bytes);
}

// Add the text of a module to `parts`, after all that it imports.
function collect(name, modules, parts) {
  if (parts.has(name)) return;
  const text = read(name, modules);
  for (const [, , other] of text.matchAll(IMPORT)) collect(other, modules, parts);
  const exported = Array.from(text.matchAll(EXPORT), ([, thing]) => thing);
  const body = text.replace(IMPORT, "const $1 = from_$2;").replace(EXPORT, "");
  parts.set(name, `const from_${name} = (() => {\n${body}\nreturn { ${exported.join(", ")} };\n})();\n`);
}

export function makeWorker(name) {
  const { imports } = JSON.parse(document.querySelector('script[type="importmap"]').textContent);
  const parts = new Map();
  collect(name, imports, parts);
  const url = URL.createObjectURL(new Blob([...parts.values()], { type: "text/javascript" }));
  const worker = new Worker(url);
  URL.revokeObjectURL(url);
  return worker;
}
