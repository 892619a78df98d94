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
  out_.append("# HELP ").append(name).append(" ");
  append_escaped(out_, help, false);
  out_.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
}

void prometheus_text::name_and_labels(std::string_view name, const labels& l,
                                      std::string_view bound) {
  out_ += name;
  char separator = '{';
  for (const auto& [key, value] : l) {
    out_.append(1, separator).append(key).append("=\"");
    append_escaped(out_, value, true);
    out_ += '"';
    separator = ',';
  }
  if (!bound.empty()) {
    out_.append(1, separator).append("le=\"").append(bound).append("\"");
    separator = ',';
  }
  out_ += separator == ',' ? "} " : " ";
}

void prometheus_text::sample(std::string_view name, const labels& l, std::uint64_t value) {
  name_and_labels(name, l, {});
  out_.append(std::to_string(value)).append("\n");
}

void prometheus_text::sample(std::string_view name, const labels& l, double value) {
  name_and_labels(name, l, {});
  out_.append(prometheus_number(value)).append("\n");
}

void prometheus_text::histogram_samples(const std::string& name, const labels& l,
                                        const histogram& h) {
  std::uint64_t below = 0; // the count is the sum of the buckets read, so that they always agree
  for (std::size_t bucket = 0; bucket <= histogram::buckets; ++bucket) {
    below += h.count_below(bucket);
    name_and_labels(name + "_bucket", l, prometheus_number(histogram::bound(bucket)));
    out_.append(std::to_string(below)).append("\n");
  }
  sample(name + "_sum", l, h.sum());
  sample(name + "_count", l, below);
}

} // namespace pollux::messages
