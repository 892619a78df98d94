// SPDX-License-Identifier: Apache-2.0
#include "persistence/leveldb_env.hpp"
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <leveldb/status.h>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>

namespace pollux::persistence {

namespace {

constexpr std::size_t buffer_bytes = 64 << 10;
constexpr std::size_t region_bytes = 1 << 20; ///< of a log file, allocated and mapped at once

std::string error_text(int number) { return std::generic_category().message(number); }

leveldb::Status io_error(const std::string& name, int number) {
  return leveldb::Status::IOError(name, error_text(number));
}

bool is_log_file(const std::string& name) { return name.ends_with(".log"); }

/// 0 or errno. The entry of a new file in its folder must survive a power cut, too.
int sync_folder_of(const std::string& name) noexcept {
  const auto slash = name.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : name.substr(0, slash);
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int error = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  return error;
}

} // namespace

class log_handle {
public:
  log_handle(std::string name, int fd) : name_(std::move(name)), fd_(fd) {}
  log_handle(const log_handle&) = delete;
  log_handle& operator=(const log_handle&) = delete;
  ~log_handle() { ::close(fd_); }

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] int fd() const noexcept { return fd_; }
  void add_written(std::size_t bytes) noexcept { written_ += bytes; }
  [[nodiscard]] bool clean() const noexcept { return written_ == synced_ && folder_synced_; }

  /// 0 or errno. Several threads may call it at once.
  int sync() noexcept {
    const std::uint64_t upto = written_;
    if (::fdatasync(fd_) != 0) return errno;
    if (!folder_synced_) {
      if (const int error = sync_folder_of(name_); error != 0) return error;
      folder_synced_ = true;
    }
    auto seen = synced_.load();
    while (seen < upto && !synced_.compare_exchange_weak(seen, upto)) {
    }
    return 0;
  }

private:
  std::string name_;
  int fd_;
  std::atomic<std::uint64_t> written_{0}, synced_{0};
  std::atomic<bool> folder_synced_{false};
};

namespace {

/// LevelDB writes records of a log in fragments and flushes after each; the buffer joins a
/// fragment's header with its bytes. A new file is written through a shared mapping: what is copied
/// there is in the kernel as after write(2), without the system call, which was a tenth of the cost
/// of a message that is written alone. Space is allocated before it is mapped, so a full disk is an
/// error here and not a signal; LevelDB reads over the zeros a crash leaves behind. After a failed
/// write nothing more is written: LevelDB's place in the file would no longer be the file's, and a
/// reader would lose what follows.
class log_file final : public leveldb::WritableFile {
public:
  /// `fresh`: the file is empty and may be mapped.
  log_file(journal_env& env, std::shared_ptr<log_handle> handle, bool fresh)
      : env_(env), handle_(std::move(handle)), mapped_(fresh) {
    buffer_.reserve(buffer_bytes);
  }
  log_file(const log_file&) = delete;
  log_file& operator=(const log_file&) = delete;
  ~log_file() override { Close(); }

  leveldb::Status Append(const leveldb::Slice& data) override {
    if (!failed_.ok()) return failed_;
    if (buffer_.size() + data.size() > buffer_bytes) {
      if (auto s = Flush(); !s.ok()) return s;
      if (data.size() > buffer_bytes) return write(data.data(), data.size());
    }
    buffer_.append(data.data(), data.size());
    return {};
  }

  leveldb::Status Flush() override {
    if (!failed_.ok() || buffer_.empty()) return failed_;
    auto s = write(buffer_.data(), buffer_.size());
    buffer_.clear();
    return s;
  }

  leveldb::Status Sync() override {
    if (auto s = Flush(); !s.ok()) return s;
    if (const int error = env_.sync_handle(*handle_); error != 0)
      failed_ = io_error(handle_->name(), error);
    return failed_;
  }

