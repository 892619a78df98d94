// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/window_evidence.hpp"
#include <algorithm>

namespace pollux::domain {

window_digest digest_of(std::string name, const window_statistics& s) {
  return {std::move(name), s.count, s.mean, s.m2, s.min, s.max, s.from_ns, s.to_ns};
}

void add_window_digests(evidence& proof, const std::vector<named_operand>& used,
                        const twin_state::body& twin) {
  for (const auto& u : used) {
    const std::string_view name = u.name;
    const auto dot = name.rfind('.');
    if (dot == std::string_view::npos) continue;
    const auto* window =
        dynamic_cast<const window_operator*>(twin.ruling().find_operator(name.substr(0, dot)));
    const auto known =
        std::any_of(proof.windows.begin(), proof.windows.end(), [&](const window_digest& w) {
          return window != nullptr && w.name == window->name();
        });
    if (window == nullptr || known) continue;
    const auto held = window->now(twin);
    if (held.count > 0) proof.windows.push_back(digest_of(window->name(), held));
  }
}

} // namespace pollux::domain
