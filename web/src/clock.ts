// SPDX-License-Identifier: Apache-2.0
// One clock for all ages on the page, so that they change together; it rests while nobody looks.
import { signal } from "@preact/signals";

export const now = signal(Date.now());
setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 1000);
