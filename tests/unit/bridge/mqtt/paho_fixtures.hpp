// SPDX-License-Identifier: Apache-2.0
// What the tests of the Paho source and egress share: a handler and an inlet that do as told, and
// a publisher that knows which of its messages the broker acknowledged.
#pragma once
#include "bridge/mqtt/source.hpp"
#include "messages/inlet.hpp"
#include <atomic>
#include <functional>
#include <map>
#include <mqtt/async_client.h>
#include <mutex>
#include <string>
#include <vector>

namespace pollux::test {

/// Takes everything while open; counts flushes.
class switchable_inlet final : public messages::inlet {
public:
  std::atomic<bool> open{true};
  std::atomic<bool> flush_fails{false};
  std::atomic<int> flushes_d0{0}, flushes_d2{0};

  result<messages::ticket> submit(std::string_view, std::string_view,
                                  const domain::input&) override {
    if (!open) return failure{errc::overloaded, "closed by the test"};
    return messages::ticket{++last_};
  }
  status flush(messages::durability upto, messages::ticket) override {
    if (flush_fails) return failure{errc::no_space, "full by the test"};
    ++(upto == messages::durability::d2 ? flushes_d2 : flushes_d0);
    return {};
  }
  [[nodiscard]] messages::ticket durable_upto(messages::durability) const override {
    return {last_};
  }
  [[nodiscard]] bool accepting() const override { return open && !flush_fails; }

private:
  std::atomic<std::uint64_t> last_{0};
};

/// Keeps what it was given, and answers as the test's rule says.
class recording_handler final : public bridge::arrival_handler {
public:
  struct seen {
    std::string topic, payload, correlation;
    int qos = 0;
    bool retained = false, duplicate = false;
    bridge::disposition answered = bridge::disposition::submitted;
  };
  std::function<bridge::verdict(const bridge::arrival&)> rule;

  bridge::verdict handle(const bridge::arrival& in) override {
    bridge::verdict out{bridge::disposition::submitted, messages::durability::d1, {1}, {1}, {}};
    if (rule) out = rule(in);
    const std::lock_guard lock(mutex_);
    all_.push_back({std::string(in.topic), std::string(in.payload),
                    std::string(in.correlation_data), in.qos, in.retained, in.duplicate, out.what});
    return out;
  }
  [[nodiscard]] std::vector<seen> all() const {
    const std::lock_guard lock(mutex_);
    return all_;
  }
  [[nodiscard]] std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return all_.size();
  }
  /// How often each payload was submitted (not: refused).
  [[nodiscard]] std::map<std::string, int> submitted() const {
    const std::lock_guard lock(mutex_);
    std::map<std::string, int> out;
    for (const auto& s : all_) out[s.payload] += s.answered == bridge::disposition::submitted;
    std::erase_if(out, [](const auto& e) { return e.second == 0; });
    return out;
  }

private:
  mutable std::mutex mutex_;
  std::vector<seen> all_;
};

/// Connects at construction; publish() returns once the broker has acknowledged.
class publisher {
public:
  explicit publisher(const std::string& url, const std::string& id = "test-publisher")
      : client_(url, id, mqtt::create_options(MQTTVERSION_5)) {
    client_
        .connect(mqtt::connect_options_builder()
                     .mqtt_version(MQTTVERSION_5)
                     .clean_start(true)
                     .max_inflight(1000)
                     .finalize())
        ->wait();
  }
  ~publisher() {
    try {
      if (client_.is_connected()) client_.disconnect()->wait_for(2000);
    } catch (const mqtt::exception&) { // the broker may be gone, as the test wanted
    }
  }
  void publish(const std::string& topic, const std::string& payload, int qos = 1,
               bool retain = false) {
    client_.publish(topic, payload.data(), payload.size(), qos, retain)->wait();
  }
  void publish_all(const std::string& topic, int first, int last, int qos) {
    std::vector<mqtt::delivery_token_ptr> tokens;
    for (int i = first; i < last; ++i) {
      const auto text = std::to_string(i);
      tokens.push_back(client_.publish(topic, text.data(), text.size(), qos, false));
      if (tokens.size() == 50) {
        for (const auto& t : tokens) t->wait();
        tokens.clear();
      }
    }
    for (const auto& t : tokens) t->wait();
  }
  mqtt::async_client& client() { return client_; }

private:
  mqtt::async_client client_;
};

} // namespace pollux::test
