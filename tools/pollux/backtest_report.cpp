// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/backtest_report.hpp"
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace pollux::cli {

namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t most_rows = 1000;
constexpr std::size_t most_bars = 25;

constexpr const char* style =
    "body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 1em;"
    "color:#222;background:#fff}table{border-collapse:collapse;margin:1em 0}"
    "th,td{padding:.25em .7em;border-bottom:1px solid #ddd;text-align:left;vertical-align:top}"
    "td.n,th.n{text-align:right}code{font-size:90%}.gained{color:#b3261e}.lost{color:#1558b0}"
    ".moved{color:#7a5900}.partial{background:#fff3cd;padding:.6em}svg{max-width:100%;height:auto}"
    "svg text{font:11px system-ui,sans-serif;fill:#444}summary{cursor:pointer}"
    "pre{white-space:pre-wrap;margin:.3em 0}";

/// Text that came from anywhere. What is not UTF-8 was replaced when the JSON was written; control
/// characters have no place in HTML.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
    case '&': out += "&amp;"; break;
    case '<': out += "&lt;"; break;
    case '>': out += "&gt;"; break;
    case '"': out += "&quot;"; break;
    case '\'': out += "&#39;"; break;
    default:
      if (static_cast<unsigned char>(c) >= 32 || c == '\n' || c == '\t')
        out += c;
      else
        out += "\xef\xbf\xbd";
    }
  }
  return out;
}

std::string words(const json& v) {
  if (v.is_null()) return "-";
  return escaped(v.is_string() ? v.get<std::string>()
                               : v.dump(-1, ' ', false, json::error_handler_t::replace));
}

const json& at(const json& from, const char* key) {
  static const json nothing;
  if (!from.is_object()) return nothing;
  const auto found = from.find(key);
  return found == from.end() ? nothing : *found;
}
std::string said(const json& from, const char* key) { return words(at(from, key)); }
double number(const json& from, const char* key) {
  const auto& v = at(from, key);
  return v.is_number() ? v.get<double>() : 0;
}

std::string digits(double v) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", v);
  return text;
}

std::string cell(const std::string& content, bool numeric = false) {
  return (numeric ? "<td class=\"n\">" : "<td>") + content + "</td>";
}

std::string counts_cells(const json& counts) {
  std::string out;
  for (const char* key : {"ruling", "candidate", "same", "moved", "gained", "lost", "changed"})
    out += cell(said(counts, key), true);
  return out;
}

constexpr const char* counts_head =
    "<th class=\"n\">ruling</th><th class=\"n\">candidate</th><th class=\"n\">same</th>"
    "<th class=\"n\">moved</th><th class=\"n\">gained</th><th class=\"n\">lost</th>"
    "<th class=\"n\">other end or severity</th>";

std::string counts_table(const json& rows, const char* key, const char* head) {
  if (!rows.is_array() || rows.empty()) return "<p>None.</p>";
  std::string out = std::string("<table><tr><th>") + head + "</th>" + counts_head + "</tr>";
  std::size_t n = 0;
  for (const auto& row : rows) {
    if (++n > most_rows) break;
    out += "<tr>" + cell(said(row, key)) + counts_cells(row) + "</tr>";
  }
  out += "</table>";
  if (rows.size() > most_rows)
    out += "<p>" + std::to_string(rows.size() - most_rows) + " more are in the JSON report.</p>";
  return out;
}

std::string rect(double x, double y, double w, double h, const char* fill,
                 const std::string& title) {
  return "<rect x=\"" + digits(x) + "\" y=\"" + digits(y) + "\" width=\"" + digits(w) +
         "\" height=\"" + digits(h) + "\" fill=\"" + fill + "\"><title>" + title +
         "</title></rect>";
}
std::string label(double x, double y, const char* anchor, const std::string& text) {
  return "<text x=\"" + digits(x) + "\" y=\"" + digits(y) + "\" text-anchor=\"" + anchor + "\">" +
         text + "</text>";
}
std::string svg(double width, double height, const std::string& name, const std::string& content) {
  return "<svg viewBox=\"0 0 " + digits(width) + " " + digits(height) + "\" width=\"" +
         digits(width) + "\" role=\"img\" aria-label=\"" + name + "\">" + content + "</svg>";
}

