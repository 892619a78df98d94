// SPDX-License-Identifier: Apache-2.0
// Prometheus text, read for people: families with their help and samples.

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}
export interface Family {
  name: string;
  help: string;
  type: string;
  samples: Sample[];
}

const sampleLine = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;

export function parseMetrics(text: string): Family[] {
  const families = new Map<string, Family>();
  const family = (name: string) => {
    let one = families.get(name);
    if (!one) families.set(name, (one = { name, help: "", type: "untyped", samples: [] }));
    return one;
  };
  for (const line of text.split("\n")) {
    if (line.startsWith("# HELP ") || line.startsWith("# TYPE ")) {
      const [, what, name, ...rest] = line.split(" ");
      if (what === "HELP") family(name).help = rest.join(" ");
      else family(name).type = rest.join(" ");
      continue;
    }
    const found = line.startsWith("#") ? null : sampleLine.exec(line);
    if (!found) continue;
    const labels: Record<string, string> = {};
    for (const [, key, value] of (found[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[key] = value;
    const stem = found[1].replace(/_(bucket|sum|count)$/, "");
    const owner = families.has(found[1]) ? found[1] : families.has(stem) ? stem : found[1];
    family(owner).samples.push({ name: found[1], labels, value: found[3] === "+Inf" ? Infinity : Number(found[3]) });
  }
  return [...families.values()].filter((f) => f.samples.length > 0);
}

/** The sum over all labels of one name; undefined when there is none. */
export function total(families: Family[], name: string, where: Record<string, string> = {}): number | undefined {
  const samples = families
    .flatMap((f) => f.samples)
    .filter((s) => s.name === name && Object.entries(where).every(([k, v]) => s.labels[k] === v));
  return samples.length ? samples.reduce((sum, s) => sum + s.value, 0) : undefined;
}

export interface Latency {
  name: string;
  help: string;
  seconds: boolean;
  /** p50, p99, p99.9; NaN: nothing happened lately */
  quantiles: number[];
  count: number;
}

export const shares = [0.5, 0.99, 0.999];

/** Every histogram, one line for each of its labels, its quantiles from the summary of the last
    minutes beside it ("x_quantile_seconds"), else reckoned from its buckets. */
export function latencies(families: Family[]): Latency[] {
  const of = new Map(families.map((f) => [f.name, f]));
  const rows = families.filter((f) => f.samples.some((s) => s.name === `${f.name}_bucket`)).flatMap((f) => {
    const lately = of.get(f.name.replace(/(_seconds)?$/, "_quantile$1"));
    return f.samples
      .filter((s) => s.name === `${f.name}_count`)
      .map(({ labels, value }) => {
        const same = (s: Sample) => Object.entries(labels).every(([k, v]) => s.labels[k] === v);
        const told = lately?.samples.filter((s) => s.labels.quantile !== undefined && same(s)) ?? [];
        return {
          name: [f.name.replace(/^pollux_|_seconds$/g, ""), ...Object.values(labels)].join(" "),
          help: f.help,
          seconds: f.name.endsWith("_seconds"),
          quantiles: shares.map((q) =>
            told.length
              ? (told.find((s) => Number(s.labels.quantile) === q)?.value ?? NaN)
              : (quantile(f.samples.filter(same), q) ?? NaN),
          ),
          count: value,
        };
      });
  });
  return rows.sort((a, b) => Number(b.name.startsWith("stage ")) - Number(a.name.startsWith("stage ")));
}

/** The value below which the share `q` lies, by straight lines within buckets as Prometheus has it. */
export function quantile(samples: Sample[], q: number): number | undefined {
  const buckets = new Map<number, number>();
  for (const s of samples)
    if (s.name.endsWith("_bucket")) {
      const edge = s.labels.le === "+Inf" ? Infinity : Number(s.labels.le);
      buckets.set(edge, (buckets.get(edge) ?? 0) + s.value);
    }
  const sorted = [...buckets].sort((a, b) => a[0] - b[0]);
  const all = sorted.at(-1)?.[1] ?? 0;
  if (all === 0) return undefined;
  let edge = 0;
  let below = 0;
  for (const [upper, count] of sorted) {
    if (count >= q * all)
      return upper === Infinity ? edge : edge + ((upper - edge) * (q * all - below)) / Math.max(1, count - below);
    edge = upper;
    below = count;
  }
  return edge;
}
