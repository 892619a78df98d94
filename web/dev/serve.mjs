// SPDX-License-Identifier: Apache-2.0
// Serves web/dist as the node does - deep links, strict policy - before a node somewhere else, whose
// API it passes on. For looking at a build without building the node.
//   node dev/serve.mjs http://127.0.0.1:8080 [port]
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer, request } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const target = new URL(process.argv[2] ?? "http://127.0.0.1:8080");
const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".json": "application/json",
  ".txt": "text/plain; charset=utf-8",
};
const passed = /^\/(api|metrics|readyz|healthz|livez|things|openapi\.json|\.well-known)(\/|$|\?)/;

const server = createServer((asked, answer) => {
  if (passed.test(asked.url)) {
    const on = request(
      {
        host: target.hostname,
        port: target.port,
        path: asked.url,
        method: asked.method,
        // the node would refuse a page of another origin, which this one is to it
        headers: { ...asked.headers, host: target.host, origin: target.origin },
      },
      (from) => {
        answer.writeHead(from.statusCode, from.headers);
        from.pipe(answer);
      },
    );
    on.on("error", () => (answer.headersSent ? answer.destroy() : answer.writeHead(502).end()));
    answer.on("close", () => on.destroy());
    asked.pipe(on);
    return;
  }
  const path = normalize(new URL(asked.url, "http://x").pathname);
  const file = join(dist, path);
  const found = file.startsWith(dist) && existsSync(file) && statSync(file).isFile() ? file : join(dist, "index.html");
  answer.writeHead(200, {
    "Content-Type": types[extname(found)] ?? "application/octet-stream",
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
  });
  createReadStream(found).pipe(answer);
});
server.listen(Number(process.argv[3] ?? 0), "127.0.0.1", () =>
  console.log(`http://127.0.0.1:${server.address().port}`),
);
