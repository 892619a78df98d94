// SPDX-License-Identifier: Apache-2.0
#include "actors/node_inputs.hpp"
#include "domain/base/time.hpp"
#include <nlohmann/json.hpp>

namespace pollux::actors {

namespace {

constexpr std::size_t max_arguments = 32, max_command_id = 128;

status add_argument(owned_input& to, const std::string& name, const nlohmann::json& value) {
  const auto keep = [&](std::string text) -> std::string_view {
    return to.texts.emplace_back(std::move(text));
  };
  domain::field f{keep(name), {}};
  if (value.is_boolean())
    f.value = domain::value_view::of(value.get<bool>());
  else if (value.is_number_integer() &&
           !(value.is_number_unsigned() && value.get<std::uint64_t>() > std::uint64_t{INT64_MAX}))
    f.value = domain::value_view::of(value.get<std::int64_t>());
  else if (value.is_number())
    f.value = domain::value_view::of(value.get<double>());
  else if (value.is_string())
    f.value = domain::value_view::text(keep(value.get<std::string>()));
  else
    return failure{errc::invalid_argument,
                   "argument " + name + ": only numbers, texts and booleans are taken"};
  if (f.value.bytes.size() > domain::max_text_bytes)
    return failure{errc::invalid_argument, "argument " + name + ": text of more than 1 KB"};
  to.in.fields.push_back(f);
  return {};
}

} // namespace

result<std::unique_ptr<owned_input>> command_input(const messages::command_request& r,
                                                   std::int64_t now_ns) {
  if (r.id.empty() || r.id.size() > max_command_id)
    return failure{errc::invalid_argument, "a command needs an id of 1 to 128 bytes"};
  if (r.name.empty() || r.name.size() > max_command_id)
    return failure{errc::invalid_argument, "a command needs a name of 1 to 128 bytes"};
  if (r.ttl_ns < 0) return failure{errc::invalid_argument, "ttl is negative"};
  const auto arguments =
      nlohmann::json::parse(r.arguments.empty() ? "{}" : r.arguments, nullptr, false);
  if (!arguments.is_object())
    return failure{errc::invalid_argument, "the arguments of a command are one JSON object"};
  if (arguments.size() > max_arguments)
    return failure{errc::invalid_argument, "a command takes at most 32 arguments"};
  auto made = std::make_unique<owned_input>();
  made->in.kind = domain::input_kind::command_requested;
  made->in.ingest_time_ns = now_ns;
  made->in.command_id = made->texts.emplace_back(r.id);
  made->in.command_name = made->texts.emplace_back(r.name);
  made->in.by = made->texts.emplace_back(r.by);
  made->in.expires_at_ns = r.ttl_ns == 0 ? 0 : saturating_add(now_ns, r.ttl_ns);
  for (const auto& [name, value] : arguments.items())
    if (auto added = add_argument(*made, name, value); !added) return added.error();
  return made;
}

result<messages::command_answer> command_in(const std::string& twin_document,
                                            const std::string& id) {
  const auto document = nlohmann::json::parse(twin_document, nullptr, false);
  if (document.is_object() && document.contains("commands"))
    for (const auto& c : document["commands"])
      if (c.value("id", "") == id)
        return messages::command_answer{id, c.value("phase", ""), c.value("detail", ""), c.dump()};
  return failure{errc::not_found,
                 "no command " + id +
                     " of this twin (seen ids are kept for their time to live and an hour)"};
}

} // namespace pollux::actors
