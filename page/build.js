// Bundles src into the files that a page is made of: `npm run build`, or with the folder to write to.

import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const folder = process.argv[2] ?? join(here, "..", "archcalc", "pages");

const options = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  charset: "ascii",
  target: "es2022",
  legalComments: "none",
  metafile: true,
  write: false,
};
const script = await build({ ...options, entryPoints: ["src/main.js"], format: "iife" });
const style = await build({ ...options, entryPoints: ["src/page.css"], loader: { ".css": "css" } });

/** The packages that the bundle has a part of: those read, and what they themselves have taken in. */
async function packages() {
  const names = new Set(
    Object.keys(script.metafile.inputs)
      .map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1])
      .filter(Boolean),
  );
  const found = [];
  for (const name of names) {
    const of = join(here, "node_modules", name);
    const { version, dependencies } = JSON.parse(await readFile(join(of, "package.json"), "utf8"));
    found.push({ name, version, license: (await readFile(join(of, "LICENSE"), "utf8")).trim() });
    for (const dependency of Object.keys(dependencies ?? {})) names.add(dependency);
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

const found = await packages();
const licenses = found
  .map(({ name, version, license }) => `${name} ${version}\n\n${license}\n`)
  .join("\n----\n\n");
const banner = `/*! archcalc; with ${found.map(({ name, version }) => `${name} ${version}`).join(", ")} (MIT). */\n`;
// What ends a script in HTML is not in it, wherever it would stand.
const text = script.outputFiles[0].text.replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
await writeFile(join(folder, "bundle.js"), banner + text.trim() + "\n");
await writeFile(join(folder, "page.css"), style.outputFiles[0].text.trim() + "\n");
await writeFile(
  join(folder, "licenses.txt"),
  `What archcalc/pages/bundle.js is made of, beside archcalc's own page/src:\n\n${licenses}`,
);
