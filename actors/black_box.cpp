// SPDX-License-Identifier: Apache-2.0
#include "actors/black_box.hpp"
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace pollux::actors {

namespace {
constexpr std::size_t slots = 64; // threads that apply inputs; more than that share the last one
std::atomic<black_box_entry*> box{nullptr};
std::atomic<std::size_t> next_slot{0};
} // namespace

result<std::vector<black_box_entry>> open_black_box(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return failure{errc::io, file + ": " + std::strerror(errno)};
  constexpr std::size_t bytes = slots * sizeof(black_box_entry);
  if (::ftruncate(fd, static_cast<off_t>(bytes)) != 0) {
    const auto why = std::string{std::strerror(errno)};
    ::close(fd);
    return failure{errc::io, file + ": " + why};
  }
  void* mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (mapped == MAP_FAILED) return failure{errc::io, file + ": " + std::strerror(errno)};
  auto* entries = static_cast<black_box_entry*>(mapped);
  std::vector<black_box_entry> left;
  for (std::size_t i = 0; i < slots; ++i)
    if (entries[i].busy == 1) left.push_back(entries[i]);
  std::memset(mapped, 0, bytes);
  box.store(entries);
  return left;
}

black_box_mark::black_box_mark(std::uint32_t shard, std::uint32_t row,
                               domain::input_id id) noexcept {
  thread_local const std::size_t mine = std::min(next_slot.fetch_add(1), slots - 1);
  auto* entries = box.load(std::memory_order_relaxed);
  slot_ = entries == nullptr ? nullptr : entries + mine;
  if (slot_ == nullptr) return;
  slot_->shard = shard;
  slot_->row = row;
  slot_->position = id.at.value;
  slot_->index = id.index;
  slot_->busy = 1;
}

black_box_mark::~black_box_mark() {
  if (slot_ != nullptr) slot_->busy = 0;
}

} // namespace pollux::actors
