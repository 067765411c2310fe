// Download one target with tuf-js, trusting nothing but a given root file.
//
// Prints one line for each fact that the client verified. Exit status: 0 the target was
// downloaded and verified, 3 the repository or the target was refused, 2 wrong usage,
// anything else a fault of this script.
//
// tuf-js is looked for in the directory $SEALIFT_NODE_MODULES, else as usual beside this file.

import { createHash } from "node:crypto";
import { createReadStream, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

const base = process.env.SEALIFT_NODE_MODULES;
const require = createRequire(base ? resolve(base, "package.json") : import.meta.url);
const { Updater } = require("tuf-js");
const VERSION = require("tuf-js/package.json").version;

function usage() {
  const options = {};
  for (const name of ["root", "metadata-url", "targets-url", "target", "out"]) {
    options[name] = { type: "string" };
  }
  try {
    const { values } = parseArgs({ options });
    for (const name of ["root", "metadata-url", "targets-url", "target"]) {
      if (!values[name]) throw new Error(`--${name} is required`);
    }
    return values;
  } catch (error) {
    console.error(`tuf-js: ${error.message}`);
    process.exit(2);
  }
}

async function sha256(path) {
  const hash = createHash("sha256");
  for await (const block of createReadStream(path)) hash.update(block);
  return hash.digest("hex");
}

async function download(args, work) {
  const metadataDir = join(work, "metadata");
  mkdirSync(metadataDir);
  copyFileSync(args.root, join(metadataDir, "root.json"));
  const updater = new Updater({
    metadataDir,
    metadataBaseUrl: args["metadata-url"],
    targetBaseUrl: args["targets-url"],
    config: { targetsMaxLength: 8 * 1024 * 1024, fetchRetry: false },
  });
  await updater.refresh();
  for (const role of ["root", "timestamp", "snapshot", "targets"]) {
    const { signed } = JSON.parse(readFileSync(join(metadataDir, `${role}.json`), "utf8"));
    const prefix = role === "root" ? `tuf-js ${VERSION}` : "tuf-js";
    console.log(`${prefix}: ${role} version ${signed.version}, expires ${signed.expires}`);
  }
  const info = await updater.getTargetInfo(args.target);
  if (!info) throw new Error(`no target named ${args.target}`);
  const path = await updater.downloadTarget(info, args.out ?? join(work, "target"));
  const digest = await sha256(path);
  if (digest !== info.hashes.sha256) throw new Error("the file on disk is not the one that was verified");
  const protection = info.custom?.sealift?.protection ?? "not stated";
  console.log(`tuf-js: ${args.target} ${info.length} bytes sha256 ${digest} protection ${protection}`);
}

const args = usage();
const work = mkdtempSync(join(tmpdir(), "tuf-js-"));
try {
  await download(args, work);
} catch (error) {
  if (error instanceof TypeError || error instanceof ReferenceError) throw error;
  console.error(`tuf-js: refused: ${error.constructor.name}: ${error.message}`);
  process.exitCode = 3;
} finally {
  rmSync(work, { recursive: true, force: true });
}
