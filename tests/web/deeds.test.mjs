// SPDX-License-Identifier: Apache-2.0
// What people do with the dashboard: alerts, setpoints, the time machine, models, quarantine.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { open, past, stage, until, within } from "./stage.mjs";

const motor = "plant1:motor-1";

let on;
let view;
before(
  async () => {
    on = await stage("10s");
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
const button = (name) =>
  view.page.getByRole("group", { name: "Actions" }).getByRole("button", { name, exact: true });
const form = (name) => view.page.getByRole("form", { name, exact: true });

describe("deeds", { timeout: 280_000 }, () => {
  test("an alert comes into the open inbox by itself and is acknowledged there", async () => {
    await go("/alerts");
    await view.page.getByText("Live", { exact: true }).waitFor();
    const row = view.page.getByRole("row", { name: /vibration_high of plant1:motor-9, active/ });
    assert.equal(await row.count(), 0);
    on.publish("telemetry/motor/motor-9", { vibration: 9.5, temperature: 55, current: 9 });
    await row.waitFor();
    await row.click();
    await view.page.getByRole("heading", { name: "vibration high" }).waitFor();
    await until("the form", async () => {
      await view.page.keyboard.press("a"); // once the page listens
      return (await form("Acknowledge").count()) === 1;
    });
    await form("Acknowledge").getByLabel(/^Comment/).fill("on my way");
    await form("Acknowledge").getByRole("button", { name: "Acknowledge" }).click();
    await view.page.getByText("Acknowledge: done").waitFor();
    await view.page.getByRole("row", { name: /vibration_high of plant1:motor-9, acknowledged/ }).waitFor();
    const told = (await on.api("/alerts?twin=plant1:motor-9&rule=vibration_high")).items[0];
    const alert = await on.api(`/alerts/${told.twin}/${told.incident}`);
    assert.equal(alert.state, "acknowledged");
    assert.ok(alert.transitions.some((t) => t.transition === "acknowledged"));
    noneWrong();
  });

  test("an alert shows the readings it was judged by against the limit, is filtered, and verified", async () => {
    await go("/alerts?twin=plant1:motor-9&severity=critical");
    await until("the one alert", async () => (await view.page.locator("table.rows tbody tr").count()) === 1);
    await view.page.getByRole("row", { name: /vibration_high/ }).focus();
    await view.page.keyboard.press("Enter");
    const chart = view.page.getByRole("img", { name: /^Evidence: vibration/ });
    await chart.waitFor();
    await until("the reading in the chart", async () => /last 9.5/.test(await chart.getAttribute("aria-label")), 20_000);
    await view.page.getByText(/the 1 readings? that stands? as evidence/).waitFor();
    await view.page.getByText(/fires above 7.1|above 7.1/).first().waitFor();
    await button("Verify").click();
    await view.page.getByText(/^Second opinion:/).waitFor();
    await button("Comment").click();
    await form("Comment").getByLabel("Comment").fill("looked at by the test");
    await form("Comment").getByRole("button", { name: "Comment" }).click();
    await view.page.getByText("Comment: done").waitFor();
    noneWrong();
  });

  test("a rule is shelved, and the twin's page says until when", async () => {
    await go("/alerts?twin=plant1:motor-9");
    await view.page.getByRole("row", { name: /vibration_high/ }).click();
    await button("Shelve rule").click();
    await form("Shelve rule").getByLabel(/For how long/).selectOption("1h");
    await form("Shelve rule").getByRole("button", { name: "Shelve rule" }).click();
    await view.page.getByText("Shelve rule: done").waitFor();
    await go("/twins/plant1:motor-9");
    await view.page.getByText(/rule vibration_high shelved until/).waitFor();
    // it stands on the time line, too
    await view.page.getByRole("img", { name: /^vibration from .*, last 9.5.*, [1-9]\d* alerts?$/ }).waitFor();
    noneWrong();
  });

  test("a setpoint reaches the actuator and comes back as a reading", async () => {
    await go("/buildings");
    const card = view.page.getByRole("region", { name: "site1:building-2" });
    const input = card.getByLabel("Setpoint", { exact: true });
    await input.waitFor();
    const wanted = Number(await input.inputValue()) + 0.5;
    await card.getByRole("button", { name: "Setpoint of site1:building-2 up" }).click();
    assert.equal(Number(await input.inputValue()), wanted);
    await card.getByRole("button", { name: "Set", exact: true }).click();
    await card.getByText("confirmed").waitFor();
    await until(
      "the reading",
      async () => (await on.api("/twins/site1:building-2")).telemetry.setpoint.value === wanted,
      20_000,
    );
    await input.fill("35");
    await card.getByRole("button", { name: "Set", exact: true }).click();
    await card.getByText("refused").waitFor();
    await card.getByText(/above the maximum 28/).waitFor();
    noneWrong();
  });

  test("the time machine shows the past as the node replays it, and steps through it", async () => {
    view.expect(/404 .*\/(state|steps)\?/); // before there was anything
    const at = await past(on, motor, 20);
    await go(`/twins/${motor}?at=${at}`);
    await view.page.getByText(/^After input/).waitFor();
    const then = await on.api(`/twins/${motor}/state?at=${at}`);
    assert.ok(
      (await view.page.getByText(/^After input/).innerText()).includes(then.at.state_hash),
      "the state of that moment",
    );
    await view.page.locator(".step.here").waitFor();
    const hash = async () => /state (\S+?);/.exec(await view.page.getByText(/^After input/).innerText())?.[1];
    const another = async (what, than) => {
      await until(what, async () => ![undefined, than].includes(await hash()), 20_000);
      return hash();
    };
    const press = async (key, button) => {
      await view.page.locator(".step.here").waitFor();
      await view.page.locator(`button[aria-label="${button}"]:enabled`).waitFor();
      await view.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0))));
      await view.page.keyboard.press(key); // the page listens since it was painted
    };
    await view.page.getByRole("button", { name: "One input back" }).click();
    const before = await another("the state before it", then.at.state_hash);
    assert.ok(!view.page.url().includes(at), "the moment stands in the address");
    await press("ArrowLeft", "One input back");
    await another("the state before that", before);
    await press("ArrowRight", "One input on");
    await until("the same state again", async () => (await hash()) === before, 20_000);
    await view.page.getByLabel("Moment", { exact: true }).focus();
    await view.page.keyboard.press("Home");
    await until(
      "words for the time before there was anything, or its state",
      async () => (await view.page.getByText(/did not exist yet|After input/).count()) > 0,
      20_000,
    );
    noneWrong();
  });

  test("a model is checked by line, back-tested on the past, and can be put in force", async () => {
    await go("/editor/motor");
    const text = view.page.getByLabel("Text of model motor");
    await text.waitFor();
    const sound = await text.inputValue();
    await text.fill(sound.replace('"above": 7.1', '"abov": 7.1'));
    await view.page.getByRole("button", { name: "Check" }).click();
    await view.page.locator(".faults li").first().waitFor();
    assert.match(await textOf(".faults"), /line \d+, column \d+/);
    await text.fill(sound.replace('"above": 7.1, "clear": 4.5', '"above": 3.5, "clear": 3'));
    await view.page.getByRole("button", { name: "Check" }).click();
    await view.page.getByText(/^Sound/).waitFor();
    await view.page.getByRole("button", { name: "Run the back-test" }).click();
    await view.page.locator(".report").waitFor({ timeout: 90_000 });
    assert.match(await textOf(".report"), /vibration high/);
    await view.page.getByRole("button", { name: /^Promote/ }).click();
    await view.page.getByRole("dialog", { name: "Put in force" }).getByRole("button", { name: "Put in force" }).click();
    await view.page.getByText(/^(applied|pending): version/).waitFor();
    await until("a second version", async () => (await view.page.locator(".versions li").count()) >= 2, 20_000);
    noneWrong();
  });

  test("a message that cannot be used is kept, looked at, and tried again", async () => {
    view.expect(/4\d\d .*\/quarantine\/\d+\/replay/);
    on.publish("telemetry/motor/motor-1", '{"vibration": "high", "temperature": 57.4}');
    const entry = await until("the message", async () => (await on.api("/quarantine?limit=10")).items?.[0], 20_000);
    await go(`/quarantine/${entry.id}`);
    await view.page.getByLabel("Payload").waitFor();
    assert.match(await textOf(".payload"), /"vibration": "high"/);
    await view.page.getByRole("button", { name: "Decode again" }).click();
    await view.page.locator(".failure, .told:not(:empty)").first().waitFor();
    noneWrong();
  });
});
