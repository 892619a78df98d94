// SPDX-License-Identifier: Apache-2.0
#include "persistence/cold_file.hpp"
#include "persistence/cold_column.hpp"
#include "persistence/durable_folder.hpp"
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

namespace pollux::persistence {

namespace {

using json = nlohmann::json;
namespace fs = std::filesystem;

constexpr std::string_view first_line = "pollux history 1\n";
constexpr std::string_view first_word = "pollux history ";
constexpr std::string_view ending = ".history", unfinished = ".unfinished";
// "pollux directory " offset " " size " " crc "\n", all in fixed width
constexpr std::size_t last_line_bytes = 17 + 20 + 1 + 20 + 1 + 8 + 1;

failure system_failure(const std::string& doing) {
  const int code = errno;
  return {code == ENOSPC || code == EDQUOT ? errc::no_space
          : code == ENOENT                 ? errc::not_found
                                           : errc::io,
          doing + ": " + std::strerror(code)};
}

class descriptor {
public:
  explicit descriptor(int fd) : fd_(fd) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int get() const noexcept { return fd_; }

private:
  int fd_;
};

result<std::string> read_at(int fd, const std::string& name, std::uint64_t offset,
                            std::uint64_t size) {
  std::string out(static_cast<std::size_t>(size), '\0');
  std::size_t done = 0;
  while (done < out.size()) {
    const auto n =
        ::pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_failure("reading " + name);
    if (n == 0) return failure{errc::corrupt, name + " is shorter than it should be"};
    done += static_cast<std::size_t>(n);
  }
  return out;
}

result<std::uint64_t> size_of_file(int fd, const std::string& name) {
  struct stat s {};
  if (::fstat(fd, &s) != 0) return system_failure("looking at " + name);
  return static_cast<std::uint64_t>(s.st_size);
}

status sync_folder(const std::string& folder) {
  const descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return system_failure("syncing " + folder);
  return {};
}

std::string directory_text(const cold_directory& d) {
  json frames = json::array();
  for (const auto& f : d.frames)
    frames.push_back({f.key, f.row, f.first.at.value, f.first.index, f.offset, f.size,
                      f.least_event_time_ns, f.greatest_event_time_ns});
  return json{{"shard", d.shard}, {"frames", std::move(frames)}}.dump(
             -1, ' ', false, json::error_handler_t::replace) +
         "\n";
}

bool read_entry(const json& j, cold_entry& e) {
  if (!j.is_array() || j.size() != 8 || !j[0].is_string()) return false;
  for (std::size_t i = 1; i < 8; ++i)
    if (!j[i].is_number_integer()) return false;
  e.key = j[0].get<std::string>();
  e.row = j[1].get<std::uint32_t>();
  e.first = {{j[2].get<std::uint64_t>()}, j[3].get<std::uint32_t>()};
  e.offset = j[4].get<std::uint64_t>();
  e.size = j[5].get<std::uint64_t>();
  e.least_event_time_ns = j[6].get<std::int64_t>();
  e.greatest_event_time_ns = j[7].get<std::int64_t>();
  return true;
}

bool read_directory(std::string_view text, cold_directory& out) {
  const auto d = json::parse(text, nullptr, false);
  if (!d.is_object() || !d.contains("shard") || !d["shard"].is_number_unsigned() ||
      !d.contains("frames") || !d["frames"].is_array())
    return false;
  out.shard = d["shard"].get<std::uint32_t>();
  return std::all_of(d["frames"].begin(), d["frames"].end(),
                     [&](const json& f) { return read_entry(f, out.frames.emplace_back()); });
}

/// 0 when `name` is no cold file's.
std::uint64_t number_in(const std::string& name) {
  if (name.size() != 16 + ending.size() || !name.ends_with(ending)) return 0;
  if (name.find_first_not_of("0123456789abcdef") < 16) return 0;
  return std::stoull(name.substr(0, 16), nullptr, 16);
}

} // namespace

result<std::shared_ptr<cold_folder>> cold_folder::open(std::string folder) {
  std::shared_ptr<cold_folder> made(new cold_folder(std::move(folder)));
  made->readers_ = std::make_shared<int>(0);
  if (auto s = make_folder(made->folder_); !s) return s.error();
  return made;
}

status cold_folder::remove_unfinished() {
  std::error_code error;
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder_, error))
    if (entry.path().string().ends_with(unfinished)) found.push_back(entry.path());
  for (const auto& path : found) fs::remove(path, error);
  if (error) return failure{errc::io, folder_ + ": " + error.message()};
  return {};
}

std::shared_ptr<void> cold_folder::pin() const { return readers_; }

std::string cold_folder::path(std::uint64_t file) const {
  char name[17];
  std::snprintf(name, sizeof name, "%016llx", static_cast<unsigned long long>(file));
  return folder_ + "/" + name + std::string(ending);
}

