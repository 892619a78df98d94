// SPDX-License-Identifier: Apache-2.0
// What stands around every page: navigation, search, the light that says whether values are live,
// sign-in, keys, and the voice that announces alerts.
import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { activeAlerts, countAlerts, countSoon } from "./active";
import { liveState, missed, onEveryPage } from "./live";
import { keys } from "./keys";
import { latest, poll, reachable } from "./rates";
import { matched } from "./router";
import { Search } from "./search";
import { signInNeeded, signOut, token } from "./session";
import { SignIn } from "./signin";
import { dark, toggleTheme } from "./theme";
import { Icon } from "./ui/icons";
import { Dialog, Empty, Loading } from "./ui/parts";
import { Overview } from "./pages/overview";
import { Twins } from "./pages/twins";
import { TwinPage } from "./pages/twin";
import { Alerts } from "./pages/alerts";
import { TimeStart } from "./pages/time";
import { Buildings } from "./pages/buildings";
import { Editor } from "./pages/editor";
import { QuarantinePage } from "./pages/quarantine";
import { NodePage } from "./pages/node";

export const destinations = [
  { page: "overview", href: "/", label: "Overview", key: "o" },
  { page: "twins", href: "/twins", label: "Twins", key: "t" },
  { page: "alerts", href: "/alerts", label: "Alerts", key: "a" },
  { page: "time", href: "/time", label: "Time machine", key: "p" },
  { page: "map", href: "/map", label: "Map", key: "m" },
  { page: "buildings", href: "/buildings", label: "Buildings", key: "b" },
  { page: "editor", href: "/editor", label: "Models", key: "e" },
  { page: "quarantine", href: "/quarantine", label: "Quarantine", key: "q" },
  { page: "node", href: "/node", label: "Node", key: "n" },
];

type Page = ComponentType<{ arguments: string[] }>;
const pages: Record<string, Page> = {
  overview: Overview,
  twins: Twins,
  twin: TwinPage,
  alerts: Alerts,
  time: TimeStart,
  buildings: Buildings,
  editor: Editor,
  quarantine: QuarantinePage,
  node: NodePage,
  map: LazyMap,
};

/** Leaflet and the outlines of countries are fetched when a map is wanted, not before. */
function LazyMap(props: { arguments: string[] }) {
  const [Loaded, setLoaded] = useState<Page | null>(null);
  useEffect(() => {
    void import("./pages/map").then((m) => setLoaded(() => m.MapPage));
  }, []);
  return Loaded ? <Loaded {...props} /> : <Loading what="the map" />;
}

const announcement = signal("");
const helpShown = signal(false);

function useBackground() {
  useEffect(() => {
    void poll();
    void countAlerts();
    const stats = setInterval(() => void poll(), 2000);
    const count = setInterval(() => document.hidden || void countAlerts(), 10_000);
    const end = onEveryPage((events) => {
      const told = events.filter((e) => e.kind === "alert");
      if (told.length === 0) return;
      countSoon();
      const raised = told.filter((e) => ["raised", "emitted", "reopened"].includes(String(e.document.transition)));
      const one = raised.at(-1);
      if (one)
        announcement.value = `${one.document.severity} alert: ${one.document.rule} of ${one.twin}. ${one.document.message ?? ""}`;
    });
    return () => {
      clearInterval(stats);
      clearInterval(count);
      end();
    };
  }, [token.value]);
  useEffect(() => keys(() => (helpShown.value = true)), []);
}

const lights: Record<string, [string, string]> = {
  live: ["ok", "Live"],
  connecting: ["warning", "Connecting"],
  waiting: ["warning", "Reconnecting"],
  off: ["off", "Not live"],
};

function Light() {
  const [tone, words] = reachable.value ? lights[liveState.value] : ["critical", "Node not reached"];
  const { times, events } = missed.value;
  const lost = times ? `; ${events || "some"} events were missed, and what they told was read again` : "";
  return (
    <span class="light" role="status" title={`Event stream: ${words.toLowerCase()}${lost}`}>
      <span class={`dot ${tone}`} aria-hidden="true" />
      {words}
    </span>
  );
}

function Header() {
  const s = latest.value;
  return (
    <header class="top">
      <a class="brand" href="/" aria-label="Pollux, overview">
        <img src="/icon.svg" width="26" height="26" alt="" />
        <span>Pollux</span>
      </a>
      <Search />
      <div class="top-right">
        <Light />
        {s?.ready === false && (
          <a class="badge critical" href="/node">
            not ready
          </a>
        )}
        <button
          type="button"
          class="quiet"
          onClick={toggleTheme}
          aria-label={dark.value ? "Light colours" : "Dark colours"}
          title="Light or dark"
        >
          <Icon name={dark.value ? "sun" : "moon"} />
        </button>
        <button
          type="button"
          class="quiet only-wide"
          onClick={() => (helpShown.value = true)}
          aria-label="Keyboard help"
          title="Keys (?)"
        >
          ?
        </button>
        {token.value && (
          <button type="button" class="quiet" onClick={signOut} aria-label="Sign out" title="Sign out">
            <Icon name="out" />
          </button>
        )}
      </div>
    </header>
  );
}

function Navigation() {
  const here = matched.value.page === "twin" ? "twins" : matched.value.page;
  const count = activeAlerts.value.length;
  return (
    <nav class="nav" aria-label="Pages">
      {destinations.map((d) => (
        <a
          key={d.page}
          href={d.href}
          class={here === d.page ? "here" : ""}
          aria-current={here === d.page ? "page" : undefined}
          title={`${d.label} (g ${d.key})`}
        >
          <Icon name={d.page} />
          <span>{d.label}</span>
          {d.page === "alerts" && count > 0 && (
            <span class={`count ${activeAlerts.value.some((a) => a.severity === "critical") ? "critical" : "warning"}`}>
              {count}
              <span class="hidden"> active</span>
            </span>
          )}
        </a>
      ))}
    </nav>
  );
}

const helpRows: [string, string][] = [
  ["/", "search for a twin"],
  ...destinations.map((d) => [`g ${d.key}`, d.label] as [string, string]),
  ["↑ ↓ j k", "rows of a table"],
  ["Enter", "open the row"],
  ["a", "acknowledge the chosen alert"],
  ["← →", "in the time machine: one input back or on"],
  ["?", "this list"],
  ["Esc", "close"],
];

function Help() {
  return (
    <Dialog title="Keys" close={() => (helpShown.value = false)}>
      <dl class="keys">
        {helpRows.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

export function Shell() {
  useBackground();
  const { page, arguments: given } = matched.value;
  const Page = pages[page];
  useEffect(() => {
    const label = destinations.find((d) => d.page === page)?.label;
    document.title = `${given[0] ?? label ?? "Pollux"} · Pollux`;
  }, [page, given[0]]);
  return (
    <>
      <a class="skip" href="#main" data-leave>
        Skip to content
      </a>
      <Header />
      <Navigation />
      <main id="main" tabIndex={-1}>
        {signInNeeded.value ? (
          <SignIn />
        ) : Page ? (
          <Page key={`${page}/${page === "twin" ? given[0] : ""}${token.value ? "+" : ""}`} arguments={given} />
        ) : (
          <Empty title="There is no such page">
            <a href="/">To the overview</a>
          </Empty>
        )}
      </main>
      <div class="hidden" aria-live="polite" aria-atomic="true">
        {announcement.value}
      </div>
      {helpShown.value && <Help />}
    </>
  );
}
