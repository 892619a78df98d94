// SPDX-License-Identifier: Apache-2.0
// W3C Thing Descriptions 1.1 (https://www.w3.org/TR/wot-thing-description11/): of a twin, of the
// directory of all twins, and Thing Models of models. docs/wot.md
#pragma once
#include "bridge/http/wot/thing_shape.hpp"
#include <string>
#include <string_view>

namespace pollux::bridge::http {

/// How the client that gets a description reaches us.
struct thing_address {
  std::string origin;  ///< "http://host:port", as the client called us
  bool bearer = false; ///< a token is needed; else everything is open to it
};

inline constexpr std::string_view td_type = "application/td+json", tm_type = "application/tm+json";

/// From Host, which behind a proxy is the one its client used (admission::place).
[[nodiscard]] thing_address address_of(const request& r);

[[nodiscard]] std::string thing_path(std::string_view twin); ///< "/things/plant1:press-7"
[[nodiscard]] std::string thing_urn(std::string_view twin);  ///< "urn:pollux:plant1:press-7"
/// The twin that a path's {id} means: its id, or its URN.
[[nodiscard]] std::string twin_of_thing(std::string_view id);

/// `twin`: the twin's document. Its telemetry beyond the model is described by its present value,
/// and what people say of it (`properties`) can be written.
[[nodiscard]] json thing_description(const thing_shape& shape, const json& twin,
                                     const thing_address& at);
[[nodiscard]] json thing_model(const thing_shape& shape);
[[nodiscard]] json directory_description(const thing_address& at);

/// The name of the property that is all of what people say of a twin; telemetry of that name
/// stands in its way.
inline constexpr std::string_view said_of_twin = "properties";

} // namespace pollux::bridge::http