/// Alerts of both versions day by day, beside each other.
std::string days_chart(const json& days) {
  if (!days.is_array() || days.empty()) return "<p>No alerts.</p>";
  constexpr double width = 900, height = 220, left = 50, bottom = 25, top = 12;
  double most = 1;
  for (const auto& d : days) most = std::max({most, number(d, "ruling"), number(d, "candidate")});
  const double step = (width - left) / static_cast<double>(days.size());
  const double bar = std::max(step * 0.4, 0.6), room = height - bottom - top;
  std::string content =
      label(left - 6, top + 8, "end", digits(most)) + label(left - 6, height - bottom, "end", "0");
  double x = left;
  for (const auto& d : days) {
    const auto day = said(d, "day");
    const double ruling = room * number(d, "ruling") / most;
    const double candidate = room * number(d, "candidate") / most;
    content += rect(x, height - bottom - ruling, bar, ruling, "#8aa4c8",
                    day + ": ruling " + said(d, "ruling"));
    content += rect(x + bar, height - bottom - candidate, bar, candidate, "#d98b3a",
                    day + ": candidate " + said(d, "candidate"));
    x += step;
  }
  content += label(left, height - 8, "start", said(days.front(), "day")) +
             label(width, height - 8, "end", said(days.back(), "day"));
  return "<p>Blue: ruling version, orange: candidate.</p>" +
         svg(width, height, "alerts by day", content);
}

std::string step_name(const json& step) {
  const auto name = [](const json& s) {
    const auto v = s.get<std::int64_t>();
    const auto size = v < 0 ? -v : v;
    const std::string text = size >= 86400  ? std::to_string(size / 86400) + " d"
                             : size >= 3600 ? std::to_string(size / 3600) + " h"
                             : size >= 60   ? std::to_string(size / 60) + " min"
                                            : std::to_string(size) + " s";
    return (v < 0 ? "-" : "") + text;
  };
  const auto &from = at(step, "from_s"), &to = at(step, "to_s");
  if (!from.is_number()) return to.is_number() ? "below " + name(to) : "";
  return to.is_number() ? name(from) + " to " + name(to) : name(from) + " and more";
}

std::string bars_chart(const std::vector<std::pair<std::string, double>>& rows, const char* fill,
                       const std::string& name) {
  constexpr double width = 900, line = 20, left = 260, right = 60;
  double most = 1;
  for (const auto& [what, n] : rows) most = std::max(most, n);
  std::string content;
  double y = 4;
  for (const auto& [what, n] : rows) {
    const double size = (width - left - right) * n / most;
    char count[32];
    std::snprintf(count, sizeof count, "%.0f", n);
    content += label(left - 8, y + 13, "end", what) +
               rect(left, y + 3, size, line - 6, fill, what + ": " + count) +
               label(left + size + 6, y + 13, "start", count);
    y += line;
  }
  return svg(width, y + 6, name, content);
}

std::string lead_chart(const json& lead) {
  if (!at(lead, "histogram").is_array()) return "<p>No alert moved.</p>";
  std::vector<std::pair<std::string, double>> rows;
  for (const auto& step : lead["histogram"])
    rows.emplace_back(escaped(step_name(step)), number(step, "count"));
  return "<p>" + said(lead, "earlier") + " came earlier, " + said(lead, "later") +
         " later; median " + said(lead, "median") +
         " s. Positive: the candidate was earlier by that.</p>" +
         bars_chart(rows, "#7aa37a", "lead time of moved alerts");
}

std::string twins_chart(const json& twins) {
  std::vector<std::pair<std::string, double>> rows;
  if (twins.is_array())
    for (const auto& t : twins) {
      const auto n = number(t, "gained") + number(t, "lost") + number(t, "moved");
      if (n > 0) rows.emplace_back(said(t, "twin"), n);
    }
  if (rows.empty()) return "<p>No twin differs.</p>";
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  if (rows.size() > most_bars) rows.resize(most_bars);
  return bars_chart(rows, "#b3716a", "differences by twin");
}

std::string alert_cell(const json& alert) {
  if (!alert.is_object()) return cell("-");
  std::string out = said(alert, "event_time") + " <small>" + said(alert, "severity") +
                    (at(alert, "published") == json(false) ? ", in silence" : "") +
                    "</small><br/>" + said(alert, "message");
  if (at(alert, "show").is_string()) out += "<br/><code>" + said(alert, "show") + "</code>";
  if (at(alert, "evidence").is_object())
    out += "<details><summary>evidence</summary><pre>" +
           escaped(alert["evidence"].dump(1, ' ', false, json::error_handler_t::replace)) +
           "</pre></details>";
  return cell(out);
}

