// SPDX-License-Identifier: Apache-2.0
// Is this machine fit to run a node? Disk, clock, limits, the data folder's lock, ports, broker.
#pragma once
#include "config/config.hpp"
#include "tools/pollux/doctor_finding.hpp"

namespace pollux::cli {

/// Space, kind of file system, and the latency of fsync, measured with a file of its own that is
/// removed again. Takes up to about a second.
void examine_disk(const config::settings& s, findings& out);
/// Plausible time, steady against the monotonic clock, kept by somebody, no files from the future.
void examine_clock(const config::settings& s, findings& out);
/// Open files, memory of this process and its group.
void examine_limits(const config::settings& s, findings& out);
/// Who has the data folder, and whether the ports are free if nobody does.
void examine_node(const config::settings& s, findings& out);
/// Does the broker take a TCP connection?
void examine_broker(const config::settings& s, findings& out);

} // namespace pollux::cli
