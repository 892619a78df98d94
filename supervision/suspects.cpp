// SPDX-License-Identifier: Apache-2.0
#include "supervision/suspects.hpp"
#include "actors/poison.hpp"
#include "actors/shard_host.hpp"
#include "messages/observability/log.hpp"
#include <cstdlib>

namespace pollux::supervision {

namespace {
constexpr long max_attempts = 3;
}

status judge_suspects(const std::vector<actors::black_box_entry>& left,
                      const persistence::log& journal, persistence::store& tables,
                      actors::intake& inlet, messages::quarantine_port& quarantine) {
  for (const auto& suspect : left) {
    if (suspect.shard >= inlet.shards()) continue;
    const auto name = std::to_string(suspect.shard) + "-" + std::to_string(suspect.position) + "-" +
                      std::to_string(suspect.index);
    const auto key = "suspect:" + name;
    auto known = tables.meta(key);
    if (!known) return known.error();
    const long attempts = (*known ? std::strtol((*known)->c_str(), nullptr, 10) : 0) + 1;
    auto batch = tables.batch();
    batch->put_meta(key, std::to_string(attempts));
    if (auto written = tables.write(*batch, true); !written) return written;
    messages::log::warning("recovery", "this input was being applied when the process ended",
                           {{"input", name}, {"times", attempts}});
    if (attempts < max_attempts) continue;
    domain::input skip;
    skip.kind = domain::input_kind::input_skipped;
    skip.ingest_time_ns = actors::system_now_ns();
    skip.skipped = {{suspect.position}, static_cast<std::uint32_t>(suspect.index)};
    skip.detail = "the process ended three times while it was applied";
    if (auto sent = inlet.submit_shard_wide(suspect.shard, skip); !sent) return sent.error();
    const auto twin_key = inlet.with_directory(suspect.shard, [&](actors::shard_directory& d) {
      return suspect.row < d.size() ? std::string{d.key(suspect.row)} : std::string{"?"};
    });
    quarantine.put({skip.ingest_time_ns,
                    messages::quarantine_reason::poison,
                    std::string{actors::split_key(twin_key).id},
                    "input " + name + " ended the process three times",
                    actors::poison_document(journal, tables,
                                            {{suspect.shard, suspect.row}, twin_key, skip.skipped}),
                    {}});
  }
  return {};
}

} // namespace pollux::supervision
