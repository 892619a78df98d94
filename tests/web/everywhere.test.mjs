// SPDX-License-Identifier: Apache-2.0
// What holds on every page: keys, words for what is missing, sign-in, axe-core, the width of a phone.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";
import { missing, open, stage, until } from "./stage.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const motor = "plant1:motor-1";

let on;
let view;
before(
  async () => {
    if (missing()) return;
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
const noneWrong = () => assert.deepEqual(view.wrong, []);

async function findings() {
  await view.page.evaluate(axe);
  const found = await view.page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return found.violations.map(
    (v) => `${v.id}: ${v.nodes.map((n) => `${n.target} ${n.any.map((a) => a.message).join(" ")}`).join(" | ")}`,
  );
}

describe("every page", { skip: missing(), timeout: 900_000 }, () => {
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
    await go("/twins/plant1:nobody");
    await view.page.getByText("There is no twin plant1:nobody").waitFor();
    await go("/nowhere");
    await view.page.getByText("There is no such page").waitFor();
  });

  test("who must sign in is asked for a token, which is then sent", async () => {
    const guest = await open(on);
    let given = "";
    await guest.page.route("**/api/v1/**", async (route) => {
      given = route.request().headers().authorization ?? "";
      if (given === "Bearer let-me-in")
        return route.continue({ headers: { ...route.request().headers(), authorization: "" } });
      return route.fulfill({
        status: 401,
        contentType: "application/problem+json",
        body: '{"title":"Unauthorized","status":401,"detail":"a token is wanted"}',
      });
    });
    await guest.page.goto(on.base + "/");
    await guest.page.getByText("a token is wanted").waitFor();
    await guest.page.getByLabel("Token").fill("let-me-in");
    await guest.page.getByRole("button", { name: "Sign in" }).click();
    await until("the token in a request", () => given === "Bearer let-me-in");
    await guest.page.getByLabel("Token").waitFor({ state: "detached" });
    await guest.close();
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
      for (const path of [...all, `/twins/${motor}?at=${new Date(Date.now() - 15_000).toISOString()}`]) {
        await go(path);
        await view.page.locator("main h1").waitFor();
        await until(
          `${path} to be filled`,
          async () => (await view.page.locator("main .loading").count()) === 0,
          30_000,
        );
        bad.push(...(await findings()).map((f) => `${path} ${f}`));
      }
      assert.deepEqual(bad, []);
      noneWrong();
    });

  test("no page is wider than a phone", async () => {
    const phone = await open(on, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
    for (const path of all) {
      await phone.page.goto(on.base + path);
      await phone.page.locator("main h1").waitFor();
      await until(
        `${path} to be filled`,
        async () => (await phone.page.locator("main .loading").count()) === 0,
        30_000,
      );
      const wide = await phone.page.evaluate(() => document.scrollingElement.scrollWidth);
      assert.ok(wide <= 390, `${path} is ${wide} wide`);
    }
    assert.deepEqual(phone.wrong, []);
    await phone.close();
  });
});
