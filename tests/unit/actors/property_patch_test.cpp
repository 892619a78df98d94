// SPDX-License-Identifier: Apache-2.0
#include "actors/property_patch.hpp"
#include <doctest/doctest.h>

using namespace pollux;
using namespace pollux::actors;
using nlohmann::json;

namespace {

struct example {
  const char *before, *patch, *after; ///< after: nothing, refused
};

std::string outcome(const char* before, std::string_view how, const std::string& patch) {
  const auto now = patched(json::parse(before), how, patch);
  return now ? now->dump() : std::string(to_string(now.error().code));
}

} // namespace

TEST_CASE("a JSON patch does what the examples of RFC 6902 say") {
  const example all[] = {
      {R"({"foo":"bar"})", R"([{"op":"add","path":"/baz","value":"qux"}])",
       R"({"baz":"qux","foo":"bar"})"},
      {R"({"foo":["bar","baz"]})", R"([{"op":"add","path":"/foo/1","value":"qux"}])",
       R"({"foo":["bar","qux","baz"]})"},
      {R"({"baz":"qux","foo":"bar"})", R"([{"op":"remove","path":"/baz"}])", R"({"foo":"bar"})"},
      {R"({"foo":["bar","qux","baz"]})", R"([{"op":"remove","path":"/foo/1"}])",
       R"({"foo":["bar","baz"]})"},
      {R"({"baz":"qux","foo":"bar"})", R"([{"op":"replace","path":"/baz","value":"boo"}])",
       R"({"baz":"boo","foo":"bar"})"},
      {R"({"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}})",
       R"([{"op":"move","from":"/foo/waldo","path":"/qux/thud"}])",
       R"({"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}})"},
      {R"({"foo":["all","grass","cows","eat"]})",
       R"([{"op":"move","from":"/foo/1","path":"/foo/3"}])",
       R"({"foo":["all","cows","eat","grass"]})"},
      {R"({"baz":"qux","foo":["a",2,"c"]})",
       R"([{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}])",
       R"({"baz":"qux","foo":["a",2,"c"]})"},
      {R"({"baz":"qux"})", R"([{"op":"test","path":"/baz","value":"bar"}])", "conflict"},
      {R"({"foo":"bar"})", R"([{"op":"add","path":"/child","value":{"grandchild":{}}}])",
       R"({"child":{"grandchild":{}},"foo":"bar"})"},
      {R"({"foo":"bar"})", R"([{"op":"add","path":"/baz/bat","value":"qux"}])", "invalid argument"},
      {R"({"/":9,"~1":10})", R"([{"op":"test","path":"/~01","value":10}])", R"({"/":9,"~1":10})"},
      {R"({"/":9,"~1":10})", R"([{"op":"test","path":"/~01","value":"10"}])", "conflict"},
      {R"({"foo":["bar"]})", R"([{"op":"add","path":"/foo/-","value":["abc","def"]}])",
       R"({"foo":["bar",["abc","def"]]})"},
      {R"({"a":1})", R"([{"op":"copy","from":"","path":"/b"}])", R"({"a":1,"b":{"a":1}})"},
      {R"({"a":1})", R"([{"op":"remove","path":""}])", "{}"}};
  for (const auto& e : all) {
    CAPTURE(e.patch);
    CHECK(outcome(e.before, "json", e.patch) == e.after);
  }
}

TEST_CASE("a merge patch does what the examples of RFC 7396 say, where objects are concerned") {
  CHECK(outcome(R"({"a":"b"})", "merge", R"({"a":"c"})") == R"({"a":"c"})");
  CHECK(outcome(R"({"a":"b","b":"c"})", "merge", R"({"a":null})") == R"({"b":"c"})");
  CHECK(outcome(R"({"a":["b"]})", "merge", R"({"a":"c"})") == R"({"a":"c"})");
  CHECK(outcome(R"({"a":{"b":"c"}})", "merge", R"({"a":{"b":"d","c":null}})") ==
        R"({"a":{"b":"d"}})");
  CHECK(outcome(R"({})", "merge", R"({"a":{"bb":{"ccc":null}}})") == R"({"a":{"bb":{}}})");
}

TEST_CASE("a patch that does not fit is refused, and ends nothing") {
  for (const char* wrong : {R"([{"op":"add","path":"/n/x","value":1}])",
                            R"([{"op":"add","path":"/n/-","value":1}])",
                            R"([{"op":"replace","path":"/a/-","value":1}])",
                            R"([{"op":"remove","path":"/a/-"}])",
                            R"([{"op":"remove","path":"/a/01"}])",
                            R"([{"op":"add","path":"/a/3","value":1}])",
                            R"([{"op":"add","path":"/a/18446744073709551616","value":1}])",
                            R"([{"op":"move","from":"/o","path":"/o/x"}])",
                            R"([{"op":"move","from":"","path":"/o"}])",
                            R"([{"op":"copy","from":"/none","path":"/o"}])",
                            R"([{"op":"add","path":"","value":5}])",
                            R"([{"op":"add","path":"n","value":5}])",
                            R"([{"op":"add","path":"/~2","value":5}])",
                            R"([{"op":"add","path":"/x"}])",
                            R"([{"op":7,"path":"/x","value":1}])",
                            R"([{"path":"/n","value":1}])",
                            R"([{"op":"swap","path":"/n","value":1}])",
                            R"([1])",
                            R"({"op":"remove","path":"/n"})",
                            "[",
                            ""}) {
    CAPTURE(wrong);
    CHECK(outcome(R"({"n":1,"a":[1,2],"o":{}})", "json", wrong) == "invalid argument");
  }
  CHECK(outcome("{}", "merge", "[1]") == "invalid argument");
  CHECK(outcome("{}", "add", "{}") == "invalid argument");
}

TEST_CASE("copies of a document into itself end at the bounds, not at the end of the memory") {
  std::string bomb = R"([{"op":"add","path":"/a","value":{}})";
  for (int i = 0; i < 200; ++i)
    bomb += R"(,{"op":"copy","from":"","path":"/a/c)" + std::to_string(i) + R"("})";
  CHECK(outcome("{}", "json", bomb + "]") == "invalid argument");
  std::string text = R"([{"op":"add","path":"/a","value":")" + std::string(40'000, 'x') + R"("})";
  for (int i = 0; i < 200; ++i)
    text += R"(,{"op":"copy","from":"/a","path":"/c)" + std::to_string(i) + R"("})";
  CHECK(outcome("{}", "json", text + "]") == "invalid argument");
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  CHECK(outcome("{}", "merge", R"({"a":)" + deep + "}") == "invalid argument");
}
