// SPDX-License-Identifier: Apache-2.0
// What stands behind a twin's page as documents: its model, its Thing Description, its state. They
// are asked for with the token, which a plain link could not send.
import { useState } from "preact/hooks";
import { idPath, model as readModel, request } from "../api";
import type { Twin } from "../documents";
import { useLoad } from "../load";
import { Dialog, Failure, Loading } from "./parts";

interface Kind {
  label: string;
  address: string;
  read: () => Promise<string>;
}

async function pretty(address: string): Promise<string> {
  const text = await (await request(address, { headers: { Accept: "application/td+json, application/json" } })).text();
  return JSON.stringify(JSON.parse(text), null, 2);
}

function kinds(twin: Twin): Kind[] {
  const thing = `/things/${idPath(twin.id)}`;
  const document = `/api/v1/twins/${idPath(twin.id)}`;
  const { name, hash } = twin.model;
  return [
    {
      label: "Model",
      address: `/api/v1/models/${encodeURIComponent(name)}${hash ? `?version=${hash}` : ""}`,
      read: async () => (await readModel(name, hash)).text,
    },
    { label: "Thing Description", address: thing, read: () => pretty(thing) },
    { label: "JSON", address: document, read: () => pretty(document) },
  ];
}

function Shown({ kind, close }: { kind: Kind; close: () => void }) {
  const asked = useLoad(kind.read, [kind.address]);
  return (
    <Dialog title={kind.label} close={close} wide>
      <p class="muted mono">{kind.address}</p>
      {asked.error && !asked.data ? <Failure error={asked.error} again={asked.again} /> : null}
      {!asked.data && asked.loading && <Loading what="the document" />}
      {asked.data && (
        <pre class="payload mono" tabIndex={0} role="region" aria-label={kind.label}>
          {asked.data}
        </pre>
      )}
    </Dialog>
  );
}

export function Documents({ twin }: { twin: Twin }) {
  const [label, setLabel] = useState("");
  const all = kinds(twin);
  const open = all.find((k) => k.label === label);
  return (
    <>
      <div class="buttons" role="group" aria-label="Documents">
        {all.map((k) => (
          <button key={k.label} type="button" aria-haspopup="dialog" onClick={() => setLabel(k.label)}>
            {k.label}
          </button>
        ))}
      </div>
      {open && <Shown kind={open} close={() => setLabel("")} />}
    </>
  );
}
