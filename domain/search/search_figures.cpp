// SPDX-License-Identifier: Apache-2.0
#include "domain/search/search_figures.hpp"
#include "domain/search/rql_reader.hpp"
#include "domain/search/search_order.hpp"
#include <algorithm>

namespace pollux::domain {

namespace {
constexpr std::string_view statistics[] = {"count", "mean", "min", "max", "sum"};
}

result<search_figures::figure> search_figures::parse_figure(std::string_view text,
                                                            std::vector<search_path>& paths) {
  rql_reader in(text);
  const auto name = in.word();
  const auto* found = std::ranges::find(statistics, name);
  if (found == std::end(statistics))
    return in.wrong(0, "no value '" + std::string(name) +
                           "'; there are count, mean(PATH), min(PATH), max(PATH) and sum(PATH)");
  figure out;
  out.what = static_cast<statistic>(found - std::begin(statistics));
  out.text = name;
  if (out.what != statistic::count) {
    if (auto open = in.expect('(', "after " + out.text); !open) return open.error();
    const auto path = in.path(paths);
    if (!path) return path.error();
    if (auto close = in.expect(')', "to end " + out.text); !close) return close.error();
    out.path = *path;
    out.text += "(" + paths[*path].text + ")";
  }
  if (!in.at_end()) return in.wrong("this goes on after its end");
  return out;
}

result<search_figures> search_figures::parse(const std::vector<std::string>& group_by,
                                             const std::vector<std::string>& values,
                                             std::vector<search_path>& paths) {
  search_figures out;
  for (const auto& text : group_by) {
    const auto path = parse_search_path(text);
    if (!path) return path.error().within("group_by");
    out.by_.push_back(index_of(*path, paths));
    out.by_text_.push_back(path->text);
  }
  for (const auto& text : values) {
    auto figure = parse_figure(text, paths);
    if (!figure) return figure.error().within("values");
    out.figures_.push_back(std::move(*figure));
  }
  if (values.empty()) out.figures_.push_back({statistic::count, 0, "count"});
  return out;
}

std::string search_figures::by_json(path_reader& from) const {
  std::string out = "{";
  for (std::size_t i = 0; i < by_.size(); ++i) {
    if (i != 0) out += ',';
    append_json(out, std::string_view(by_text_[i]));
    out += ':';
    append_json(out, from.get(by_[i]));
  }
  return out + "}";
}

bool search_figures::add(path_reader& from) {
  key_.clear();
  for (const auto path : by_) append_key(key_, from.get(path));
  auto found = groups_.find(key_);
  if (found == groups_.end()) {
    if (groups_.size() == max_search_groups) return false;
    found =
        groups_.emplace(key_, group{by_json(from), 0, std::vector<tally>(figures_.size())}).first;
  }
  auto& g = found->second;
  ++g.count;
  for (std::size_t i = 0; i < figures_.size(); ++i) {
    if (figures_[i].what == statistic::count) continue;
    const auto number = from.get(figures_[i].path).as_number();
    if (!number) continue;
    auto& t = g.of[i];
    t.min = t.count == 0 ? *number : std::min(t.min, *number);
    t.max = t.count == 0 ? *number : std::max(t.max, *number);
    t.sum += *number;
    ++t.count;
  }
  return true;
}

void search_figures::write(std::string& out, const figure& f, const group& g, const tally& t) {
  out += ',';
  append_json(out, std::string_view(f.text));
  out += ':';
  if (f.what == statistic::count)
    append_json(out, static_cast<std::int64_t>(g.count));
  else if (f.what == statistic::sum)
    append_json(out, t.sum);
  else if (t.count == 0)
    out += "null";
  else
    append_json(out, f.what == statistic::min   ? t.min
                     : f.what == statistic::max ? t.max
                                                : t.sum / static_cast<double>(t.count));
}

std::string search_figures::document() const {
  std::string out = R"({"groups":[)";
  std::vector<const group*> sorted;
  for (const auto& [key, g] : groups_) sorted.push_back(&g);
  std::ranges::sort(sorted, {}, [](const group* g) { return std::string_view(g->by); });
  for (const auto* g : sorted) {
    out += out.back() == '[' ? "{\"by\":" : ",{\"by\":";
    out += g->by;
    for (std::size_t i = 0; i < figures_.size(); ++i) write(out, figures_[i], *g, g->of[i]);
    out += '}';
  }
  return out + "]}";
}

} // namespace pollux::domain
