# SPDX-License-Identifier: Apache-2.0
# Does a value fit a JSON Schema (2020-12)? The keywords docs/openapi.json uses, and an error for any
# other, so that none is passed over in silence.
import re

CHECKED = {"type", "properties", "required", "additionalProperties", "items", "enum", "pattern",
           "minimum", "maximum", "minLength", "maxLength", "format", "$ref"}
TOLD = {"description", "example", "examples", "default", "title"}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
DATE_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")


def is_type(value, name):
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def resolve(root, node):
    """The node a {"$ref": "#/..."} names, or the node itself."""
    while "$ref" in node:
        found = root
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def misfits(root, schema, value, at="#"):
    """Everything that is wrong, as "pointer: words"; empty: it fits."""
    schema = resolve(root, schema)
    unknown = set(schema) - CHECKED - TOLD
    if unknown:
        raise ValueError("keywords this validator does not know: %s" % sorted(unknown))
    wrong = []
    types = schema.get("type")
    types = [types] if isinstance(types, str) else types
    if types and not any(is_type(value, t) for t in types):
        return ["%s: %r is no %s" % (at, value, " or ".join(types))]
    if "enum" in schema and value not in schema["enum"]:
        wrong.append("%s: %r is none of %s" % (at, value, schema["enum"]))
    if isinstance(value, str):
        wrong += text_misfits(schema, value, at)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if value < schema.get("minimum", value) or value > schema.get("maximum", value):
            wrong.append("%s: %r is out of range" % (at, value))
    if isinstance(value, dict):
        wrong += object_misfits(root, schema, value, at)
    if isinstance(value, list) and "items" in schema:
        for i, one in enumerate(value):
            wrong += misfits(root, schema["items"], one, "%s/%d" % (at, i))
    return wrong


def text_misfits(schema, value, at):
    wrong = []
    if "pattern" in schema and not re.search(schema["pattern"], value):
        wrong.append("%s: %r does not match %s" % (at, value, schema["pattern"]))
    if schema.get("format") == "date-time" and not DATE_TIME.match(value):
        wrong.append("%s: %r is no time" % (at, value))
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        wrong.append("%s: %d characters" % (at, len(value)))
    return wrong


def object_misfits(root, schema, value, at):
    wrong = ["%s: %s is missing" % (at, name) for name in schema.get("required", []) if name not in value]
    more = schema.get("additionalProperties", True)
    for name, one in value.items():
        where = "%s/%s" % (at, name)
        if name in schema.get("properties", {}):
            wrong += misfits(root, schema["properties"][name], one, where)
        elif more is False:
            wrong.append("%s: nobody knows this member" % where)
        elif isinstance(more, dict):
            wrong += misfits(root, more, one, where)
    return wrong
