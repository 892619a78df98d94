// SPDX-License-Identifier: Apache-2.0
// A line of a few hundred points without axes, as SVG: cheap, sharp, and without a library.

export function sparkPath(values: number[], width: number, height: number, floor?: number): string {
  if (values.length < 2) return "";
  const low = floor ?? Math.min(...values);
  const span = Math.max(...values) - low || 1;
  const step = width / (values.length - 1);
  return values
    .map(
      (v, i) =>
        `${i ? "L" : "M"}${(i * step).toFixed(1)} ${(height - 2 - ((v - low) / span) * (height - 4)).toFixed(1)}`,
    )
    .join("");
}

export function Spark(props: {
  values: number[];
  label: string;
  width?: number;
  height?: number;
  floor?: number;
  filled?: boolean;
}) {
  const width = props.width ?? 120;
  const height = props.height ?? 28;
  const path = sparkPath(props.values, width, height, props.floor);
  return (
    <svg
      class="spark"
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={props.label}
    >
      {props.filled && path && <path class="spark-fill" d={`${path}L${width} ${height}L0 ${height}Z`} />}
      <path class="spark-line" d={path} />
    </svg>
  );
}
