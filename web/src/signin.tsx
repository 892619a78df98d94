// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { whoami } from "./api";
import { signIn, signInNeeded } from "./session";

export function SignIn() {
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState("");
  // asked once before it is used: a page full of requests with a wrong one would be taken for an attack
  const submit = async (e: Event) => {
    e.preventDefault();
    setBusy(true);
    try {
      await whoami(text.trim());
      signIn(text);
    } catch (error) {
      setRefused((error as Error).message);
      setBusy(false);
    }
  };
  return (
    <form class="card sign-in" onSubmit={(e) => void submit(e)}>
      <h1>Sign in</h1>
      <p role="alert">{refused || signInNeeded.value}</p>
      <label class="field">
        <span>Token</span>
        <input
          type="password"
          name="token"
          autocomplete="current-password"
          required
          value={text}
          onInput={(e) => setText(e.currentTarget.value)}
        />
      </label>
      <p class="muted">
        A token is made on the node with <code>pollux token create</code>. It is kept until this tab is closed.
      </p>
      <button type="submit" class="primary" disabled={busy}>
        Sign in
      </button>
    </form>
  );
}
