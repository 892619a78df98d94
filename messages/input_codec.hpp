// SPDX-License-Identifier: Apache-2.0
// One journal.proto Input to and from bytes, with its names in a dictionary outside. Shared by
// segments (one dictionary for all inputs) and by the stand-alone form (a dictionary of its own).
#pragma once
#include "domain/twin/input.hpp"
#include "messages/segment.hpp"
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::messages {

/// A dictionary that is being written: each text once, already in its encoded form, found again by
/// hash. Cost: amortised O(1), no allocation once warm.
class dictionary_writer {
public:
  /// `field`: the dictionary's field number in Segment, below 16.
  explicit dictionary_writer(std::uint32_t field) : field_(field) {}
  /// The index of `text`, put in if it is new.
  std::uint32_t index_of(std::string_view text);
  /// Puts `text` in without looking for it.
  std::uint32_t append(std::string_view text);
  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::uint32_t size() const noexcept {
    return static_cast<std::uint32_t>(places_.size());
  }
  [[nodiscard]] std::string_view at(std::uint32_t index) const noexcept {
    return std::string_view(bytes_).substr(places_[index].offset, places_[index].size);
  }
  /// The texts as views into `encoded`, a copy of bytes() that lies elsewhere.
  void views_into(const char* encoded, std::vector<std::string_view>& out) const;
  /// Empty again; keeps its memory.
  void clear() noexcept;

private:
  struct place {
    std::uint32_t offset, size;
  };
  struct slot {
    std::uint32_t generation = 0; ///< taken only if it is the current one: clear() costs nothing
    std::uint32_t index = 0;
    std::uint64_t hash = 0;
  };
  void grow();
  std::uint32_t field_;
  std::uint32_t generation_ = 1;
  std::uint32_t hashed_ = 0; ///< slots taken in this generation
  std::uint32_t expected_ = 0;
  std::string bytes_;
  std::vector<place> places_;
  std::vector<slot> slots_;
};

/// Encodes inputs one after the other; keeps its scratch memory warm.
class input_encoder {
public:
  /// Looks the names up in `names` and gives the exact size of the encoded Input. `twin`: index
  /// into the dictionary of twins, or shard_wide_twin. A reading must lie within in.fields.
  std::size_t measure(const domain::input& in, std::uint32_t twin, dictionary_writer& names);
  /// Writes what measure() has just measured; `at` has room for it. Gives the end.
  char* write(const domain::input& in, std::uint32_t twin, char* at) const;

private:
  std::vector<std::uint32_t> field_names_; ///< per field: index into the dictionary
  std::vector<std::uint32_t> sizes_;       ///< per reading: bytes of the encoded Reading
};

/// Decodes an Input into `out` (cleared first; out.id is left alone). `twin` gets the index into
/// `twins`, or shard_wide_twin. False on damage, an index outside the dictionary or an unknown
/// kind. Views point into `bytes` and into what `names` points to.
[[nodiscard]] bool decode_fields(std::string_view bytes, const std::vector<std::string_view>& names,
                                 std::size_t twins, std::uint32_t& twin, domain::input& out);

/// The parts of an encoded Segment, as views. Inputs may stand before the dictionaries.
struct segment_parts {
  std::uint32_t format = 0;
  std::vector<std::string_view> twins, names, inputs;
};
inline constexpr std::uint32_t segment_format = 1;

/// Splits a Segment; does not look inside the inputs. Errors: corrupt, version_mismatch.
[[nodiscard]] status split_segment(std::string_view bytes, segment_parts& out);

} // namespace pollux::messages
