// SPDX-License-Identifier: Apache-2.0
// How the node's allocator behaves. jemalloc keeps blocks of one size together, so that the halves
// windows outgrow can be used again for other sizes: see docs/decisions/0015.
// One arena: threads have caches of their own, and nothing is allocated for a reading. What is free
// goes back to the system after a second, by a thread of the allocator.

// read by jemalloc at its start, under this very name
extern "C" const char* malloc_conf;
const char* malloc_conf = "narenas:1,dirty_decay_ms:1000,muzzy_decay_ms:0,background_thread:true";
