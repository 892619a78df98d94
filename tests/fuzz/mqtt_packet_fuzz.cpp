// SPDX-License-Identifier: Apache-2.0
// Bytes from a broker: packets are taken from the front while there are whole ones, and each is
// read as every kind of packet, under both versions.
#include "bridge/mqtt/receiver/packet.hpp"
#include "fuzz.hpp"

using namespace pollux;
using namespace pollux::bridge::mqtt;

namespace {

void require_inside(std::string_view all, std::string_view part) {
  if (part.empty()) return;
  fuzz::require(part.data() >= all.data() && part.data() + part.size() <= all.data() + all.size(),
                "what is read lies in the packet");
}

void check(const std::optional<defect>& wrong) {
  if (!wrong) return;
  fuzz::require(*wrong->what != '\0', "a defect has words");
  fuzz::require(static_cast<unsigned>(wrong->code) >= 0x80, "a defect's code refuses");
}

void read_publish(const frame& in, unsigned version) {
  publish out;
  const auto wrong = read(in, version, out);
  check(wrong);
  if (wrong) return;
  fuzz::require(out.qos < 3 && (out.qos == 0) == (out.packet_id == 0), "an id above QoS 0 only");
  fuzz::require(out.topic_alias != 0 || !out.topic.empty(), "a topic or an alias");
  fuzz::require(out.topic.find_first_of(std::string_view("+#\0", 3)) == std::string_view::npos,
                "a topic names one place");
  for (const auto part :
       {out.topic, out.payload, out.content_type, out.correlation_data, out.response_topic,
        out.user_properties, user_property(out.user_properties, "traceparent")})
    require_inside(in.body, part);
}

void read_answers(const frame& in, unsigned version) {
  connack connected;
  suback granted;
  acknowledgement answer;
  disconnect end;
  const auto no_connack = read(in, version, connected);
  check(no_connack);
  if (!no_connack) {
    fuzz::require(!connected.session_present || connected.code == 0, "refused without a session");
    fuzz::require(connected.receive_maximum != 0, "a receive maximum");
    for (const auto part :
         {connected.assigned_client_id, connected.reason_text, connected.server_reference})
      require_inside(in.body, part);
  }
  const auto no_suback = read(in, version, granted);
  check(no_suback);
  if (!no_suback) {
    fuzz::require(!granted.codes.empty() && granted.packet_id != 0, "codes for an id");
    require_inside(in.body, granted.codes);
    require_inside(in.body, granted.reason_text);
  }
  const auto no_answer = read(in, version, answer);
  check(no_answer);
  if (!no_answer) fuzz::require(answer.packet_id != 0, "an acknowledgement of something");
  const auto no_end = read(in, version, end);
  check(no_end);
  if (!no_end) {
    fuzz::require(version == 5, "a server's DISCONNECT came with MQTT 5");
    require_inside(in.body, end.reason_text);
    require_inside(in.body, end.server_reference);
  }
  fuzz::require(!no_connack + !no_suback + !no_answer + !no_end <= 1, "a packet is of one kind");
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto rest = fuzz::bytes_of(data, size);
  constexpr std::size_t limit = 4096;
  for (;;) {
    frame found;
    defect wrong;
    const auto framed = next_frame(rest, limit, found, wrong);
    if (framed == framing::broken) check(wrong);
    if (framed != framing::whole) return 0;
    fuzz::require(found.size >= 2 && found.size <= rest.size() && found.size <= limit,
                  "a whole packet is there");
    require_inside(rest.substr(0, found.size), found.body);
    for (const unsigned version : {4u, 5u}) {
      read_publish(found, version);
      read_answers(found, version);
    }
    rest.remove_prefix(found.size);
  }
}
