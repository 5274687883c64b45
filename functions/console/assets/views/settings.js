/** The organization, its agents and projects, the plan, and keys. */

import { h } from "../core/dom.js";
import { page } from "../core/panel.js";
import { href } from "../core/router.js";
import { agentsTab } from "./settings/agents.js";
import { keysTab } from "./settings/keys.js";
import { organizationTab } from "./settings/organization.js";
import { planTab } from "./settings/plan.js";
import { projectsTab } from "./settings/projects.js";

const TABS = {
  organization: ["Organization", organizationTab],
  agents: ["Agents", agentsTab],
  projects: ["Projects", projectsTab],
  plan: ["Plan", planTab],
  keys: ["Keys", keysTab],
};

export async function view({ params }) {
  const name = TABS[params.tab] ? params.tab : "organization";
  const tab = ([key, [label]]) =>
    h("a", { href: href("settings", { tab: key }), "aria-current": key === name ? "true" : null }, label);
  return page(
    { title: "Settings" },
    h("nav", { class: "segmented", "aria-label": "Settings" }, Object.entries(TABS).map(tab)),
    TABS[name][1]({ params }),
  );
}
