// SPDX-License-Identifier: Apache-2.0
// aedes on the port of the first argument. Sessions are in memory: they outlive a subscriber, not
// the broker.
'use strict'

const net = require('net')
const aedes = require('aedes')()

// aedes numbers its packets from a random start on every connection, and so gives, once in some
// hundred reconnects, a number away that still waits for its acknowledgement. Here they go on from
// where the client's last connection was.
const lastOf = new Map()
aedes.preConnect = (client, packet, done) => {
  const last = lastOf.get(packet.clientId)
  client._nextId = last ? last._nextId : 1
  lastOf.set(packet.clientId, client)
  done(null, true)
}

const server = net.createServer(aedes.handle)
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('ready'))
process.on('SIGTERM', () => process.exit(0))
