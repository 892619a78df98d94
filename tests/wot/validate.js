// SPDX-License-Identifier: Apache-2.0
// Holds descriptions against the official JSON schemas of TD 1.1 and TM 1.1, and against a second
// validator. Standard input: lines {"name", "kind": "td" or "tm", "text"}; out goes a line each:
// {"name", "errors": [...]}.
"use strict";
const readline = require("node:readline");
const Ajv = require("ajv");
const addFormats = require("ajv-formats");
const { tdValidator, tmValidator } = require("@thing-description-playground/core");

const ajv = new Ajv.default({ strict: false, allErrors: true, logger: false });
addFormats.default(ajv);
const official = {
  td: ajv.compile(require("wot-thing-description-types/schema/td-json-schema-validation.json")),
  tm: ajv.compile(require("wot-thing-model-types/schema/tm-json-schema-validation.json")),
};
const second = { td: tdValidator, tm: tmValidator };

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { name, kind, text } = JSON.parse(line);
    const errors = [];
    if (!official[kind](JSON.parse(text)))
      for (const e of official[kind].errors) errors.push(`schema: ${e.instancePath} ${e.message}`);
    const notes = [];
    const found = await second[kind](text, (note) => notes.push(String(note)), {
      checkDefaults: true,
      checkJsonLd: false,
      checkTmConformance: false,
    });
    for (const part of ["json", "schema", "additional"])
      if (found.report[part] === "failed") errors.push(`second validator: ${part}: ${notes.join("; ")}`);
    process.stdout.write(JSON.stringify({ name, errors }) + "\n");
  }
}

main();
