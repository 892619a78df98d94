// SPDX-License-Identifier: Apache-2.0
// Effects as Protobuf (messages/proto/store.proto). The bytes of equal effects are equal, so that
// `journal verify` may compare bytes.
#pragma once
#include "domain/base/result.hpp"
#include "domain/twin/effect.hpp"
#include "proto/store.pb.h"
#include <string>
#include <string_view>

namespace pollux::persistence {

void to_proto(const domain::effect& from, pollux::stored::Effect& to);
/// Errors: corrupt (an unknown kind, transition, severity or phase).
[[nodiscard]] status from_proto(const pollux::stored::Effect& from, domain::effect& to);

[[nodiscard]] std::string encode_effect(const domain::effect& e);
[[nodiscard]] result<domain::effect> decode_effect(std::string_view bytes);

} // namespace pollux::persistence
