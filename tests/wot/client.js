// SPDX-License-Identifier: Apache-2.0
// The Web of Things client node-wot as it comes from npm, driven by lines of JSON on standard input:
// {"consume": address} or {"consume": {"td": description, "token": bearer token}}, {"read": name},
// {"write": [name, value]}, {"observe": name}, {"subscribe": name} (both also [name, variables]),
// {"invoke": [name, input]}, {"directory": address}, {"everything": address}: all events of all
// things of a directory. Each line is answered by one; what streams bring are lines of their own.
"use strict";
const readline = require("node:readline");
const { Servient } = require("@node-wot/core");
const { HttpClientFactory, HttpsClientFactory } = require("@node-wot/binding-http");

const tell = (line) => process.stdout.write(JSON.stringify(line) + "\n");

async function main() {
  const servient = new Servient();
  servient.addClientFactory(new HttpClientFactory());
  servient.addClientFactory(new HttpsClientFactory({ allowSelfSigned: true }));
  const wot = await servient.start();
  let thing = null;
  const described = async (what) => {
    if (typeof what === "string") return wot.requestThingDescription(what);
    servient.addCredentials({ [what.td.id]: { token: what.token } });
    return what.td;
  };
  const named = (what) => (Array.isArray(what) ? { name: what[0], uriVariables: what[1] } : { name: what });
  const orders = {
    consume: async (what) => {
      thing = await wot.consume(await described(what));
      return thing.getThingDescription().title;
    },
    read: async (name) => (await thing.readProperty(name)).value(),
    write: async ([name, value]) => (await thing.writeProperty(name, value), true),
    observe: async (what) => {
      const { name, ...options } = named(what);
      const failed = (error) => tell({ failed: name, why: String(error) });
      const told = async (v) => tell({ observed: name, value: await v.value() });
      await thing.observeProperty(name, told, failed, options);
      return true;
    },
    subscribe: async (what) => {
      const { name, ...options } = named(what);
      const failed = (error) => tell({ failed: name, why: String(error) });
      const told = async (v) => tell({ event: name, value: await v.value() });
      await thing.subscribeEvent(name, told, failed, options);
      return true;
    },
    everything: async (address) => {
      let count = 0;
      for await (const td of await wot.exploreDirectory(address)) {
        const one = await wot.consume(td);
        for (const name of Object.keys(td.events || {})) {
          await one.subscribeEvent(name, async (v) => tell({ event: name, value: await v.value() }));
          ++count;
        }
      }
      return count;
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
