// SPDX-License-Identifier: Apache-2.0
// The token of the signed-in person: kept for the tab only, never in a cookie or an address.
import { signal } from "@preact/signals";

const place = "pollux.token";

function stored(): string {
  try {
    return sessionStorage.getItem(place) ?? "";
  } catch {
    return ""; // storage may be forbidden; then the token lives as long as the page
  }
}

export const token = signal(stored());
/** Why the sign-in form is shown; empty: it is not. */
export const signInNeeded = signal("");

export function signIn(text: string) {
  token.value = text.trim();
  signInNeeded.value = "";
  try {
    sessionStorage.setItem(place, token.value);
  } catch {
    /* see above */
  }
}

export function signOut() {
  token.value = "";
  try {
    sessionStorage.removeItem(place);
  } catch {
    /* see above */
  }
}

/** For fetch; without a token the header is not sent. */
export function authorization(): Record<string, string> {
  return token.value ? { Authorization: `Bearer ${token.value}` } : {};
}
