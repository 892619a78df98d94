// SPDX-License-Identifier: Apache-2.0
// Builds the dashboard into web/dist, which is committed and embedded in the binary. Nothing in it
// may need another host, an inline script or a data: address: the policy is default-src 'self'.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const bundled = [
  "preact",
  "@preact/signals",
  "@preact/signals-core",
  "uplot",
  "leaflet",
  "topojson-client",
  "world-atlas",
];

/** Leaflet's stylesheet names pictures of controls that are not used here. */
function withoutPictures(): Plugin {
  return {
    name: "without-pictures",
    enforce: "pre",
    transform(code, id) {
      return id.includes("leaflet.css") ? code.replace(/url\([^)]*\)/g, "none") : null;
    },
  };
}

/** The licences of what is in the bundle go with it. */
function licences(): Plugin {
  const here = fileURLToPath(new URL("node_modules/", import.meta.url));
  return {
    name: "licences",
    generateBundle() {
      const texts = bundled.map((name) => {
        const folder = here + name;
        const file = existsSync(folder) && readdirSync(folder).find((f) => /^licen[cs]e/i.test(f));
        if (!file) throw new Error(`no licence found of ${name}`);
        return `${name}\n${"=".repeat(name.length)}\n${readFileSync(`${folder}/${file}`, "utf8").trim()}\n`;
      });
      this.emitFile({ type: "asset", fileName: "licences.txt", source: texts.join("\n\n") });
    },
  };
}

const node = process.env.POLLUX_NODE ?? "http://127.0.0.1:8080";
const proxied = ["/api", "/metrics", "/readyz", "/healthz", "/things", "/openapi.json", "/.well-known"];

export default defineConfig({
  plugins: [withoutPictures(), licences()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: true,
    reportCompressedSize: true,
    rollupOptions: {
      output: {
        entryFileNames: "assets/[name]-[hash].js",
        chunkFileNames: "assets/[name]-[hash].js",
        assetFileNames: "assets/[name]-[hash][extname]",
      },
    },
  },
  server: { proxy: Object.fromEntries(proxied.map((path) => [path, { target: node, changeOrigin: true, headers: { origin: node } }])) },
});
