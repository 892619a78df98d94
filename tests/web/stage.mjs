// SPDX-License-Identifier: Apache-2.0
// What the tests and the pictures stand on: a node with a simulated fleet, Debian's Chromium, and a
// page that keeps account of what must not happen - errors, and requests off the host.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const build = process.env.POLLUX_BUILD ?? join(root, "build", "release");
export const pollux = join(build, "pollux");
const browserPath = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Why the tests cannot run here, or nothing. */
export function missing() {
  if (!existsSync(pollux)) return `no ${pollux}; POLLUX_BUILD names another folder`;
  if (!existsSync(browserPath)) return `no ${browserPath} (package chromium); CHROMIUM names another`;
  return undefined;
}

function firstLine(child, what) {
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", resolve);
    child.once("exit", (code) => reject(new Error(`${what} ended with ${code} before it was ready`)));
  });
}

function end(child) {
  return new Promise((resolve) => {
    if (child.exitCode !== null) return resolve();
    child.once("exit", resolve);
    child.kill("SIGTERM");
  });
}

/** A node with its fleet. `base` is where the dashboard is: the node itself, or, where it was built
    without one, a server before it. */
export async function stage(faultEvery = "20s") {
  const node = spawn(
    "python3",
    [join(root, "web", "dev", "node.py"), "--pollux", pollux, "--fault-every", faultEvery],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const running = [node];
  const told = JSON.parse(await firstLine(node, "the node"));
  let base = told.http;
  const home = await fetch(base + "/", { headers: { Accept: "text/html" } });
  if (!(home.headers.get("content-type") ?? "").startsWith("text/html")) {
    const server = spawn(process.execPath, [join(root, "web", "dev", "serve.mjs"), told.http], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    running.push(server);
    base = await firstLine(server, "the server");
  }
  const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox"] });
  return {
    ...told,
    base,
    browser,
    async api(path, ask) {
      const answer = await fetch(`${told.http}/api/v1${path}`, ask);
      return answer.json();
    },
    async stop() {
      await browser.close();
      for (const child of running.reverse()) await end(child);
    },
  };
}

/** A page of its own, and the list of what was wrong with it. */
export async function open(on, options = {}) {
  const context = await on.browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const wrong = [];
  page.setDefaultTimeout(30_000);
  page.on("console", (m) => {
    // what a test provokes - a refusal, a missing twin - is told by the browser as an error, too
    if (m.type() === "error" && !/status of 4\d\d/.test(m.text())) wrong.push(`console: ${m.text()}`);
  });
  page.on("pageerror", (e) => wrong.push(`exception: ${e.stack ?? e.message}`));
  page.on("request", (r) => {
    if (new URL(r.url()).origin !== new URL(on.base).origin) wrong.push(`off the host: ${r.url()}`);
  });
  page.on("response", (r) => {
    if (r.status() >= 500) wrong.push(`${r.status()}: ${r.url()}`);
  });
  return { page, wrong, close: () => context.close() };
}

/** Waits for `condition` to be true; says what was waited for. */
export async function until(what, condition, limitMs = 60_000) {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited ${limitMs / 1000} s in vain for ${what}`);
    await new Promise((r) => setTimeout(r, 200));
  }
}
