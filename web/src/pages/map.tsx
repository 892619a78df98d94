// SPDX-License-Identifier: Apache-2.0
// The map, without a server of tiles: land and borders of the world-atlas, a net of degrees, and
// on it the twins, where they have been, their fences and routes. A chunk of its own.
import "leaflet/dist/leaflet.css";
import * as L from "leaflet";
import { useEffect, useRef, useState } from "preact/hooks";
import { feature, mesh } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import atlas from "world-atlas/countries-110m.json?url";
import { idPath, model as readModel, series, twinsLike } from "../api";
import { type Twin, toTwin, worstOf } from "../documents";
import { iso, number, unitSign } from "../format";
import { type LatLon, type Shape, netStep, placeNames, positionOf, shapesOf, trackOf } from "../geography";
import { useLive, useLoad } from "../load";
import { go, parameters, setParameters } from "../router";
import { colour, dark } from "../theme";
import { Age, Badge, Dot, Empty, Failure, Loading, PageHead } from "../ui/parts";

interface Layers {
  map: L.Map;
  land: L.LayerGroup;
  net: L.LayerGroup;
  shapes: L.LayerGroup;
  tracks: Map<string, L.Polyline>;
  marks: Map<string, L.CircleMarker>;
}

/** Leaflet takes texts for HTML; an element it takes as it is. */
function plain(text: string): HTMLElement {
  const element = document.createElement("span");
  element.textContent = text;
  return element;
}

/** Layers of one picture each, so that land never hides a track. */
const panes: [string, number][] = [
  ["land", 210],
  ["net", 220],
  ["shapes", 330],
  ["tracks", 340],
];

async function drawLand(layers: Layers) {
  const world = (await (await fetch(atlas)).json()) as Topology<{
    countries: GeometryCollection;
    land: GeometryCollection;
  }>;
  layers.land.clearLayers();
  L.geoJSON(feature(world, world.objects.land), {
    pane: "land",
    interactive: false,
    style: { stroke: false, fillColor: colour("map-land"), fillOpacity: 1 },
  }).addTo(layers.land);
  L.geoJSON(mesh(world, world.objects.countries, (a, b) => a !== b) as never, {
    pane: "land",
    interactive: false,
    style: { color: colour("map-border"), weight: 1 },
  }).addTo(layers.land);
}

function drawNet({ map, net }: Layers) {
  net.clearLayers();
  const b = map.getBounds().pad(0.2);
  const step = netStep(Math.min(map.getBounds().getEast() - map.getBounds().getWest(), 180));
  const style = { pane: "net", color: colour("map-net"), weight: 1, interactive: false };
  const digits = step < 0.01 ? 3 : step < 1 ? 2 : 0;
  const label = (at: LatLon, text: string, css: string) =>
    L.marker(at, {
      interactive: false,
      keyboard: false,
      icon: L.divIcon({ iconSize: [0, 0], className: `net-label ${css}`, html: plain(text) }),
    }).addTo(net);
  for (let lon = Math.ceil(b.getWest() / step) * step; lon <= b.getEast(); lon += step) {
    L.polyline(
      [
        [Math.max(-85, b.getSouth()), lon],
        [Math.min(85, b.getNorth()), lon],
      ],
      style,
    ).addTo(net);
    label([map.getBounds().getSouth(), lon], `${lon.toFixed(digits)}°`, "south");
  }
  for (let lat = Math.ceil(b.getSouth() / step) * step; lat <= b.getNorth(); lat += step) {
    if (Math.abs(lat) > 85) continue;
    L.polyline(
      [
        [lat, b.getWest()],
        [lat, b.getEast()],
      ],
      style,
    ).addTo(net);
    label([lat, map.getBounds().getWest()], `${lat.toFixed(digits)}°`, "west");
  }
}

function create(at: HTMLElement): Layers {
  const map = L.map(at, {
    preferCanvas: true,
    attributionControl: false,
    zoomControl: true,
    worldCopyJump: true,
    minZoom: 2,
    maxZoom: 18,
    zoomSnap: 0.5,
  }).setView([30, 10], 2);
  for (const [name, z] of panes) map.createPane(name).style.zIndex = String(z);
  L.control.scale({ imperial: false }).addTo(map);
  const group = () => L.layerGroup().addTo(map);
  const layers: Layers = { map, land: group(), net: group(), shapes: group(), tracks: new Map(), marks: new Map() };
  map.on("moveend", () => drawNet(layers));
  return layers;
}

