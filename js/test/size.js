// Fails if the module, minified and compressed, is larger than promised.
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { transform } from "esbuild";

const limit = 4096;
const source = await readFile(new URL("../molva.js", import.meta.url), "utf8");
const { code } = await transform(source, { minify: true, format: "esm" });
const size = gzipSync(code, { level: 9 }).length;
console.log(`molva.js: ${source.length} bytes, ${code.length} minified, ${size} compressed, of at most ${limit}`);
if (size > limit) process.exitCode = 1;
