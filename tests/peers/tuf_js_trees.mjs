// tuf-js judges many small repositories at once, for trees.py; see there.
//
// Usage: tuf_js_trees.mjs DIR URL. Exit status: 0 it agrees with DIR/trees.json, 1 it does not.

import { createHash } from "node:crypto";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const base = process.env.SEALIFT_NODE_MODULES;
const require = createRequire(base ? resolve(base, "package.json") : import.meta.url);
const { Updater } = require("tuf-js");

const [folder, url] = process.argv.slice(2);
const trees = JSON.parse(readFileSync(join(folder, "trees.json"), "utf8"));
const names = [...new Set(Object.values(trees).flatMap((listed) => Object.keys(listed ?? {})))].sort();

// The digests of what the client takes, null when it refuses the repository.
async function found(tree) {
  const work = mkdtempSync(join(tmpdir(), "tuf-js-"));
  try {
    copyFileSync(join(folder, tree, "pinned.json"), join(work, "root.json"));
    const updater = new Updater({
      metadataDir: work,
      metadataBaseUrl: `${url}${tree}`,
      targetBaseUrl: `${url}${tree}/targets`,
      config: { fetchRetry: false },
    });
    try {
      await updater.refresh();
    } catch (error) {
      if (error instanceof TypeError || error instanceof ReferenceError) throw error;
      return null;
    }
    const taken = {};
    for (const name of names) {
      const info = await updater.getTargetInfo(name);
      if (!info) continue;
      const path = await updater.downloadTarget(info, join(work, name));
      taken[name] = createHash("sha256").update(readFileSync(path)).digest("hex");
    }
    return taken;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

let wrong = 0;
for (const [tree, listed] of Object.entries(trees)) {
  const taken = await found(tree);
  const text = (found) => JSON.stringify(found && Object.entries(found).sort());
  if (text(taken) !== text(listed)) {
    console.log(`tuf-js: ${tree}: ${text(taken)} instead of ${text(listed)}`);
    wrong += 1;
  }
}
const refused = Object.values(trees).filter((listed) => listed === null).length;
if (wrong === 0) {
  console.log(`tuf-js: ${Object.keys(trees).length - refused} accepted, ${refused} refused, as they should be`);
}
process.exitCode = wrong ? 1 : 0;
