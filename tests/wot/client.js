// SPDX-License-Identifier: Apache-2.0
// The Web of Things client node-wot as it comes from npm, driven by lines of JSON on standard input:
// {"consume": address}, {"read": name}, {"write": [name, value]}, {"observe": name},
// {"subscribe": name}, {"invoke": [name, input]}, {"directory": address}. Each line is answered by
// one; what streams bring are lines of their own.
"use strict";
const readline = require("node:readline");
const { Servient } = require("@node-wot/core");
const { HttpClientFactory } = require("@node-wot/binding-http");

const tell = (line) => process.stdout.write(JSON.stringify(line) + "\n");

async function main() {
  const servient = new Servient();
  servient.addClientFactory(new HttpClientFactory());
  const wot = await servient.start();
  let thing = null;
  const orders = {
    consume: async (address) => {
      thing = await wot.consume(await wot.requestThingDescription(address));
      return thing.getThingDescription().title;
    },
    read: async (name) => (await thing.readProperty(name)).value(),
    write: async ([name, value]) => (await thing.writeProperty(name, value), true),
    observe: async (name) => {
      const failed = (error) => tell({ failed: name, why: String(error) });
      await thing.observeProperty(name, async (v) => tell({ observed: name, value: await v.value() }), failed);
      return true;
    },
    subscribe: async (name) => {
      const failed = (error) => tell({ failed: name, why: String(error) });
      await thing.subscribeEvent(name, async (v) => tell({ event: name, value: await v.value() }), failed);
      return true;
    },
    invoke: async ([name, input]) => {
      const output = await thing.invokeAction(name, input);
      return output === undefined ? null : output.value();
    },
    directory: async (address) => {
      const titles = [];
      for await (const td of await wot.exploreDirectory(address)) titles.push(td.title);
      return titles;
    },
  };
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const order = JSON.parse(line);
    const [word] = Object.keys(order);
    try {
      tell({ done: word, value: await orders[word](order[word]) });
    } catch (error) {
      tell({ done: word, error: String(error && error.message) });
    }
  }
  process.exit(0);
}

main();
