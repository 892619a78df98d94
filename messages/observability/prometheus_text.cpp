// SPDX-License-Identifier: Apache-2.0
#include "messages/observability/prometheus_text.hpp"
#include <charconv>
#include <cmath>

namespace pollux::messages {

namespace {
void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}
} // namespace

std::string prometheus_number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return {buffer, end};
}

void prometheus_text::head(std::string_view name, std::string_view help, std::string_view type) {
  const bool open = how_.as == exposition::openmetrics;
  if (open && type == "counter" && name.ends_with("_total")) name.remove_suffix(6);
  out_.append("# HELP ").append(name).append(" ");
  append_escaped(out_, help, open);
  out_.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
}

void prometheus_text::name_and_labels(std::string_view name, const labels& l, std::string_view key,
                                      std::string_view value) {
  out_ += name;
  char separator = '{';
  const auto one = [&](std::string_view k, std::string_view v) {
    out_.append(1, separator).append(k).append("=\"");
    append_escaped(out_, v, true);
    out_ += '"';
    separator = ',';
  };
  for (const auto& [k, v] : l) one(k, v);
  if (!key.empty()) one(key, value);
  out_ += separator == ',' ? "} " : " ";
}

void prometheus_text::sample(std::string_view name, const labels& l, std::uint64_t value) {
  name_and_labels(name, l);
  out_.append(std::to_string(value)).append("\n");
}

void prometheus_text::sample(std::string_view name, const labels& l, double value) {
  name_and_labels(name, l);
  out_.append(prometheus_number(value)).append("\n");
}

void prometheus_text::histogram_samples(const std::string& name, const labels& l,
                                        const histogram& h) {
  const auto counts = h.all();
  const std::size_t step = how_.all_buckets ? 1 : histogram::per_octave;
  std::uint64_t below = 0; // the count is the sum of the buckets read, so that they always agree
  for (std::size_t bucket = 0; bucket <= histogram::buckets; ++bucket) {
    below += counts[bucket];
    if (bucket % step != 0 && bucket != histogram::buckets) continue;
    name_and_labels(name + "_bucket", l, "le", prometheus_number(histogram::bound(bucket)));
    out_.append(std::to_string(below)).append("\n");
  }
  sample(name + "_sum", l, h.sum());
  sample(name + "_count", l, below);
}

void prometheus_text::quantile_samples(const std::string& name, const labels& l,
                                       const histogram::counts& of) {
  for (const double q : {0.5, 0.99, 0.999}) {
    name_and_labels(name, l, "quantile", prometheus_number(q));
    out_.append(prometheus_number(histogram::quantile(of, q))).append("\n");
  }
}

std::string prometheus_text::text() && {
  if (how_.as == exposition::openmetrics) out_ += "# EOF\n";
  return std::move(out_);
}

} // namespace pollux::messages