  leveldb::Status Close() override {
    if (handle_ == nullptr) return failed_;
    if (failed_.ok()) (void)Flush();
    end_mapping();
    auto s = failed_.ok() ? Sync() : failed_;
    env_.forget(handle_);
    handle_.reset();
    return s;
  }

private:
  leveldb::Status write(const char* data, std::size_t size) {
    if (const int error = env_.faults().on_write(size); error != 0)
      return failed_ = io_error(handle_->name(), error);
    if (mapped_) {
      if (const int error = copy(data, size); error != 0)
        return failed_ = io_error(handle_->name(), error);
      handle_->add_written(size);
      env_.count_written(size);
      return {};
    }
    std::size_t done = 0;
    while (done < size) {
      const auto n = ::write(handle_->fd(), data + done, size - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failed_ = io_error(handle_->name(), errno);
      done += static_cast<std::size_t>(n);
    }
    handle_->add_written(size);
    env_.count_written(size);
    return {};
  }

  /// 0 or errno.
  int copy(const char* data, std::size_t size) {
    while (size > 0) {
      if (at_ == region_end_)
        if (const int error = next_region(); error != 0) return error;
      const auto part = std::min<std::uint64_t>(size, region_end_ - at_);
      std::memcpy(region_ + (at_ + region_bytes - region_end_), data, part);
      at_ += part;
      data += part;
      size -= part;
    }
    return 0;
  }

  int next_region() {
    unmap();
    const auto from = static_cast<off_t>(at_);
    if (const int error = ::posix_fallocate(handle_->fd(), from, region_bytes); error != 0)
      return error;
    void* mapped =
        ::mmap(nullptr, region_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, handle_->fd(), from);
    if (mapped == MAP_FAILED) return errno;
    region_ = static_cast<char*>(mapped);
    region_end_ = at_ + region_bytes;
    return 0;
  }

  void unmap() {
    if (region_ != nullptr) ::munmap(region_, region_bytes);
    region_ = nullptr;
  }

  /// The file gets its true length; the zeros behind it go.
  void end_mapping() {
    unmap();
    if (mapped_ && handle_ != nullptr && ::ftruncate(handle_->fd(), static_cast<off_t>(at_)) != 0 &&
        failed_.ok())
      failed_ = io_error(handle_->name(), errno);
    mapped_ = false;
  }

  journal_env& env_;
  std::shared_ptr<log_handle> handle_;
  std::string buffer_;
  leveldb::Status failed_;
  bool mapped_;
  char* region_ = nullptr;
  std::uint64_t at_ = 0, region_end_ = 0; ///< places in the file
};

/// Tables and manifests: LevelDB's own file, counted and breakable.
class counted_file final : public leveldb::WritableFile {
public:
  counted_file(journal_env& env, std::string name, leveldb::WritableFile* target)
      : env_(env), name_(std::move(name)), target_(target) {}

