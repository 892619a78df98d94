// SPDX-License-Identifier: Apache-2.0
// What holds on every page: keys, words for what is missing, axe-core, the width of a phone.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";
import { open, past, shown, stage, until } from "./stage.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const motor = "plant1:motor-1";

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

async function findings() {
  await view.page.evaluate(axe);
  const found = await view.page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return found.violations.map(
    (v) => `${v.id}: ${v.nodes.map((n) => `${n.target} ${n.any.map((a) => a.message).join(" ")}`).join(" | ")}`,
  );
}

describe("every page", { timeout: 280_000 }, () => {
  test("keys go places, and the search finds a twin", async () => {
    await go("/");
    await view.page.getByRole("heading", { name: "Fleet" }).waitFor();
    await view.page.keyboard.press("g");
    await view.page.keyboard.press("n");
    await view.page.getByRole("heading", { name: "Node", level: 1 }).waitFor();
    await view.page.keyboard.press("Escape");
    await view.page.locator("#search").click();
    await view.page.keyboard.type("motor-3");
    await view.page.getByRole("option", { name: /plant1:motor-3/ }).waitFor();
    await view.page.keyboard.press("Enter");
    await view.page.waitForURL("**/twins/plant1:motor-3");
    await view.page.keyboard.press("?");
    await view.page.getByRole("dialog", { name: "Keys" }).waitFor();
    await view.page.keyboard.press("Escape");
    noneWrong();
  });

  test("what is not there is said in words", async () => {
    view.expect(/404 .*plant1:nobody/);
    await go("/twins/plant1:nobody");
    await view.page.getByText("There is no twin plant1:nobody").waitFor();
    await go("/nowhere");
    await view.page.getByText("There is no such page").waitFor();
  });

  const all = [
    "/",
    "/twins",
    `/twins/${motor}`,
    "/time",
    "/alerts?active=all",
    "/map",
    "/buildings",
    "/editor/motor",
    "/quarantine",
    "/node",
  ];

  for (const scheme of ["light", "dark"])
    test(`axe finds nothing on any page, ${scheme}`, async () => {
      await view.page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      const bad = [];
      for (const path of [...all, `/twins/${motor}?at=${await past(on, motor, 5)}`]) {
        await shown(view, on, path);
        bad.push(...(await findings()).map((f) => `${path} ${f}`));
      }
      assert.deepEqual(bad, []);
      noneWrong();
    });

  test("no page is wider than a phone", async () => {
    const phone = await open(on, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
    for (const path of all) {
      await shown(phone, on, path);
      const wide = await phone.page.evaluate(() => document.scrollingElement.scrollWidth);
      assert.ok(wide <= 390, `${path} is ${wide} wide`);
    }
    assert.deepEqual(phone.wrong, []);
    await phone.close();
  });
});
