// SPDX-License-Identifier: Apache-2.0
// When things are not as they should be: tokens and roles, a node that goes away, events that were missed.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { open, stage, until } from "./stage.mjs";

let on;
before(
  async () => {
    on = await stage();
    await until("fifteen twins", async () => (await on.api("/twins?limit=100")).items?.length >= 15);
  },
  { timeout: 120_000 },
);
after(async () => {
  await on?.stop();
});

const live = (view) => view.page.getByText("Live", { exact: true }).waitFor();
const valuesMove = async (view) => {
  const text = () => view.page.locator(".tiles").innerText();
  const before = await text();
  await until("values that move", async () => (await text()) !== before, 20_000);
};

describe("trouble", { timeout: 280_000 }, () => {
  test("after events that were missed the page reads anew what they told", async () => {
    const view = await open(on);
    await view.page.route("**/api/v1/events?*", (route) =>
      route.fulfill({ contentType: "text/event-stream", body: 'event: missed\ndata: {"events":null}\n\n' }),
    );
    await view.page.goto(on.base + "/");
    await view.page.locator(".tile").first().waitFor();
    await view.page.waitForRequest((r) => r.url().includes("/api/v1/twins?"));
    await view.page.locator('[role=status][title*="some events were missed"]').waitFor();
    await view.page.unrouteAll({ behavior: "ignoreErrors" });
    await live(view);
    assert.deepEqual(view.wrong, []);
    await view.close();
  });

  test("a node that is killed is missed, and found again when it is back", async () => {
    const view = await open(on);
    view.expect(/net::ERR_|503 /);
    await view.page.goto(on.base + "/");
    await live(view);
    await valuesMove(view);
    on.killNode();
    await view.page.getByText(/Node not reached|Reconnecting/).waitFor();
    await live(view);
    await valuesMove(view);
    assert.deepEqual(view.wrong, []);
    await view.close();
  });

  test("with tokens the page asks for one, uses tickets for its stream, and says what a role may not", async () => {
    const secret = on.cli("token", "create", "eve", "--role", "viewer");
    const view = await open(on);
    view.expect(/401 |403 .*\/(commands|jobs)/);
    await view.page.goto(on.base + "/buildings");
    await view.page.getByLabel("Token").fill("a-wrong-one");
    await view.page.getByRole("button", { name: "Sign in" }).click();
    await view.page.getByText("this token is not known here").waitFor();
    await view.page.getByLabel("Token").fill(secret);
    const stream = view.page.waitForRequest((r) => r.url().includes("/api/v1/events?"));
    await view.page.getByRole("button", { name: "Sign in" }).click();
    assert.match((await stream).url(), /[?&]ticket=/);
    assert.ok(!(await stream).url().includes(secret), "the token is in no address");
    await live(view);
    const card = view.page.getByRole("region", { name: "site1:building-2" });
    await card.getByRole("button", { name: "Setpoint of site1:building-2 up" }).click();
    await card.getByRole("button", { name: "Set", exact: true }).click();
    await card.getByText("Your role does not allow this.").waitFor();
    await view.page.goto(on.base + "/node");
    await view.page.getByText("you are eve (viewer)").waitFor();
    on.cli("token", "revoke", "eve");
    await view.page.getByLabel("Token").waitFor();
    assert.deepEqual(view.wrong, []);
    await view.close();
  });
});
