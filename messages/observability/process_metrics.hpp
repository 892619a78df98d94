// SPDX-License-Identifier: Apache-2.0
// The standard process_* metrics of this process, read from the kernel when rendered.
#pragma once
#include "messages/observability/prometheus_text.hpp"

namespace pollux::messages {

/// CPU, memory, file descriptors, threads, start time. What the kernel does not tell is left out.
/// Cost: a few reads of /proc, well under a millisecond.
void append_process_metrics(prometheus_text& out);

} // namespace pollux::messages
