// SPDX-License-Identifier: Apache-2.0
// Cold files: immutable, in the data folder's `history/`; each holds frames of twins of one shard.
// A first line, the frames, a directory of them as JSON, and a last line that says where the
// directory is (docs/journal_format.md, "Cold files"). A file is there whole or not at all.
#pragma once
#include "domain/base/result.hpp"
#include "persistence/store.hpp"
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace pollux::persistence {

/// A frame as the directory of its file names it.
struct cold_entry {
  std::string key; ///< the twin's journal key
  std::uint32_t row = 0;
  domain::input_id first;
  std::uint64_t offset = 0, size = 0;
  std::int64_t least_event_time_ns = 0, greatest_event_time_ns = 0;
};

struct cold_directory {
  std::uint32_t shard = 0;
  std::vector<cold_entry> frames; ///< in the order of the file
};

/// Thread-safe. Files are never changed, so reading needs no lock; nobody else may remove one.
class cold_folder final : public cold_source {
public:
  /// Makes the folder where it is missing. Errors: io, no_space.
  [[nodiscard]] static result<std::shared_ptr<cold_folder>> open(std::string folder);
  /// Removes what a crash left half written. Only where nobody else writes. Errors: io.
  [[nodiscard]] status remove_unfinished();

  result<std::string> read(std::uint64_t file, std::uint64_t offset,
                           std::uint64_t size) const override;
  /// While what this gives lives, remove() lets files be that were there before.
  [[nodiscard]] std::shared_ptr<void> pin() const override;

  [[nodiscard]] result<std::vector<std::uint64_t>> files() const; ///< numbers, rising
  [[nodiscard]] result<std::uint64_t> size_of(std::uint64_t file) const;
  /// Errors: corrupt, version_mismatch, not_found, io.
  [[nodiscard]] result<cold_directory> directory(std::uint64_t file) const;
  /// Only when no index row refers to it any more. Errors: io; unavailable while somebody reads
  /// (then try again later).
  [[nodiscard]] status remove(std::uint64_t file);
  [[nodiscard]] const std::string& folder() const noexcept { return folder_; }
  [[nodiscard]] std::string path(std::uint64_t file) const;

private:
  explicit cold_folder(std::string folder) : folder_(std::move(folder)) {}
  std::string folder_;
  std::shared_ptr<void> readers_; ///< each pin holds one more of it
};

/// Writes one file. What was not finished is gone with the writer, or with the next start.
class cold_file_writer {
public:
  [[nodiscard]] static result<std::unique_ptr<cold_file_writer>>
  begin(const cold_folder& folder, std::uint64_t file, std::uint32_t shard);
  ~cold_file_writer();
  cold_file_writer(const cold_file_writer&) = delete;
  cold_file_writer& operator=(const cold_file_writer&) = delete;

  /// Appends a frame and gives its offset. `entry` needs no offset and size. Errors: io, no_space.
  [[nodiscard]] result<std::uint64_t> add(std::string_view frame, cold_entry entry);
  /// Directory, fsync, the file's true name, fsync of the folder. Errors: io, no_space.
  [[nodiscard]] status finish();
  [[nodiscard]] std::uint64_t file() const noexcept { return file_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return offset_; }
  [[nodiscard]] std::size_t frames() const noexcept { return directory_.frames.size(); }

private:
  cold_file_writer(std::string temporary, std::string path, std::uint64_t file, int fd)
      : temporary_(std::move(temporary)), path_(std::move(path)), file_(file), fd_(fd) {}
  [[nodiscard]] status write(std::string_view bytes);

  std::string temporary_, path_;
  std::uint64_t file_;
  int fd_;
  std::uint64_t offset_ = 0;
  cold_directory directory_;
};

} // namespace pollux::persistence
