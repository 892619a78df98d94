// SPDX-License-Identifier: Apache-2.0
// Pictures of the navigation and the buttons, drawn by paths; decoration only, so hidden from readers.
const paths: Record<string, string> = {
  overview: "M3 12h4l3-8 4 16 3-8h4",
  twins: "M9 12a5 5 0 1 1 .01 0M15 7a5 5 0 1 1-2 9.6",
  alerts: "M12 4a6 6 0 0 1 6 6v4l2 3H4l2-3v-4a6 6 0 0 1 6-6M10 20h4",
  time: "M12 7v5l3 2M4 6v4h4M4.6 10A8 8 0 1 1 4 13",
  map: "M4 6l5-2 6 2 5-2v14l-5 2-6-2-5 2zM9 4v14M15 6v14",
  buildings: "M5 20V5l8-2v17M13 9h6v11M3 20h18M8 8h2M8 12h2M8 16h2M16 13h.01M16 16h.01",
  editor: "M8 8l-4 4 4 4M16 8l4 4-4 4M13 6l-2 12",
  quarantine: "M12 3l8 3v6c0 5-3.5 8-8 9-4.500-1-8-4-8-9V6zM9 10l6 5M15 10l-6 5",
  node: "M5 4h14v6H5zM5 14h14v6H5zM8 7h.01M8 17h.01M12 7h4M12 17h4",
  sun: "M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.500 1.500M17.500 17.500L19 19M5 19l1.500-1.500M17.500 6.500L19 5",
  moon: "M20 14A8 8 0 1 1 10 4a6.500 6.500 0 0 0 10 10",
  search: "M10.500 4a6.500 6.500 0 1 1 0 13 6.500 6.500 0 0 1 0-13M15.500 15.500L21 21",
  close: "M6 6l12 12M18 6L6 18",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  play: "M8 5l11 7-11 7z",
  pause: "M8 5v14M16 5v14",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  out: "M10 5H5v14h5M15 8l4 4-4 4M19 12H9",
};

export function Icon({ name }: { name: string }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path
        d={paths[name] ?? ""}
        fill="none"
        stroke="currentColor"
        stroke-width="1.7"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}