std::string differences_table(const json& report) {
  const auto& rows = at(report, "differences");
  if (!rows.is_array() || rows.empty()) return "<p>None.</p>";
  std::string out = "<p>" + std::to_string(std::min(rows.size(), most_rows)) + " of " +
                    said(report, "differences_total") +
                    " are shown.</p><table><tr><th>twin</th><th>rule</th><th>what</th>"
                    "<th class=\"n\">earlier by, s</th><th>ruling</th><th>candidate</th></tr>";
  std::size_t n = 0;
  for (const auto& d : rows) {
    if (++n > most_rows) break;
    const auto kind = said(d, "kind");
    out += "<tr>" + cell(said(d, "twin")) + cell(said(d, "rule")) +
           cell("<span class=\"" + kind + "\">" + kind + "</span>") +
           cell(said(d, "lead_s"), true) + alert_cell(at(d, "ruling")) +
           alert_cell(at(d, "candidate")) + "</tr>\n";
  }
  return out + "</table>";
}

std::string head(const json& report) {
  const auto &model = at(report, "model"), &interval = at(report, "interval"),
             &twins = at(report, "twins"), &warm = at(report, "warm_up");
  std::string out;
  if (at(report, "state") != json("complete"))
    out += "<p class=\"partial\">Cancelled: " + said(twins, "done") + " of " +
           said(twins, "asked") + " twins were run. What follows is of these only.</p>";
  out += "<p>Model <b>" + said(model, "name") + "</b>, candidate <code>" +
         said(model, "candidate") + "</code>, against <code>" + said(model, "ruling") +
         "</code>.<br/>Alerts from " + said(interval, "from") + " to " + said(interval, "to") +
         " (event time), paired within " + said(report, "tolerance") + ".<br/>" +
         said(twins, "compared") + " twins, " + said(report, "readings") + " readings; " +
         said(twins, "of_other_models") + " twins of other models, " + said(twins, "failed") +
         " could not be run.</p><p>Warm-up: ";
  if (at(warm, "kind") == json("all"))
    out += "the candidate ran from each twin's creation.";
  else
    out += "the candidate began empty at " + said(warm, "from") + ", " + said(warm, "span") +
           " before the interval.";
  if (number(warm, "twins_without_beginning") > 0)
    out += " Of " + said(warm, "twins_without_beginning") +
           " twins the beginning is no longer in the journal: there it began with what is left.";
  out += " The longest time a rule names is " + said(warm, "longest_memory") + " (" +
         said(warm, "longest_memory_of") +
         "); rules whose memory no time bounds: " + said(warm, "rules_without_bound") + ".</p>";
  return out;
}

} // namespace

std::string backtest_html(const json& report) {
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>"
      "<meta http-equiv=\"Content-Security-Policy\" "
      "content=\"default-src 'none'; style-src 'unsafe-inline'\"/><title>Back-test of " +
      said(at(report, "model"), "name") + "</title><style>" + style +
      "</style></head><body>\n<h1>Back-test</h1>\n" + head(report);
  out += "\n<h2>Alerts</h2>\n<table><tr><th></th>" + std::string(counts_head) + "</tr><tr>" +
         cell("all") + counts_cells(at(report, "alerts")) + "</tr></table>";
  out += "\n<h2>By rule</h2>\n" + counts_table(at(report, "rules"), "rule", "rule");
  out += "\n<h2>By day</h2>\n" + days_chart(at(report, "days"));
  out += "\n<h2>Lead time of moved alerts</h2>\n" + lead_chart(at(report, "lead_s"));
  out += "\n<h2>Twins that differ most</h2>\n" + twins_chart(at(report, "per_twin"));
  out += "\n<h2>By twin</h2>\n" + counts_table(at(report, "per_twin"), "twin", "twin");
  out += "\n<h2>Differences</h2>\n" + differences_table(report);
  const auto& failures = at(report, "failures");
  if (failures.is_array() && !failures.empty()) {
    out += "\n<h2>Twins that could not be run</h2>\n<table>";
    for (const auto& f : failures)
      out += "<tr>" + cell(said(f, "twin")) + cell(said(f, "what")) + "</tr>";
    out += "</table>";
  }
  return out + "\n</body></html>\n";
}

} // namespace pollux::cli
