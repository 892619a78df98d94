// SPDX-License-Identifier: Apache-2.0
#include "persistence/store_rows.hpp"
#include "domain/base/bytes.hpp"
#include "persistence/crc32c.hpp"
#include "persistence/effect_codec.hpp"
#include <concepts>
#include <limits>
#include <type_traits>

namespace pollux::persistence {

namespace {

namespace proto = pollux::stored;
constexpr std::size_t envelope_bytes = 5;

template <class Message> std::string seal_message(const Message& m) {
  return seal_row(m.SerializeAsString());
}

template <class Message> status open_message(std::string_view row, const char* what, Message& m) {
  const auto payload = open_row(row, what);
  if (!payload) return payload.error();
  if (!m.ParseFromArray(payload->data(), static_cast<int>(payload->size())))
    return failure{errc::corrupt, std::string(what) + " cannot be parsed"};
  return {};
}

// Rows of fixed fields. The order of the fields is the format, so it stands once for each row, in
// fields(), which serves the writer and the reader alike.

class field_writer {
public:
  explicit field_writer(std::string& out) : out_(out) {}
  template <class... Field> void operator()(const Field&... each) { (put(each), ...); }

private:
  void put(std::uint32_t v) { out_.u32(v); }
  void put(std::uint64_t v) { out_.u64(v); }
  void put(std::int64_t v) { out_.i64(v); }
  void put(const std::string& v) { out_.text(v); }
  void put(const domain::input_id& v) { (*this)(v.at.value, v.index); }
  void put(tier v) { out_.u8(static_cast<std::uint8_t>(v)); }
  void put(const chain_value& v) {
    for (const auto b : v) out_.u8(b);
  }
  byte_writer out_;
};

class field_reader {
public:
  explicit field_reader(std::string_view bytes) : in_(bytes) {}
  template <class... Field> void operator()(Field&... each) { (get(each), ...); }
  [[nodiscard]] bool ok() const { return in_.ok(); }

private:
  void get(std::uint32_t& v) { v = in_.u32(); }
  void get(std::uint64_t& v) { v = in_.u64(); }
  void get(std::int64_t& v) { v = in_.i64(); }
  void get(std::string& v) { v = in_.text(); }
  void get(domain::input_id& v) { (*this)(v.at.value, v.index); }
  void get(tier& v) {
    const auto number = in_.u8();
    if (number > static_cast<std::uint8_t>(tier::cold)) in_.fail();
    v = static_cast<tier>(number);
  }
  void get(chain_value& v) {
    for (auto& b : v) b = in_.u8();
  }
  byte_reader in_;
};

template <class Row, class Wanted>
concept row_of = std::same_as<std::remove_const_t<Row>, Wanted>;

template <class Archive> void fields(Archive& each, row_of<head_row> auto& h) {
  each(h.head.at, h.head.next_wakeup_ns, h.head.timer, h.head.generation, h.previous, h.anchor,
       h.anchor_readings, h.since_anchor);
}

template <class Archive> void fields(Archive& each, row_of<block_info> auto& b) {
  each(b.last, b.inputs, b.readings, b.values, b.least_event_time_ns, b.greatest_event_time_ns,
       b.least_ingest_time_ns, b.greatest_ingest_time_ns, b.bytes, b.hash, b.chain_before, b.chain,
       b.kept, b.file, b.offset, b.size);
}

template <class Archive> void fields(Archive& each, row_of<snapshot> auto& s) {
  each(s.next_wakeup_ns, s.timer, s.generation, s.readings, s.hash, s.state);
}

template <class Archive> void fields(Archive& each, row_of<domain::effect_id> auto& id) {
  each(id.cause, id.ordinal);
}

template <class Row> std::string seal_fields(const Row& row) {
  std::string out;
  field_writer writer(out);
  fields(writer, row);
  return seal_row(out);
}

/// `out` brings what stands in the key.
template <class Row> result<Row> open_fields(std::string_view row, const char* what, Row out) {
  const auto payload = open_row(row, what);
  if (!payload) return payload.error();
  field_reader reader(*payload);
  fields(reader, out);
  if (!reader.ok()) return failure{errc::corrupt, std::string(what) + " is too short"};
  return out;
}

} // namespace

std::string seal_row(std::string_view payload, std::uint8_t version) {
  std::string out;
  out.reserve(envelope_bytes + payload.size());
  byte_writer w(out);
  w.u8(version);
  w.u32(crc32c(payload));
  out.append(payload);
  return out;
}

result<std::string_view> open_row(std::string_view row, const char* what, std::uint8_t newest) {
  byte_reader r(row);
  const auto version = r.u8();
  const auto crc = r.u32();
  if (!r.ok() || version == 0) return failure{errc::corrupt, std::string(what) + " is damaged"};
  if (version > newest)
    return failure{errc::version_mismatch, std::string(what) + " was written by a newer Pollux"};
  const auto payload = row.substr(envelope_bytes);
  if (crc32c(payload) != crc)
    return failure{errc::corrupt, std::string(what) + " is damaged: checksum differs"};
  return payload;
}

std::string encode_head(const head_row& h) { return seal_fields(h); }

result<head_row> decode_head(std::string_view row, std::uint32_t twin_row) {
  head_row out;
  out.head.row = twin_row;
  return open_fields(row, "snapshot head", out);
}

std::string encode_block_info(const block_info& b) {
  std::string out;
  field_writer writer(out);
  fields(writer, b);
  return seal_row(out, block_index_version);
}

result<block_info> decode_block_info(std::string_view row, domain::input_id first) {
  const auto payload = open_row(row, "block index", block_index_version);
  if (!payload) return payload.error();
  field_reader reader(*payload);
  block_info out;
  out.first = first;
  if (row.front() == 1) {
    reader(out.last, out.inputs, out.least_event_time_ns, out.greatest_event_time_ns, out.hash);
    out.least_ingest_time_ns = std::numeric_limits<std::int64_t>::min();
    out.greatest_ingest_time_ns = std::numeric_limits<std::int64_t>::max();
    out.chain = chain_from_hash64(out.hash);
  } else {
    fields(reader, out);
  }
  if (!reader.ok()) return failure{errc::corrupt, "block index is damaged: its fields"};
  return out;
}

std::string encode_snapshot(const snapshot& s) { return seal_fields(s); }

result<snapshot> decode_snapshot(std::string_view row, domain::input_id at) {
  snapshot out;
  out.at = at;
  return open_fields(row, "snapshot", std::move(out));
}

std::string encode_effect_id(const domain::effect_id& id) { return seal_fields(id); }

result<domain::effect_id> decode_effect_id(std::string_view row) {
  return open_fields(row, "taken mark", domain::effect_id{});
}

std::string encode_registry(const registry_row& r) {
  proto::RegistryRow p;
  p.set_id(r.id);
  p.set_incarnation(r.incarnation);
  p.set_model_name(r.model_name);
  p.set_model_hash(r.model_hash);
  p.set_created_at_ns(r.created_at_ns);
  p.set_deleted(r.deleted);
  return seal_message(p);
}

result<registry_row> decode_registry(std::string_view row, std::uint32_t twin_row) {
  proto::RegistryRow p;
  if (auto s = open_message(row, "registry row", p); !s) return s.error();
  return registry_row{.row = twin_row,
                      .id = p.id(),
                      .incarnation = p.incarnation(),
                      .model_name = p.model_name(),
                      .model_hash = p.model_hash(),
                      .created_at_ns = p.created_at_ns(),
                      .deleted = p.deleted()};
}

std::string encode_alert(const alert_row& a) {
  proto::AlertRow p;
  p.set_twin(a.twin);
  p.set_incident(a.incident);
  for (const auto& t : a.transitions) to_proto(t, *p.add_transitions());
  return seal_message(p);
}

result<alert_row> decode_alert(std::string_view row, std::uint32_t shard, std::uint32_t twin_row) {
  proto::AlertRow p;
  if (auto s = open_message(row, "alert row", p); !s) return s.error();
  alert_row a{.shard = shard,
              .row = twin_row,
              .twin = p.twin(),
              .incident = p.incident(),
              .transitions = {}};
  for (const auto& t : p.transitions())
    if (auto s = from_proto(t, a.transitions.emplace_back()); !s) return s.error();
  return a;
}

std::string encode_outbox(const outbox_row& o) {
  proto::OutboxRow p;
  p.set_twin(o.twin);
  p.set_destination(o.destination);
  to_proto(o.what, *p.mutable_what());
  return seal_message(p);
}

result<outbox_row> decode_outbox(std::string_view row, std::uint32_t shard,
                                 std::uint32_t twin_row) {
  proto::OutboxRow p;
  if (auto s = open_message(row, "outbox row", p); !s) return s.error();
  outbox_row o{.shard = shard,
               .row = twin_row,
               .twin = p.twin(),
               .destination = p.destination(),
               .what = {}};
  if (auto s = from_proto(p.what(), o.what); !s) return s.error();
  return o;
}

std::string encode_model(const std::string& name, const std::string& json) {
  proto::ModelRow p;
  p.set_name(name);
  p.set_json(json);
  return seal_message(p);
}

result<model_row> decode_model(std::string_view row, std::string hash) {
  proto::ModelRow p;
  if (auto s = open_message(row, "model row", p); !s) return s.error();
  return model_row{std::move(hash), p.name(), p.json()};
}

std::string encode_quarantine(const messages::quarantined& q) {
  proto::QuarantineRow p;
  p.set_ingest_time_ns(q.ingest_time_ns);
  p.set_reason(static_cast<std::uint32_t>(q.reason));
  p.set_topic(q.topic);
  p.set_detail(q.detail);
  p.set_payload(q.payload);
  p.set_mapping(q.mapping);
  return seal_message(p);
}

result<quarantine_row> decode_quarantine(std::string_view row, std::uint64_t id) {
  proto::QuarantineRow p;
  if (auto s = open_message(row, "quarantine row", p); !s) return s.error();
  return quarantine_row{id,
                        {.ingest_time_ns = p.ingest_time_ns(),
                         .reason = static_cast<messages::quarantine_reason>(p.reason()),
                         .topic = p.topic(),
                         .detail = p.detail(),
                         .payload = p.payload(),
                         .mapping = p.mapping()}};
}

std::string twin_key(char table, std::uint32_t shard, std::uint32_t row) {
  std::string key;
  key_writer(key, table).u16(shard).u32(row);
  return key;
}

std::string input_key(char table, std::uint32_t shard, std::uint32_t row, domain::input_id id) {
  std::string key;
  key_writer(key, table).u16(shard).u32(row).input(id);
  return key;
}

std::string shard_key(char table, std::uint32_t shard) {
  std::string key;
  key_writer(key, table).u16(shard);
  return key;
}

std::string outbox_key(const std::string& destination, std::uint32_t shard, std::uint32_t row,
                       const domain::effect_id& id) {
  std::string key;
  key_writer(key, tables::outbox)
      .text(destination)
      .text(std::string_view("\0", 1))
      .u16(shard)
      .u32(row)
      .effect(id);
  return key;
}

std::string own_meta_key(std::string_view name) {
  return std::string(1, tables::meta).append(1, '\0').append(name);
}

std::string meta_key(std::string_view name) { return std::string(1, tables::meta).append(name); }

} // namespace pollux::persistence
