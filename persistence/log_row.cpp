// SPDX-License-Identifier: Apache-2.0
#include "persistence/log_row.hpp"
#include "domain/base/bytes.hpp"
#include "persistence/crc32c.hpp"

namespace pollux::persistence {

namespace {
constexpr std::size_t checked_from = 5; // behind version and checksum
}

void encode_log_row(const log_row& row, std::string& out) {
  out.clear();
  byte_writer w(out);
  w.u8(log_row_version);
  w.u32(0);
  w.u64(row.previous.value);
  w.u32(row.readings);
  out.append(row.segment);
  const std::uint32_t crc = crc32c(std::string_view(out).substr(checked_from));
  for (std::size_t i = 0; i < 4; ++i) out[1 + i] = static_cast<char>(crc >> (8 * i));
}

log_row peek_log_row(std::string_view bytes) {
  if (bytes.size() < log_row_head_bytes) return {};
  byte_reader r(bytes.substr(checked_from));
  log_row row;
  row.previous.value = r.u64();
  row.readings = r.u32();
  row.segment = bytes.substr(log_row_head_bytes);
  return row;
}

result<log_row> decode_log_row(std::string_view bytes) {
  if (bytes.size() < log_row_head_bytes) return failure{errc::corrupt, "row too short"};
  byte_reader r(bytes);
  const auto version = r.u8();
  if (version > log_row_version)
    return failure{errc::version_mismatch, "row format " + std::to_string(version)};
  if (version == 0) return failure{errc::corrupt, "row format 0"};
  if (r.u32() != crc32c(bytes.substr(checked_from)))
    return failure{errc::corrupt, "checksum differs"};
  return peek_log_row(bytes);
}

} // namespace pollux::persistence
