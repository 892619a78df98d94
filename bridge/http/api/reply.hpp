// SPDX-License-Identifier: Apache-2.0
// Answers of the API: JSON documents, pages, tags, and problems that say what is wrong with a body
// or a query.
#pragma once
#include "bridge/http/message.hpp"
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::bridge::http {

using json = nlohmann::ordered_json;

/// What is wrong with one member ("#/ttl") of a body, or one word ("?limit") of a query.
struct complaint {
  std::string pointer, detail;
};

/// problem+json with `errors`; status 400 for bodies and queries.
[[nodiscard]] response problem(unsigned status, std::string_view detail,
                               const std::vector<complaint>& errors);

[[nodiscard]] response json_reply(const json& document, unsigned status = 200);
/// The same of JSON that is text already.
[[nodiscard]] response document_reply(std::string document, unsigned status = 200);
[[nodiscard]] response no_content();

/// JSON of a text from the node, or null when it is none.
[[nodiscard]] json parse_document(const std::string& text);
/// Replaces bytes that are no UTF-8.
[[nodiscard]] std::string dump(const json& document);
[[nodiscard]] json time_or_null(std::int64_t time_ns);

/// RFC 9110, 13.1.2: a list of tags or "*", compared weakly. `tag` with the ending of a compressed
/// answer (dressing.hpp) names it, too: it is the same state of the same thing.
[[nodiscard]] bool names_tag(std::string_view header, std::string_view tag);
[[nodiscard]] std::string revision_tag(std::uint64_t revision); ///< "rev:42", with its quotes
/// Sets ETag; a request that has this tag gets 304 without the body.
[[nodiscard]] response tagged(response r, const request& asked, const std::string& tag);
[[nodiscard]] response tagged(response r, std::string_view if_none_match, const std::string& tag);

/// {"items":[...],"next":...}; `next` is a cursor, empty: that was all. With one, a Link header
/// leads to the next page.
[[nodiscard]] response page_reply(const request& asked, json document, const std::string& next);

/// Everything but letters, digits and -._~ as %XX; ':' stays in paths.
[[nodiscard]] std::string percent_encode(std::string_view text, bool in_path);

} // namespace pollux::bridge::http
