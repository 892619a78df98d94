// SPDX-License-Identifier: Apache-2.0
// Glushkov's construction: every element is given the loose ends of what stands before it, ties
// them to the positions it begins with, and hands on its own loose ends.
#include "domain/pattern/pattern_graph.hpp"
#include <algorithm>
#include <optional>

namespace pollux::domain {
namespace {

using edge_numbers = std::vector<std::size_t>; // in the order they are drafted

// What an edge gathers on its way past nots, and past greedy elements it leaves or leaves out.
struct passage {
  std::vector<condition_id> not_next, not_until;
  edge_numbers blockers;
};

// How a group's first event follows what stands before the group, whichever of its stages it is.
struct entrance {
  contiguity how;
  std::vector<until_use> untils;
};

struct loose_end {
  int from; // a position; start_mark; below: a mark of a group's round
  passage via;
  std::optional<entrance> entering; // while no stage of the group has been passed
};

constexpr int start_mark = -1;
constexpr std::size_t most_edges = 65536; // while it is built
constexpr std::uint64_t to_be_resolved = ~std::uint64_t{0};

struct drafted_edge {
  int from;
  pattern_edge edge;
  edge_numbers blockers;
  std::size_t place = 0; // among its position's edges, in the end
};

template <class T> void append(std::vector<T>& to, const std::vector<T>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

passage joined(passage first, const passage& second) {
  append(first.not_next, second.not_next);
  append(first.not_until, second.not_until);
  append(first.blockers, second.blockers);
  return first;
}

class builder {
public:
  explicit builder(const pattern_tree& tree) : tree_(tree) {}
  std::variant<pattern_graph, pattern_error> run();

private:
  using ends = std::vector<loose_end>;

  ends sequence(const std::vector<pattern_element>& elements, ends open, std::size_t depth);
  ends element(const pattern_element& e, ends open, std::size_t depth);
  ends round(const pattern_element& e, ends open, bool again, std::size_t depth);
  ends stage(const pattern_element& e, const ends& open, const entrance& how);
  ends group(const pattern_element& e, ends open, const entrance& how, std::size_t depth);
  void again_without_end(const pattern_element& e, const ends& open, int mark);
  void connect(const loose_end& from, std::uint16_t to, contiguity how,
               const std::vector<until_use>& untils, std::int64_t step_ns);
  void check_negative(const std::vector<pattern_element>& elements, std::size_t i, bool outermost);
  [[nodiscard]] edge_numbers drafted_since(std::size_t first, int from) const;
  void finish(const ends& open);
  void place_edge(drafted_edge& draft);
  pattern_position& position_of(const drafted_edge& draft) {
    return draft.from == start_mark ? graph_.start
                                    : graph_.positions[static_cast<std::size_t>(draft.from)];
  }
  void resolve_blockers();
  void check_bounds();
  void refuse(const std::string& what, source_place at) {
    if (!error_) error_ = pattern_error{what, at};
  }

  const pattern_tree& tree_;
  pattern_graph graph_;
  std::vector<drafted_edge> edges_;
  std::vector<source_place> places_; // of positions
  std::optional<pattern_error> error_;
  int next_mark_ = -2;
  int newest_mark_ = -2; // of the round built last
};

void builder::check_negative(const std::vector<pattern_element>& elements, std::size_t i,
                             bool outermost) {
  const auto& e = elements[i];
  if (i == 0) return refuse("a pattern or group cannot begin with a not", e.at);
  if (i + 1 == elements.size() && !outermost)
    return refuse("a group cannot end with a not: put it behind the group", e.at);
  if (elements[i - 1].optional) return refuse("a not cannot stand behind something optional", e.at);
  if (i + 1 < elements.size() && e.step_ns > 0)
    return refuse("only a not at the end has a within of its own", e.at);
}

builder::ends builder::sequence(const std::vector<pattern_element>& elements, ends open,
                                std::size_t depth) {
  if (depth > max_pattern_depth) {
    refuse("groups nested deeper than " + std::to_string(max_pattern_depth),
           elements.empty() ? source_place{} : elements.front().at);
    return open;
  }
  for (std::size_t i = 0; i < elements.size() && !error_; ++i) {
    const auto& e = elements[i];
    if (e.what != pattern_element::kind::negative) {
      open = element(e, std::move(open), depth);
      continue;
    }
    check_negative(elements, i, depth == 1);
    for (auto& end : open)
      (e.before == contiguity::strict ? end.via.not_next : end.via.not_until).push_back(e.where);
    if (i + 1 == elements.size() && e.before != contiguity::strict)
      graph_.ending.step_ns = e.step_ns;
  }
  return open;
}

edge_numbers builder::drafted_since(std::size_t first, int from) const {
  edge_numbers out;
  for (std::size_t i = first; i < edges_.size(); ++i)
    if (edges_[i].from == from) out.push_back(i);
  return out;
}

builder::ends builder::element(const pattern_element& e, ends open, std::size_t depth) {
  ends out;
  // What goes on without (another round of) a greedy element gives way to the edges into it.
  const auto leave = [&](const ends& some, std::size_t first) {
    for (auto end : some) {
      if (e.greedy) append(end.via.blockers, drafted_since(first, end.from));
      out.push_back(std::move(end));
    }
  };
  ends current = open;
  const std::uint32_t least = std::max<std::uint32_t>(e.least, 1);
  for (std::uint32_t k = 1; k <= least && !error_; ++k) {
    const auto first = edges_.size();
    auto next = round(e, current, k > 1, depth);
    if (k == 1 && (e.optional || e.least == 0)) leave(open, first);
    current = std::move(next);
  }
  if (e.most == without_end) {
    const auto first = edges_.size();
    again_without_end(e, current, newest_mark_);
    leave(current, first);
    return out;
  }
  for (std::uint32_t k = least; k < e.most && !error_; ++k) {
    const auto first = edges_.size();
    auto next = round(e, current, true, depth);
    leave(current, first);
    current = std::move(next);
  }
  append(out, current);
  return out;
}

builder::ends builder::round(const pattern_element& e, ends open, bool again, std::size_t depth) {
  const int mark = next_mark_--;
  open.push_back({mark, {}, {}}); // notes what this round begins with
  entrance how{again ? e.inside : e.before, {}};
  if (e.until != no_condition) how.untils.push_back({e.until, again});
  auto out = e.what == pattern_element::kind::group ? group(e, std::move(open), how, depth)
                                                    : stage(e, open, how);
  newest_mark_ = mark;
  return out;
}

builder::ends builder::stage(const pattern_element& e, const ends& open, const entrance& how) {
  if (graph_.positions.size() >= max_pattern_positions || edges_.size() > most_edges) {
    refuse("more than " + std::to_string(max_pattern_positions) + " stages with repetitions", e.at);
    return open;
  }
  const auto to = static_cast<std::uint16_t>(graph_.positions.size());
  auto& position = graph_.positions.emplace_back();
  position.stage = e.stage;
  position.where = e.where;
  places_.push_back(e.at);
  for (const auto& end : open) connect(end, to, how.how, how.untils, e.step_ns);
  return {{to, {}, {}}};
}

builder::ends builder::group(const pattern_element& e, ends open, const entrance& how,
                             std::size_t depth) {
  if (std::none_of(e.members.begin(), e.members.end(), [](const pattern_element& m) {
        return m.what != pattern_element::kind::negative && !m.optional && m.least > 0;
      })) {
    refuse("everything in this group is optional: make the group optional instead", e.at);
    return open;
  }
  for (auto& end : open) {
    entrance in = end.entering ? *end.entering : how;
    if (end.entering) append(in.untils, how.untils);
    end.entering = std::move(in);
  }
  const auto before = edges_.size();
  const auto first = static_cast<int>(graph_.positions.size());
  auto out = sequence(e.members, std::move(open), depth + 1);
  if (e.until == no_condition) return out;
  // Edges between the group's own stages end with it, too.
  for (auto i = before; i < edges_.size(); ++i) {
    if (edges_[i].from < first) continue; // into the group
    auto& untils = edges_[i].edge.untils;
    const auto same = std::find_if(untils.begin(), untils.end(),
                                   [&](const until_use& u) { return u.condition == e.until; });
    if (same == untils.end())
      untils.push_back({e.until, true});
    else
      same->inside = true;
  }
  return out;
}

void builder::connect(const loose_end& from, std::uint16_t to, contiguity how,
                      const std::vector<until_use>& untils, std::int64_t step_ns) {
  drafted_edge draft{from.from, {}, from.via.blockers};
  auto& edge = draft.edge;
  edge.to = to;
  edge.how = from.entering ? from.entering->how : how;
  edge.step_ns = step_ns;
  edge.not_next = from.via.not_next;
  edge.not_until = from.via.not_until;
  edge.untils = untils;
  if (from.entering) append(edge.untils, from.entering->untils);
  edges_.push_back(std::move(draft));
}

// Ties an element's ends to its own beginnings, as its last round began.
void builder::again_without_end(const pattern_element& e, const ends& open, int mark) {
  const auto beginnings = drafted_since(0, mark);
  for (const auto& end : open) {
    const auto first = edges_.size();
    for (const auto i : beginnings) {
      auto draft = edges_[i];
      draft.from = end.from;
      draft.edge.how = e.inside;
      for (auto& b : draft.blockers) // they begin at the mark, too
        b = first + static_cast<std::size_t>(std::find(beginnings.begin(), beginnings.end(), b) -
                                             beginnings.begin());
      const auto via = joined(end.via, {draft.edge.not_next, draft.edge.not_until, draft.blockers});
      draft.edge.not_next = via.not_next;
      draft.edge.not_until = via.not_until;
      draft.blockers = via.blockers;
      for (auto& u : draft.edge.untils)
        if (u.condition == e.until) u.inside = true;
      edges_.push_back(std::move(draft));
    }
  }
}

void builder::place_edge(drafted_edge& draft) {
  auto& from = position_of(draft);
  // Two ways to the same stage on the same terms are one, unless one of them must give way.
  const auto same = std::find(from.edges.begin(), from.edges.end(), draft.edge);
  draft.place = static_cast<std::size_t>(same - from.edges.begin());
  if (same != from.edges.end() && draft.blockers.empty()) return;
  if (from.edges.size() >= max_pattern_followers)
    return refuse("more than " + std::to_string(max_pattern_followers) +
                      " stages that may follow one another here: fewer optional ones",
                  places_[draft.edge.to]);
  if (draft.edge.step_ns > 0) graph_.has_steps = true;
  draft.place = from.edges.size();
  from.edges.push_back(draft.edge);
  if (!draft.blockers.empty()) from.edges.back().blockers = to_be_resolved;
}

void builder::resolve_blockers() {
  for (const auto& draft : edges_) {
    if (draft.from < start_mark) continue;
    if (draft.blockers.empty()) continue;
    auto& mask = position_of(draft).edges[draft.place].blockers;
    mask = 0;
    for (const auto b : draft.blockers)
      if (edges_[b].from == draft.from) mask |= std::uint64_t{1} << edges_[b].place;
    mask &= ~(std::uint64_t{1} << draft.place);
  }
  const auto add = [](std::vector<condition_id>& to, const std::vector<condition_id>& more) {
    for (const auto c : more)
      if (std::find(to.begin(), to.end(), c) == to.end()) to.push_back(c);
  };
  const auto settle = [&](pattern_position& p) {
    for (std::size_t i = 0; i < p.edges.size(); ++i) {
      add(p.not_next, p.edges[i].not_next);
      add(p.not_until, p.edges[i].not_until);
      p.all_edges |= std::uint64_t{1} << i;
      if (p.edges[i].how == contiguity::strict) p.strict_edges |= std::uint64_t{1} << i;
    }
  };
  settle(graph_.start);
  for (auto& p : graph_.positions) settle(p);
}

void builder::finish(const ends& open) {
  for (auto& draft : edges_) {
    if (draft.from < start_mark) continue; // of a mark
    place_edge(draft);
    if (error_) return;
  }
  resolve_blockers();
  auto& ending = graph_.ending;
  ending.not_next = open.front().via.not_next;
  ending.not_until = open.front().via.not_until;
  for (const auto& end : open) {
    if (end.from == start_mark)
      return refuse("every stage is optional: this could match nothing", tree_.sequence.front().at);
    if (end.via.not_next != ending.not_next || end.via.not_until != ending.not_until)
      return refuse("what stands behind the last not cannot all be optional",
                    tree_.sequence.back().at);
    graph_.positions[static_cast<std::size_t>(end.from)].accepts = true;
  }
}

// Without `within` a half match must not be able to wait: only strict edges, and no endless ones.
void builder::check_bounds() {
  if (graph_.within_ns > 0) return;
  if (!graph_.ending.not_until.empty() && graph_.ending.step_ns == 0)
    return refuse("a pattern that ends with a not needs within: how long must it not come?",
                  tree_.sequence.back().at);
  for (std::size_t p = 0; p < graph_.positions.size(); ++p)
    for (const auto& e : graph_.positions[p].edges) {
      if (e.to <= p)
        return refuse("repeated without end and without within: the half match could grow for ever",
                      places_[e.to]);
      if (e.how != contiguity::strict && e.step_ns == 0)
        return refuse("without within a half match could wait for this for ever: give the pattern "
                      "or this stage a within, or use next",
                      places_[e.to]);
    }
}

std::uint32_t shortest(const std::vector<pattern_element>& elements) {
  std::uint64_t sum = 0;
  for (const auto& e : elements) {
    if (e.what == pattern_element::kind::negative || e.optional || e.least == 0) continue;
    sum +=
        std::uint64_t{e.least} * (e.what == pattern_element::kind::group ? shortest(e.members) : 1);
  }
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(sum, without_end));
}

std::variant<pattern_graph, pattern_error> builder::run() {
  graph_.within_ns = tree_.within_ns;
  graph_.skip = tree_.skip;
  graph_.skip_stage = tree_.skip_stage;
  graph_.shortest = shortest(tree_.sequence);
  auto open = sequence(tree_.sequence, {{start_mark, {}, {}}}, 1);
  if (!error_) finish(open);
  if (!error_) check_bounds();
  if (error_) return *error_;
  return std::move(graph_);
}

} // namespace

std::variant<pattern_graph, pattern_error> build_pattern(const pattern_tree& tree) {
  return builder(tree).run();
}

} // namespace pollux::domain
