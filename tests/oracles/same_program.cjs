// Reads pairs of modules as JSON; answers, for each, whether both are the same program. Run with --expose-internals: node brings a
// parser of its own.
const { readFileSync } = require("node:fs");
const acorn = require("internal/deps/acorn/acorn/dist/acorn");

const program = (source) => {
  const tree = acorn.parse(source, { ecmaVersion: "latest", sourceType: "module" });
  return JSON.stringify(tree, (name, value) => (name === "start" || name === "end" ? undefined : value));
};
const pairs = JSON.parse(readFileSync(0, "utf-8"));
process.stdout.write(JSON.stringify(pairs.map(([one, other]) => program(one) === program(other))));
