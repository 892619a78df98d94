// SPDX-License-Identifier: Apache-2.0
// Addresses: every view is one, so that it can be sent to somebody.
import { computed, signal } from "@preact/signals";

const read = () => ({ path: location.pathname, search: location.search });
export const place = signal(read());
export const parameters = computed(() => new URLSearchParams(place.value.search));

addEventListener("popstate", () => (place.value = read()));

export function go(address: string, replace = false) {
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  const before = place.value.path;
  place.value = read();
  if (before !== place.value.path) {
    scrollTo(0, 0);
    // screen readers hear of the new page, and the keyboard starts at its beginning
    requestAnimationFrame(() => document.getElementById("main")?.focus({ preventScroll: true }));
  }
}

/** Changes parameters of the present address; an empty value removes one. */
export function setParameters(changes: Record<string, string | undefined>, replace = true) {
  const next = new URLSearchParams(location.search);
  for (const [key, value] of Object.entries(changes))
    if (value) next.set(key, value);
    else next.delete(key);
  const text = next.toString().replace(/%3A/g, ":").replace(/%2C/g, ",");
  go(location.pathname + (text ? `?${text}` : ""), replace);
}

/** Plain clicks on links of ours change the page without loading it anew. */
export function followLinks(event: MouseEvent) {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    return;
  const link = (event.target as Element).closest?.("a");
  if (
    !link ||
    link.target ||
    link.hasAttribute("download") ||
    link.origin !== location.origin ||
    link.dataset.leave !== undefined
  )
    return;
  event.preventDefault();
  go(link.pathname + link.search + link.hash);
}

export interface Match {
  page: string;
  arguments: string[];
}

const routes: [string, RegExp][] = [
  ["overview", /^\/$/],
  ["twins", /^\/twins\/?$/],
  ["twin", /^\/twins\/([^/]+)\/?$/],
  ["alerts", /^\/alerts\/?$/],
  ["alerts", /^\/alerts\/([^/]+)\/([^/]+)\/?$/],
  ["time", /^\/time\/?$/],
  ["map", /^\/map\/?$/],
  ["buildings", /^\/buildings\/?$/],
  ["editor", /^\/editor\/?$/],
  ["editor", /^\/editor\/([^/]+)\/?$/],
  ["quarantine", /^\/quarantine\/?$/],
  ["quarantine", /^\/quarantine\/(\d+)\/?$/],
  ["node", /^\/node\/?$/],
];

export function match(path: string): Match {
  for (const [page, pattern] of routes) {
    const found = pattern.exec(path);
    if (found) return { page, arguments: found.slice(1).map((a) => decodeURIComponent(a)) };
  }
  return { page: "", arguments: [] };
}

export const matched = computed(() => match(place.value.path));
