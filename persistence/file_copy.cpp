// SPDX-License-Identifier: Apache-2.0
#include "persistence/file_copy.hpp"
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <openssl/evp.h>
#include <sstream>
#include <unistd.h>
#include <utility>

namespace pollux::persistence {

namespace {

constexpr std::size_t piece_bytes = 1u << 20;

failure failed(const std::string& doing) {
  const int why = errno;
  return {why == ENOSPC || why == EDQUOT ? errc::no_space
          : why == ENOENT                ? errc::not_found
                                         : errc::io,
          doing + ": " + std::strerror(why)};
}

/// An open file; close() is looked at where something was written.
class descriptor {
public:
  descriptor(const std::string& name, int flags) : fd_(::open(name.c_str(), flags, 0644)) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  explicit operator bool() const { return fd_ >= 0; }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool close() { return ::close(std::exchange(fd_, -1)) == 0; }

private:
  int fd_;
};

class sha256 {
public:
  sha256() : state_(EVP_MD_CTX_new()) { ok_ = EVP_DigestInit_ex(state_.get(), EVP_sha256(), {}); }
  void add(const char* bytes, std::size_t size) {
    ok_ = ok_ && EVP_DigestUpdate(state_.get(), bytes, size);
  }
  [[nodiscard]] result<std::string> finish() {
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (!ok_ || !EVP_DigestFinal_ex(state_.get(), raw, &size))
      return failure{errc::internal, "SHA-256 is not to be had from the cryptographic library"};
    std::string out;
    for (unsigned int i = 0; i < size; ++i) {
      out.push_back("0123456789abcdef"[raw[i] >> 4]);
      out.push_back("0123456789abcdef"[raw[i] & 15]);
    }
    return out;
  }

private:
  struct free_state {
    void operator()(EVP_MD_CTX* s) const { EVP_MD_CTX_free(s); }
  };
  std::unique_ptr<EVP_MD_CTX, free_state> state_;
  bool ok_ = false;
};

/// Reads a file piece by piece; `take` gives false when it failed, and leaves errno.
template <class Take>
status each_piece(const std::string& file, const piece_visitor& piece, Take&& take) {
  const descriptor in(file, O_RDONLY | O_CLOEXEC);
  if (!in) return failed("opening " + file);
  std::string buffer(piece_bytes, '\0');
  while (true) {
    const auto got = ::read(in.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("reading " + file);
    if (got == 0) return {};
    if (auto s = take(buffer.data(), static_cast<std::size_t>(got)); !s) return s;
    if (piece && !piece(static_cast<std::uint64_t>(got)))
      return failure{errc::unavailable, "stopped"};
  }
}

status write_all(int fd, const char* bytes, std::size_t size, const std::string& file) {
  while (size > 0) {
    const auto put = ::write(fd, bytes, size);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return failed("writing " + file);
    bytes += put;
    size -= static_cast<std::size_t>(put);
  }
  return {};
}

status sync_file(const std::string& file) {
  const descriptor open(file, O_RDONLY | O_CLOEXEC);
  if (!open) return failed("opening " + file);
  return ::fsync(open.get()) == 0 ? status{} : failed("syncing " + file);
}

} // namespace

result<std::string> sha256_of_file(const std::string& file, const piece_visitor& piece) {
  sha256 sum;
  auto s = each_piece(file, piece, [&](const char* bytes, std::size_t size) -> status {
    sum.add(bytes, size);
    return {};
  });
  if (!s) return s.error();
  return sum.finish();
}

result<std::string> copy_file(const std::string& from, const std::string& to,
                              const piece_visitor& piece) {
  descriptor out(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC);
  if (!out) return failed("making " + to);
  sha256 sum;
  auto s = each_piece(from, piece, [&](const char* bytes, std::size_t size) {
    sum.add(bytes, size);
    return write_all(out.get(), bytes, size, to);
  });
  if (!s) return s.error();
  if (::fsync(out.get()) != 0) return failed("syncing " + to);
  if (!out.close()) return failed("closing " + to);
  return sum.finish();
}

status write_file(const std::string& file, const std::string& content) {
  descriptor out(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC);
  if (!out) return failed("making " + file);
  if (auto s = write_all(out.get(), content.data(), content.size(), file); !s) return s;
  if (::fsync(out.get()) != 0) return failed("syncing " + file);
  return out.close() ? status{} : failed("closing " + file);
}

result<std::string> read_file(const std::string& file) {
  std::string out;
  auto s = each_piece(file, {}, [&](const char* bytes, std::size_t size) -> status {
    out.append(bytes, size);
    return {};
  });
  if (!s) return s.error();
  return out;
}

status sync_folder(const std::string& folder) { return sync_file(folder); }

result<std::vector<file_sum>> sum_folder(const std::string& folder, const piece_visitor& piece) {
  std::vector<file_sum> out;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    if (!at->is_regular_file(error)) {
      if (at->is_directory(error))
        if (auto s = sync_folder(at->path().string()); !s) return s.error();
      continue;
    }
    const auto file = at->path().string();
    if (auto s = sync_file(file); !s) return s.error();
    auto sum = sha256_of_file(file, piece);
    if (!sum) return sum.error();
    out.push_back({at->path().lexically_relative(folder).generic_string(), std::move(*sum)});
  }
  if (error) return failure{errc::io, "listing " + folder + ": " + error.message()};
  std::sort(out.begin(), out.end(),
            [](const file_sum& a, const file_sum& b) { return a.name < b.name; });
  return out;
}

status write_sums(const std::string& folder, const std::vector<file_sum>& files) {
  std::string text;
  for (const auto& f : files) text += f.sha256 + "  " + f.name + "\n";
  return write_file(folder + "/" + sums_file, text);
}

result<std::vector<file_sum>> read_sums(const std::string& folder) {
  const auto text = read_file(folder + "/" + sums_file);
  if (!text) {
    if (text.error().code == errc::not_found)
      return failure{errc::not_found, folder + " is not a finished backup: it has no " + sums_file};
    return text.error();
  }
  std::vector<file_sum> out;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    const auto name = line.size() > 66 ? line.substr(66) : std::string{};
    // a name must stay inside the folder, whoever wrote the list
    if (name.empty() || line.compare(64, 2, "  ") != 0 || name.front() == '/' ||
        name.find("..") != name.npos)
      return failure{errc::corrupt, folder + "/" + sums_file + ": line " +
                                        std::to_string(out.size() + 1) + " is damaged"};
    out.push_back({name, line.substr(0, 64)});
  }
  if (out.empty()) return failure{errc::corrupt, folder + "/" + sums_file + " is empty"};
  return out;
}

} // namespace pollux::persistence
