// SPDX-License-Identifier: Apache-2.0
#include "supervision/batch_door.hpp"
#include "actors/directory.hpp"
#include "bridge/mqtt/decode.hpp"
#include "domain/base/twin_id.hpp"
#include "messages/hash.hpp"

namespace pollux::supervision {

namespace {

std::string words(const bridge::rejections& rejected) {
  std::string out;
  for (const auto& r : rejected.items()) {
    if (!out.empty()) out += "; ";
    out += std::to_string(r.count) + " refused: " + r.detail;
  }
  return out;
}

} // namespace

result<std::string> batch_door::take(const messages::readings_submit& batch) const {
  if (auto id = parse_twin_id(batch.twin); !id) return id.error();
  const auto known = inlet->with_directory(
      messages::shard_of(batch.twin, inlet->shards()),
      [&](actors::shard_directory& d) { return d.find_living(batch.twin) != actors::unknown_row; });
  if (!known && batch.model.empty())
    return failure{errc::not_found, "no twin " + batch.twin + ", and no model to make it with"};
  const auto model = batch.model.empty() ? nullptr : models->current(batch.model);
  if (!batch.model.empty() && !model) return failure{errc::not_found, "no model " + batch.model};
  bridge::decoder decoder;
  bridge::decode_options options;
  options.format = bridge::payload_format::protobuf;
  options.max_payload_bytes = batch.batch.size();
  bridge::rejections rejected;
  std::uint64_t readings = 0;
  status failed;
  decoder.decode(batch.batch, options, now(), rejected, [&](domain::input& in) {
    if (!failed) return;
    if (model) bridge::check_against(*model, in, rejected);
    if (in.readings.empty()) return;
    const auto ticket = inlet->submit(batch.twin, batch.model, in);
    if (!ticket)
      failed = ticket.error();
    else
      readings += in.readings.size();
  });
  if (readings > 0)
    if (auto written = inlet->flush(messages::durability::d0); !written) return written.error();
  if (!failed) return failed.error();
  if (readings == 0)
    return failure{errc::invalid_argument,
                   rejected.empty() ? "the batch holds no reading" : words(rejected)};
  auto said = std::to_string(readings) + " readings journaled";
  return rejected.empty() ? said : said + "; " + words(rejected);
}

} // namespace pollux::supervision
