// SPDX-License-Identifier: Apache-2.0
import "./style/base.css";
import "./style/shell.css";
import "./style/parts.css";
import "./style/forms.css";
import "./style/fleet.css";
import "./style/twin.css";
import "./style/pages.css";
import { render } from "preact";
import { Shell } from "./shell";
import { followLinks } from "./router";

document.addEventListener("click", followLinks);
const root = document.getElementById("app")!;
root.textContent = "";
render(<Shell />, root);
