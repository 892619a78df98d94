// SPDX-License-Identifier: Apache-2.0
// Pictures of every page for docs/images, of a node with a simulated fleet: npm run screenshots.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { open, root, shown, stage, until } from "./stage.mjs";

const folder = join(root, "docs", "images");
mkdirSync(folder, { recursive: true });
const on = await stage("45s");
try {
  await until(
    "two minutes of a fleet's life, with alerts",
    async () => (await on.api("/alerts?active=false&limit=100")).items?.length >= 20,
    240_000,
  );
  on.publish("telemetry/motor/motor-2", '{"vibration": "high", "temperature": 57.4}');
  const { lat, lon } = (await on.api("/twins/fleet1:vehicle-2")).telemetry;
  await on.api("/twins/fleet1:vehicle-2", {
    method: "PATCH",
    headers: { "Content-Type": "application/merge-patch+json" },
    body: JSON.stringify({ properties: { geofence: { lat: lat.value, lon: lon.value, radius_m: 3000 } } }),
  });
  const alert = async (rule) =>
    until(
      `an alert ${rule}`,
      async () => (await on.api(`/alerts?active=false&rule=${rule}&limit=50`)).items?.at(-1),
      120_000,
    );
  const wear = await alert("wear_then_spike");
  const spike = await alert("temperature_spike");
  const before = new Date(Date.parse(wear.raised_at) - 1500).toISOString();
  const pages = [
    ["overview", "/"],
    ["twins", "/twins"],
    ["twin", `/twins/${wear.twin}`],
    ["time_machine", `/twins/${wear.twin}?at=${before}&back=300000`],
    ["alert", `/alerts/${spike.twin}/${spike.incident}?active=all`],
    ["map", "/map?twin=fleet1:vehicle-2"],
    ["buildings", "/buildings"],
    ["models", "/editor/motor"],
    ["quarantine", "/quarantine/1"],
    ["node", "/node"],
  ];
  const shoot = async (suffix, options, wanted) => {
    const view = await open(on, options);
    for (const [name, path] of pages.filter(([n]) => !wanted || wanted.includes(n))) {
      await shown(view, on, path);
      await until(
        `${path} to be live`,
        async () => (await view.page.getByText("Live", { exact: true }).count()) > 0,
        30_000,
      );
      await view.page.waitForTimeout(["overview", "node"].includes(name) ? 12_000 : 3000); // for the lines to grow
      await view.page.screenshot({ path: join(folder, `dashboard_${name}${suffix}.png`) });
      console.log(`docs/images/dashboard_${name}${suffix}.png`);
    }
    if (view.wrong.length) throw new Error(view.wrong.join("\n"));
    await view.close();
  };
  await shoot("", { viewport: { width: 1280, height: 800 } });
  await shoot("_dark", { viewport: { width: 1280, height: 800 }, colorScheme: "dark" }, ["overview", "twin"]);
  await shoot("_phone", { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }, ["overview"]);
} finally {
  await on.stop();
}