  leveldb::Status Append(const leveldb::Slice& data) override {
    if (const int error = env_.faults().on_write(data.size()); error != 0)
      return io_error(name_, error);
    env_.count_written(data.size());
    return target_->Append(data);
  }
  leveldb::Status Close() override { return target_->Close(); }
  leveldb::Status Flush() override { return target_->Flush(); }
  leveldb::Status Sync() override {
    if (const int error = env_.faults().sync_errno; error != 0) return io_error(name_, error);
    return target_->Sync();
  }

private:
  journal_env& env_;
  std::string name_;
  std::unique_ptr<leveldb::WritableFile> target_;
};

} // namespace

int env_faults::on_write(std::size_t size) noexcept {
  if (const int error = write_errno; error != 0) return error;
  if (bytes_left < 0) return 0;
  const auto wanted = static_cast<std::int64_t>(size);
  if (bytes_left < wanted) {
    bytes_left = 0;
    return wanted == 0 ? 0 : ENOSPC;
  }
  bytes_left -= wanted;
  return 0;
}

journal_env::journal_env() : EnvWrapper(leveldb::Env::Default()) {}
journal_env::~journal_env() = default;

namespace {

leveldb::Status read_error(const std::string& name, int error) {
  return error == ENOENT ? leveldb::Status::NotFound(name, std::strerror(error))
                         : leveldb::Status::IOError(name, std::strerror(error));
}

class read_file final : public leveldb::RandomAccessFile {
public:
  read_file(std::string name, int descriptor) : name_(std::move(name)), descriptor_(descriptor) {}
  ~read_file() override { ::close(descriptor_); }
  leveldb::Status Read(std::uint64_t offset, std::size_t n, leveldb::Slice* result,
                       char* scratch) const override {
    const auto got = ::pread(descriptor_, scratch, n, static_cast<off_t>(offset));
    *result = leveldb::Slice(scratch, got < 0 ? 0 : static_cast<std::size_t>(got));
    return got < 0 ? read_error(name_, errno) : leveldb::Status::OK();
  }

private:
  std::string name_;
  int descriptor_;
};

} // namespace

leveldb::Status journal_env::NewRandomAccessFile(const std::string& name,
                                                 leveldb::RandomAccessFile** out) {
  *out = nullptr;
  const int descriptor = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return read_error(name, errno);
  *out = new read_file(name, descriptor);
  return leveldb::Status::OK();
}

leveldb::Status journal_env::NewWritableFile(const std::string& name, leveldb::WritableFile** out) {
  return open(name, false, out);
}

leveldb::Status journal_env::NewAppendableFile(const std::string& name,
                                               leveldb::WritableFile** out) {
  return open(name, true, out);
}

leveldb::Status journal_env::open(const std::string& name, bool append,
                                  leveldb::WritableFile** out) {
  *out = nullptr;
  if (!is_log_file(name)) {
    leveldb::WritableFile* plain = nullptr;
    auto s = append ? target()->NewAppendableFile(name, &plain)
                    : target()->NewWritableFile(name, &plain);
    if (s.ok()) *out = new counted_file(*this, name, plain);
    return s;
  }
  const int flags = O_RDWR | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC);
  const int fd = ::open(name.c_str(), flags, 0644);
  if (fd < 0) return io_error(name, errno);
  auto handle = std::make_shared<log_handle>(name, fd);
  {
    const std::lock_guard lock(mutex_);
    open_.push_back(handle);
  }
  *out = new log_file(*this, std::move(handle), !append);
  return {};
}

int journal_env::sync_handle(log_handle& handle) {
  int error = faults_.sync_errno;
  if (error == 0) error = handle.sync();
  ++syncs_;
  if (error != 0) {
    const std::lock_guard lock(mutex_);
    failure_ = to_status(io_error(handle.name(), error), "syncing");
  }
  return error;
}

status journal_env::sync_logs() {
  std::vector<std::shared_ptr<log_handle>> dirty;
  {
    const std::lock_guard lock(mutex_);
    if (!failure_.ok()) return failure_;
    for (const auto& handle : open_)
      if (!handle->clean()) dirty.push_back(handle);
  }
  for (const auto& handle : dirty)
    if (sync_handle(*handle) != 0) break;
  // also sees the failure of a file that LevelDB closed while we were busy
  const std::lock_guard lock(mutex_);
  return failure_;
}

void journal_env::forget_failure() {
  const std::lock_guard lock(mutex_);
  failure_ = {};
}

void journal_env::forget(const std::shared_ptr<log_handle>& handle) {
  const std::lock_guard lock(mutex_);
  std::erase(open_, handle);
}

status to_status(const leveldb::Status& s, const std::string& doing) {
  if (s.ok()) return {};
  const std::string text = doing + ": " + s.ToString();
  if (s.IsCorruption()) return failure{errc::corrupt, text};
  if (text.find(error_text(ENOSPC)) != std::string::npos) return failure{errc::no_space, text};
  return failure{errc::io, text};
}

} // namespace pollux::persistence
