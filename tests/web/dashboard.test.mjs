// SPDX-License-Identifier: Apache-2.0
// What the dashboard shows: the fleet, the table, charts up to a million readings, the map, the node.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { open, root, shown, stage, until } from "./stage.mjs";

const motor = "plant1:motor-1";
const many = 1_000_000;

let on;
let view;
before(
  async () => {
    on = await stage();
    view = await open(on);
    await until("fifteen twins", async () => (await on.api("/twins?limit=100")).items?.length >= 15);
  },
  { timeout: 120_000 },
);
after(async () => {
  await on?.stop();
});

const go = (path) => view.page.goto(on.base + path);
const noneWrong = () => assert.deepEqual(view.wrong.splice(0), []);
const textOf = (selector) => view.page.locator(selector).first().innerText();

/** Readings of one twin a second, with a peak now and then, straight into the node's history. */
async function imported(twin, count, first) {
  const folder = mkdtempSync(join(tmpdir(), "pollux-web-test-"));
  try {
    const file = join(folder, "many.csv");
    const rows = Array.from({ length: count }, (_, i) => {
      const value = 20 + 3 * Math.sin(i / 9000) + (i % 50_021 === 7 ? 9 : 0);
      return `${twin},${new Date(first + i * 1000).toISOString()},temperature,${value.toFixed(3)}`;
    });
    writeFileSync(file, `twin,event_time,name,value\n${rows.join("\n")}\n`);
    on.cli("import", "readings", file, "--model", "device");
    await until("all of them", async () => (await on.api(`/twins/${twin}`)).readings?.applied === count, 120_000);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("dashboard", { timeout: 280_000 }, () => {
  test("all scripts together are at most 150 kB, gzipped", () => {
    const folder = join(root, "web", "dist", "assets");
    const scripts = readdirSync(folder).filter((f) => f.endsWith(".js"));
    const bytes = scripts.reduce((sum, f) => sum + gzipSync(readFileSync(join(folder, f)), { level: 9 }).length, 0);
    console.log(`${scripts.length} scripts, ${bytes} bytes gzipped`);
    assert.ok(scripts.length > 0 && bytes <= 150_000, `${bytes} bytes`);
  });

  test("the first page comes from the node, compressed, and says how soon it paints", async () => {
    const answers = [];
    const keep = (r) => answers.push(r);
    view.page.on("response", keep);
    await go("/");
    await view.page.getByRole("heading", { name: "Fleet" }).waitFor();
    const paint = await until("a first paint", () =>
      view.page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime),
    );
    view.page.off("response", keep);
    console.log(`first contentful paint after ${paint.toFixed(0)} ms`);
    const script = answers.find((r) => r.url().endsWith(".js"));
    assert.equal(await script.headerValue("content-encoding"), "gzip");
    assert.match(await script.headerValue("cache-control"), /immutable/);
    assert.match(await answers[0].headerValue("content-security-policy"), /default-src 'self'/);
    noneWrong();
  });

  test("the overview counts the fleet and its values move", async () => {
    await go("/");
    await view.page.getByRole("link", { name: "motor", exact: true }).first().waitFor();
    await view.page.getByText("Live", { exact: true }).waitFor();
    const before = await textOf(".tiles");
    await until("values that move", async () => (await textOf(".tiles")) !== before, 15_000);
    await until("a rate", async () => Number.parseFloat(await textOf(".figure.wide .figure-value")) > 0, 20_000);
    noneWrong();
  });

  test("the table narrows by RQL, points at a mistake, and is walked by arrow keys", async () => {
    await go("/twins");
    await until("fifteen rows", async () => (await view.page.locator("tbody tr").count()) === 15, 20_000);
    await view.page.getByRole("row", { name: /fleet1:vehicle-1/ }).focus();
    await view.page.keyboard.press("ArrowDown");
    assert.equal(
      await view.page.evaluate(() => document.activeElement?.getAttribute("aria-label")),
      "fleet1:vehicle-2",
    );
    await view.page.locator("#filter").fill('eq(kind,"motor")');
    await view.page.keyboard.press("Enter");
    await until("the motors", async () => (await view.page.locator("tbody tr").count()) === 4, 20_000);
    assert.match(decodeURIComponent(view.page.url()), /filter=eq\(kind,"motor"\)/);
    view.expect(/400 .*\/twins\?.*filter=/);
    await view.page.locator("#filter").fill('eq(kind,"motor"');
    await view.page.keyboard.press("Enter");
    await view.page.locator(".query-error").waitFor();
    assert.match(await textOf(".query-error pre"), /\n\s+\^/);
    noneWrong();
  });

  test("a twin that begins to fit the filter comes into the table by itself, and leaves it again", async () => {
    await go(`/twins?filter=${encodeURIComponent("gt(telemetry/vibration,50)")}`);
    const live = view.page.waitForResponse((r) => r.url().includes("/api/v1/search/live?"));
    await view.page.getByText(/^No twin/).waitFor();
    assert.equal((await live).status(), 200);
    on.publish("telemetry/motor/motor-8", { vibration: 60, temperature: 55, current: 9 });
    const row = view.page.getByRole("row", { name: "plant1:motor-8" });
    await row.waitFor();
    on.publish("telemetry/motor/motor-8", { vibration: 2, temperature: 55, current: 9 });
    await row.waitFor({ state: "detached" });
    noneWrong();
  });

  test("a twin's charts are live, and zooming asks for M4 of the new range", async () => {
    await go(`/twins/${motor}`);
    await view.page.locator(".chart canvas").first().waitFor();
    const before = await textOf(".chart-now");
    await until("a value that moves", async () => (await textOf(".chart-now")) !== before, 15_000);
    await until(
      "a line in the chart, and the window as a band",
      async () => /between .* window from/.test((await view.page.locator(".chart").first().getAttribute("aria-label")) ?? ""),
      20_000,
    );
    const asked = view.page.waitForRequest((r) => r.url().includes("/series?") && r.url().includes("function=m4"));
    const box = await view.page.locator(".chart .u-over").first().boundingBox();
    await view.page.mouse.move(box.x + box.width * 0.4, box.y + 40);
    await view.page.mouse.down();
    await view.page.mouse.move(box.x + box.width * 0.7, box.y + 40, { steps: 5 });
    await view.page.mouse.up();
    const range = new URL((await asked).url()).searchParams;
    const span = Date.parse(range.get("to")) - Date.parse(range.get("from"));
    assert.ok(span > 60_000 && span < 130_000, `the new range has ${span} ms`);
    assert.match(view.page.url(), /from=/);
    noneWrong();
  });

  test("a chart of a million readings loads a screenful and follows while it is zoomed and moved", async () => {
    const first = Date.now() - 13 * 86_400_000;
    await imported("lab1:many", many, first);
    const answered = view.page.waitForResponse((r) => r.url().includes("/series?"));
    const all = `from=${new Date(first - 3600_000).toISOString()}&to=${new Date(first + (many + 3600) * 1000).toISOString()}`;
    await go(`/twins/lab1:many?${all}`);
    const answer = await answered;
    const points = (await answer.json()).series[0].time.length;
    const cost = answer.request().timing().responseEnd;
    assert.ok(points > 500 && points < 10_000, `${points} points for ${many} readings`);
    await view.page.locator(".chart .u-over").first().waitFor();
    await view.page.evaluate(() => {
      window.frames_ = [];
      let last = performance.now();
      const next = (now) => {
        window.frames_.push(now - last);
        last = now;
        requestAnimationFrame(next);
      };
      requestAnimationFrame(next);
    });
    const box = await view.page.locator(".chart .u-over").first().boundingBox();
    await view.page.mouse.move(box.x + box.width / 2, box.y + 40);
    const wheel = async (key, turns) => {
      await view.page.keyboard.down(key);
      for (const turn of turns) await view.page.mouse.wheel(0, turn);
      await view.page.keyboard.up(key);
    };
    const shownFrom = () => new URL(view.page.url()).searchParams.get("from");
    const whole = shownFrom();
    await wheel("Control", Array(8).fill(-100));
    await until("a closer look", () => shownFrom() !== whole);
    const near = shownFrom();
    await wheel("Shift", [100, 100, 100]);
    await until("a move", () => shownFrom() !== near);
    await wheel("Control", Array(8).fill(100));
    await until("some frames", () => view.page.evaluate(() => window.frames_.length > 60));
    const frames = await view.page.evaluate(() => window.frames_.sort((a, b) => a - b));
    const of = (share) => frames[Math.floor(frames.length * share)];
    console.log(
      `${many} readings: ${points} points after ${cost.toFixed(0)} ms; a frame took ${of(0.5).toFixed(0)} ms, one of twenty ${of(0.95).toFixed(0)} ms`,
    );
    noneWrong();
  });

  test("a twin's model, Thing Description and document are read without leaving the page", async () => {
    await go(`/twins/${motor}`);
    const documents = view.page.getByRole("group", { name: "Documents" });
    for (const [label, word] of [
      ["Model", '"operators"'],
      ["Thing Description", "https://www.w3.org/2022/wot/td/v1.1"],
      ["JSON", '"telemetry"'],
    ]) {
      await documents.getByRole("button", { name: label, exact: true }).click();
      const dialog = view.page.getByRole("dialog", { name: label });
      await dialog.getByRole("region", { name: label }).getByText(word).waitFor();
      await view.page.keyboard.press("Escape");
      await dialog.waitFor({ state: "detached" });
    }
    noneWrong();
  });

  test("the map draws land, vehicles and where they have been, without asking anybody", async () => {
    await go("/map");
    await view.page.getByText("3 twins have a position").waitFor();
    await until("a label for each", async () => (await view.page.locator(".map-label").count()) === 3, 20_000);
    await view.page.getByRole("button", { name: "fleet1:vehicle-2" }).click();
    await view.page.waitForURL("**/map?twin=fleet1:vehicle-2");
    noneWrong();
  });

  test("the node's page says that it is ready and how quick its stages are", async () => {
    await go("/node");
    await view.page.getByText("ready", { exact: true }).first().waitFor();
    const stage = view.page.getByRole("row", { name: /^stage ingest to journal/ });
    await stage.waitFor();
    assert.match(await stage.innerText(), /\d [mµ]?s\s/);
    await view.page.getByRole("row", { name: /^journal sync / }).waitFor();
    noneWrong();
  });
});
