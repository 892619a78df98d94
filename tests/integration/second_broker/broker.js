// SPDX-License-Identifier: Apache-2.0
// aedes as it comes, on the port of the first argument. Sessions are in memory: they outlive a
// subscriber, not the broker.
'use strict'

const net = require('net')
const aedes = require('aedes')()

const server = net.createServer(aedes.handle)
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('ready'))
process.on('SIGTERM', () => process.exit(0))