result<std::string> cold_folder::read(std::uint64_t file, std::uint64_t offset,
                                      std::uint64_t size) const {
  const auto name = path(file);
  const descriptor fd(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return system_failure("opening " + name);
  const auto whole = size_of_file(fd.get(), name);
  if (!whole) return whole.error();
  if (size > *whole || offset > *whole - size)
    return failure{errc::corrupt, name + " is shorter than it should be"};
  return read_at(fd.get(), name, offset, size);
}

result<std::vector<std::uint64_t>> cold_folder::files() const {
  std::vector<std::uint64_t> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error))
    if (const auto n = number_in(entry.path().filename().string()); n != 0) out.push_back(n);
  if (error) return failure{errc::io, folder_ + ": " + error.message()};
  std::sort(out.begin(), out.end());
  return out;
}

result<std::uint64_t> cold_folder::size_of(std::uint64_t file) const {
  std::error_code error;
  const auto size = fs::file_size(path(file), error);
  if (error) return failure{errc::io, path(file) + ": " + error.message()};
  return static_cast<std::uint64_t>(size);
}

result<cold_directory> cold_folder::directory(std::uint64_t file) const {
  const auto name = path(file);
  const descriptor fd(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return system_failure("opening " + name);
  const auto size = size_of_file(fd.get(), name);
  if (!size) return size.error();
  const failure damaged{errc::corrupt, name + " is damaged"};
  if (*size < first_line.size() + last_line_bytes) return damaged;
  const auto begin = read_at(fd.get(), name, 0, first_line.size());
  if (!begin) return begin.error();
  if (*begin != first_line)
    return begin->starts_with(first_word)
               ? failure{errc::version_mismatch, name + " was written by a newer Pollux"}
               : damaged;
  const auto line = read_at(fd.get(), name, *size - last_line_bytes, last_line_bytes);
  if (!line) return line.error();
  unsigned long long offset = 0, bytes = 0;
  unsigned crc = 0;
  if (std::sscanf(line->c_str(), "pollux directory %20llu %20llu %8x", &offset, &bytes, &crc) !=
          3 ||
      bytes > *size || offset > *size - bytes)
    return damaged;
  const auto text = read_at(fd.get(), name, offset, bytes);
  if (!text) return text.error();
  cold_directory out;
  if (crc32_ieee(*text) != crc || !read_directory(*text, out)) return damaged;
  return out;
}

status cold_folder::remove(std::uint64_t file) {
  if (readers_.use_count() > 1)
    return failure{errc::unavailable, "cold files are being read; " + path(file) + " stays"};
  if (::unlink(path(file).c_str()) != 0 && errno != ENOENT)
    return system_failure("removing " + path(file));
  return {};
}

result<std::unique_ptr<cold_file_writer>>
cold_file_writer::begin(const cold_folder& folder, std::uint64_t file, std::uint32_t shard) {
  auto path = folder.path(file);
  auto temporary = path + std::string(unfinished);
  const int fd =
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640); // as the store's
  if (fd < 0) return system_failure("making " + temporary);
  std::unique_ptr<cold_file_writer> made(
      new cold_file_writer(std::move(temporary), std::move(path), file, fd));
  made->directory_.shard = shard;
  if (auto s = made->write(first_line); !s) return s.error();
  return made;
}

cold_file_writer::~cold_file_writer() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

status cold_file_writer::write(std::string_view bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto n = ::write(fd_, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_failure("writing " + temporary_);
    done += static_cast<std::size_t>(n);
  }
  offset_ += bytes.size();
  return {};
}

result<std::uint64_t> cold_file_writer::add(std::string_view frame, cold_entry entry) {
  entry.offset = offset_;
  entry.size = frame.size();
  if (auto s = write(frame); !s) return s.error();
  directory_.frames.push_back(std::move(entry));
  return directory_.frames.back().offset;
}

status cold_file_writer::finish() {
  const auto at = offset_;
  const auto text = directory_text(directory_);
  char line[last_line_bytes + 1];
  std::snprintf(line, sizeof line, "pollux directory %020llu %020llu %08x\n",
                static_cast<unsigned long long>(at), static_cast<unsigned long long>(text.size()),
                static_cast<unsigned>(crc32_ieee(text)));
  if (auto s = write(text); !s) return s;
  if (auto s = write(std::string_view(line, last_line_bytes)); !s) return s;
  if (::fsync(fd_) != 0) return system_failure("syncing " + temporary_);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return system_failure("naming " + path_);
  ::close(fd_);
  fd_ = -1;
  return sync_folder(path_.substr(0, path_.rfind('/')));
}

} // namespace pollux::persistence