const placed =
  "or(exists(telemetry/lat),exists(telemetry/latitude),exists(properties/position),exists(properties/location))";
const tone = (t: Twin) => worstOf(t.alerts) ?? "ok";

function place(layers: Layers, twin: Twin, chosen: string) {
  const at = positionOf(twin);
  if (!at) return;
  let mark = layers.marks.get(twin.id);
  if (!mark) {
    mark = L.circleMarker(at, { radius: 8 }).addTo(layers.map);
    mark.bindTooltip(plain(twin.id.replace(/^[^:]*:/, "")), {
      permanent: true,
      direction: "right",
      offset: [10, 0],
      className: "map-label",
    });
    mark.on("click", () => setParameters({ twin: twin.id }));
    layers.marks.set(twin.id, mark);
  }
  mark.setLatLng(at);
  mark.setStyle({ color: colour("surface"), weight: 2, fillColor: colour(tone(twin)), fillOpacity: 1 });
  mark.setRadius(twin.id === chosen ? 11 : 8);
  const track = layers.tracks.get(twin.id);
  if (!track) return;
  const points = track.getLatLngs() as L.LatLng[];
  const last = points.at(-1);
  if (!last || last.lat !== at[0] || last.lng !== at[1]) track.addLatLng(at);
}

function setTrack(layers: Layers, id: string, points: LatLon[], chosen: boolean) {
  layers.tracks.get(id)?.remove();
  const line = L.polyline(points, {
    color: colour(chosen ? "accent" : "map-track"),
    weight: chosen ? 3 : 2,
    opacity: chosen ? 0.95 : 0.6,
    interactive: false,
    pane: "tracks",
  }).addTo(layers.map);
  layers.tracks.set(id, line);
}

function drawShapes(layers: Layers, shapes: Shape[]) {
  layers.shapes.clearLayers();
  for (const s of shapes) {
    const style =
      s.kind === "fence"
        ? { pane: "shapes", color: colour("warning"), weight: 2, dashArray: "6 5", fillOpacity: 0.06 }
        : { pane: "shapes", color: colour("info"), weight: 2, dashArray: "2 6", fill: false };
    const drawn = s.circle
      ? L.circle(s.circle.at, { ...style, radius: s.circle.radius })
      : s.kind === "fence"
        ? L.polygon(s.points, style)
        : L.polyline(s.points, style);
    drawn.bindTooltip(plain(s.name)).addTo(layers.shapes);
  }
}

/** Where a twin was within the last minutes: means of short stretches, the same ones for both
    coordinates, so that hours cost what minutes do. */
async function loadTrack(twin: Twin, minutes: number, signal: AbortSignal): Promise<LatLon[]> {
  const names = placeNames(twin.telemetry);
  if (!names) return [];
  const to = Date.now();
  const found = await series(
    twin.id,
    { telemetry: names.join(","), from: iso(to - minutes * 60_000), to: iso(to), function: "buckets", points: 900 },
    signal,
  );
  const rows = found.flatMap((s) =>
    (s.time ?? []).map((event_time, i) => ({ name: s.telemetry, event_time, value: s.mean?.[i] })),
  );
  return trackOf(rows, names).map((p) => p.at);
}

function Side({ twins, chosen }: { twins: Twin[]; chosen: string }) {
  return (
    <ul class="map-list" aria-label="Twins with a position">
      {twins.map((t) => {
        const names = placeNames(t.telemetry);
        return (
          <li key={t.id} class={t.id === chosen ? "chosen" : ""}>
            <button
              type="button"
              class="link mono"
              aria-pressed={t.id === chosen}
              onClick={() => setParameters({ twin: t.id === chosen ? "" : t.id })}
            >
              {t.id}
            </button>
            {worstOf(t.alerts) ? <Badge severity={tone(t)}>{tone(t)}</Badge> : <Dot tone="ok" label="ok" />}
            <span class="muted">
              <Age time={t.last_event_time} />
            </span>
            {t.id === chosen && (
              <dl class="facts">
                {Object.entries(t.telemetry).map(([n, v]) => (
                  <div key={n}>
                    <dt>{n.replace(/_/g, " ")}</dt>
                    <dd>
                      {number(v.value, names?.includes(n) ? 8 : 4)} <span class="unit">{unitSign(v.unit)}</span>
                    </dd>
                  </div>
                ))}
                <div>
                  <dt>page</dt>
                  <dd>
                    <a href={`/twins/${idPath(t.id)}`}>open</a>
                  </dd>
                </div>
              </dl>
            )}
          </li>
        );
      })}
    </ul>
  );
}

