// SPDX-License-Identifier: Apache-2.0
// What the tests and the pictures stand on: a node with a simulated fleet, Debian's Chromium, and a
// page that keeps account of what must not happen - errors, refusals, and requests off the host.
import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

/** The tests run from a copy beside their packages: the source is then told. */
export const root = process.env.POLLUX_SOURCE ?? join(dirname(fileURLToPath(import.meta.url)), "..", "..");
export const pollux =
  process.env.POLLUX_BIN ?? join(process.env.POLLUX_BUILD ?? join(root, "build", "release"), "pollux");
const browserPath = process.env.CHROMIUM ?? "/usr/bin/chromium";

function needed() {
  if (!existsSync(pollux)) throw new Error(`no ${pollux}: build it; POLLUX_BUILD names another folder`);
  if (!existsSync(browserPath)) throw new Error(`no ${browserPath}: install chromium; CHROMIUM names another`);
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

/** A node with its fleet, and a browser. The dashboard is the node's own. */
export async function stage(faultEvery = "20s") {
  needed();
  const node = spawn(
    "python3",
    ["-B", join(root, "web", "dev", "node.py"), "--pollux", pollux, "--fault-every", faultEvery],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const told = JSON.parse(await firstLine(node, "the node"));
  const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox"] });
  return {
    ...told,
    base: told.http,
    data: join(told.logs, "data"),
    browser,
    async api(path, ask) {
      const answer = await fetch(`${told.http}/api/v1${path}`, ask);
      return answer.json();
    },
    /** As a device would. */
    publish(topic, payload) {
      const text = typeof payload === "string" ? payload : JSON.stringify(payload);
      execFileSync("mosquitto_pub", ["-p", String(told.mqtt), "-q", "1", "-t", topic, "-m", text]);
    },
    /** A verb of the command line, on this node's data folder. */
    cli: (...words) =>
      execFileSync(pollux, [...words, "--data", join(told.logs, "data")], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
        env: { ...process.env, POLLUX_CONFIG: join(root, "config", "pollux.toml") },
      }).trim(),
    /** Kills the node; it comes back by itself after some seconds. */
    killNode: () => node.kill("SIGUSR1"),
    async stop() {
      await browser.close();
      await end(node);
    },
  };
}

/** A page of its own, and the list of what was wrong with it. What a test provokes it names before:
    expect(/pattern/) of "STATUS ADDRESS". */
export async function open(on, options = {}) {
  const context = await on.browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const wrong = [];
  const expected = [];
  page.setDefaultTimeout(30_000);
  page.on("console", (m) => {
    // the browser's own line about an answer of 4xx; the answer itself is looked at below
    const refused = m.type() === "error" && /^Failed to load resource: .*status of [45]\d\d/.test(m.text());
    if (["error", "warning"].includes(m.type()) && !refused && !expected.some((e) => e.test(m.text())))
      wrong.push(`console: ${m.text()}`);
  });
  page.on("pageerror", (e) => wrong.push(`exception: ${e.stack ?? e.message}`));
  page.on("request", (r) => {
    if (new URL(r.url()).origin !== new URL(on.base).origin) wrong.push(`off the host: ${r.url()}`);
  });
  page.on("response", (r) => {
    const told = `${r.status()} ${r.url()}`;
    if (r.status() >= 400 && !expected.some((e) => e.test(told))) wrong.push(told);
  });
  return { page, wrong, expect: (pattern) => expected.push(pattern), close: () => context.close() };
}

/** The page of `path` with all it loads at first. */
export async function shown(view, on, path) {
  await view.page.goto(on.base + path);
  await view.page.locator("main h1").waitFor();
  await until(`${path} to be filled`, async () => (await view.page.locator("main .loading").count()) === 0, 30_000);
}

/** Did it come to be within `timeout` ms? */
export const within = (locator, timeout = 8000) =>
  locator.waitFor({ timeout }).then(
    () => true,
    () => false,
  );

/** A moment some seconds ago at which the twin was there, as soon as there is one. */
export const past = (on, twin, seconds) =>
  until(`a past of ${twin}`, async () => {
    const at = new Date(Date.now() - seconds * 1000).toISOString();
    return (await on.api(`/twins/${twin}/state?at=${at}`)).at && at;
  });

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