export function MapPage(_: { arguments: string[] }) {
  const at = useRef<HTMLDivElement>(null);
  const layers = useRef<Layers | undefined>(undefined);
  const [changed, setChanged] = useState(new Map<string, Twin>());
  const minutes = Number(parameters.value.get("minutes")) || 15;
  const chosen = parameters.value.get("twin") ?? "";
  const list = useLoad((signal) => twinsLike(placed, 500, signal), [], 20_000);
  const rows = (list.data?.rows ?? []).map((t) => changed.get(t.id) ?? t).filter((t) => positionOf(t));
  const ids = rows.map((t) => t.id).join(",");
  useLive({ twins: "*", kinds: "state,alert" }, (events) => {
    const states = events
      .filter((e) => e.kind === "state" && e.document.telemetry)
      .map((e) => toTwin(e.document))
      .filter((t) => positionOf(t));
    if (states.length) setChanged((was) => new Map([...was, ...states.map((t) => [t.id, t] as [string, Twin])]));
  });
  useEffect(() => {
    const made = (layers.current = create(at.current!));
    return () => {
      made.map.remove();
      layers.current = undefined;
    };
  }, []);
  const isDark = dark.value;
  useEffect(() => {
    const l = layers.current!;
    void drawLand(l).then(() => layers.current === l && drawNet(l));
  }, [isDark]);
  useEffect(() => {
    if (ids && layers.current)
      layers.current.map.fitBounds(L.latLngBounds(rows.map((t) => positionOf(t)!)).pad(0.35), {
        maxZoom: 14,
        animate: false,
      });
  }, [ids === ""]);
  useEffect(() => {
    const stop = new AbortController();
    for (const t of rows)
      void loadTrack(t, minutes, stop.signal)
        .then(
          (points) => layers.current && !stop.signal.aborted && setTrack(layers.current, t.id, points, t.id === chosen),
        )
        .catch(() => {});
    return () => stop.abort();
  }, [ids, minutes, chosen, isDark]);
  useEffect(() => {
    const names = [...new Set(rows.map((t) => t.model.name))];
    void Promise.all(
      names.map((n) =>
        readModel(n).then(
          (m) => m.model as unknown as Record<string, unknown>,
          () => undefined,
        ),
      ),
    ).then(
      (models) =>
        layers.current &&
        drawShapes(layers.current, [...models.flatMap(shapesOf), ...rows.flatMap((t) => shapesOf(t.properties))]),
    );
  }, [ids, isDark]);
  useEffect(() => {
    for (const t of rows) if (layers.current) place(layers.current, t, chosen);
  });
  return (
    <>
      <PageHead title="Map" sub={list.data ? `${rows.length} twins have a position` : undefined}>
        <div class="range" role="group" aria-label="Length of the tracks">
          {[5, 15, 60, 360].map((m) => (
            <button
              key={m}
              type="button"
              class={m === minutes ? "on" : ""}
              aria-pressed={m === minutes}
              onClick={() => setParameters({ minutes: String(m) })}
            >
              {m < 60 ? `${m} min` : `${m / 60} h`}
            </button>
          ))}
        </div>
      </PageHead>
      {list.error && !list.data ? <Failure error={list.error} again={list.again} /> : null}
      {list.loading && !list.data && <Loading what="positions" />}
      {list.data && rows.length === 0 && (
        <Empty title="No twin has a position">
          Twins with <code>lat</code> and <code>lon</code> among their telemetry stand here.
        </Empty>
      )}
      <div class="map-page">
        <div
          ref={at}
          class="map"
          role="application"
          aria-label="Map of twins; the list beside it has the same"
          onDblClick={() => chosen && go(`/twins/${idPath(chosen)}`)}
        />
        <Side twins={rows} chosen={chosen} />
      </div>
    </>
  );
}
