/** The registered agents and projects, also as files. */

import { get, segment, send } from "./api.js";
import { AGENT_FIELDS, agentForm } from "./agent_form.js";
import { fromCsv } from "./csv.js";
import { h, link } from "./dom.js";
import { exportButton } from "./export.js";
import { confirm, dialog, field, form, text, toast } from "./form.js";
import { badge, money, plural, status } from "./format.js";
import { panel } from "./panel.js";
import { href, setParams } from "./router.js";
import * as session from "./session.js";
import { table } from "./table.js";
import { showDay } from "./time.js";

const canWrite = () => session.has("registry:write");

export function agentsTab({ params }) {
  const search = (event) => setParams({ q: event.target.value, "registry.page": null }, { replace: true });
  return panel({
    title: "Agents",
    hint: "What is registered here, and who was named by events",
    needs: "registry:read",
    actions: [
      canWrite() && h("button", { type: "button", class: "primary", onclick: () => agentForm() }, "Register an agent"),
      canWrite() && h("button", { type: "button", onclick: importAgents }, "Import CSV"),
      exportButton("agents", "/api/agents"),
    ],
    load: async () => {
      const { items } = await get("/api/agents");
      const words = (params.q ?? "").toLowerCase();
      const rows = items.filter((agent) =>
        [agent.id, agent.name, agent.department].some((text) => text?.toLowerCase().includes(words)),
      );
      return [
        h(
          "div",
          { class: "filters" },
          field({
            label: "Search",
            type: "search",
            id: "registry-q",
            value: params.q ?? "",
            placeholder: "name, id or department",
            class: "grow",
            oninput: search,
          }),
        ),
        rows.length > 0
          ? agentTable(rows)
          : h(
              "div",
              { class: "state" },
              h("strong", null, items.length > 0 ? "No agent matches" : "No agents yet"),
              items.length === 0 && link(href("sources"), "How to connect one"),
            ),
      ];
    },
  });
}

function agentTable(rows) {
  const amount = (name) => (agent) => (agent[name] === null ? h("span", { class: "muted" }, "–") : money(agent[name]));
  return table({
    id: "registry",
    caption: "Agents",
    rows,
    rowClass: (agent) => (agent.status === "archived" ? "dim" : null),
    columns: [
      {
        label: "Agent",
        by: (agent) => agent.name ?? agent.id,
        cell: (agent) => [
          link(href("agents", { agent: agent.id }), agent.name ?? agent.id),
          " ",
          !agent.registered && badge("not registered"),
          h("span", { class: "sub" }, [agent.name && agent.id, agent.role_title].filter(Boolean).join(" · ")),
        ],
      },
      { label: "Status", by: (agent) => agent.status, cell: (agent) => status(agent.status) },
      {
        label: "Department",
        wide: true,
        by: (agent) => agent.department,
        cell: (agent) => agent.department ?? h("span", { class: "muted" }, "–"),
      },
      {
        label: "Budget",
        num: true,
        by: (agent) => agent.cost_budget_monthly,
        cell: amount("cost_budget_monthly"),
      },
      {
        label: "Salary",
        num: true,
        wide: true,
        by: (agent) => agent.human_equivalent_salary,
        cell: amount("human_equivalent_salary"),
      },
      {
        label: "Last seen",
        num: true,
        wide: true,
        by: (agent) => agent.last_seen,
        cell: (agent) => (agent.last_seen ? showDay(agent.last_seen) : "never"),
      },
      canWrite() && {
        label: "",
        class: "row-actions",
        cell: (agent) => h("button", { type: "button", onclick: () => agentForm(agent) }, "Edit"),
      },
    ].filter(Boolean),
  });
}

/** Registers or changes the agents of a file. A column that is missing leaves the setting as it is. */
function importAgents() {
  dialog("Import agents", (close) =>
    form({
      fields: [
        h(
          "p",
          null,
          "A CSV file with a header row. The column ",
          h("code", null, "id"),
          " is needed, others are settings: ",
          h("code", null, AGENT_FIELDS.join(", ")),
          ". A column that is missing leaves a setting as it is; the export has the same columns.",
        ),
        field({ label: "File", name: "file", type: "file", accept: ".csv,text/csv", required: true }),
      ],
      action: "Import",
      submit: async (data) => {
        const rows = fromCsv(await data.get("file").text());
        if (rows.length === 0 || !("id" in rows[0])) throw new Error("The file has no rows, or no column id.");
        const { items } = await get("/api/agents");
        await putAll(rows, new Map(items.map((agent) => [agent.id, agent])));
        close();
        toast(`${plural(rows.length, "agent")} imported.`);
        setParams({}, { replace: true });
      },
    }),
  );
}

async function putAll(rows, known) {
  for (const [at, row] of rows.entries()) {
    const before = known.get(row.id) ?? {};
    const setting = (name) => (name in row ? row[name] || null : (before[name] ?? null));
    const body = Object.fromEntries(AGENT_FIELDS.map((name) => [name, setting(name)]));
    await send("PUT", `/api/agents/${segment(row.id)}`, body).catch((error) => {
      throw new Error(`Row ${at + 2}, ${row.id}: ${error.message} The rows before it are imported.`);
    });
  }
}

export function projectsTab() {
  return panel({
    title: "Projects",
    needs: "registry:read",
    actions: [
      canWrite() &&
        h("button", { type: "button", class: "primary", onclick: () => projectForm(null) }, "Register a project"),
      exportButton("projects", "/api/projects"),
    ],
    load: async () => {
      const { items } = await get("/api/projects");
      if (items.length === 0) return null;
      return table({
        id: "projects",
        caption: "Projects",
        rows: items,
        columns: [
          {
            label: "Project",
            by: (one) => one.name ?? one.id,
            cell: (one) => [h("span", { class: "name" }, one.name ?? one.id), h("span", { class: "sub" }, one.id)],
          },
          {
            label: "First seen",
            num: true,
            wide: true,
            by: (one) => one.first_seen,
            cell: (one) => (one.first_seen ? showDay(one.first_seen) : "never"),
          },
          {
            label: "Last seen",
            num: true,
            by: (one) => one.last_seen,
            cell: (one) => (one.last_seen ? showDay(one.last_seen) : "never"),
          },
          canWrite() && {
            label: "",
            class: "row-actions",
            cell: (one) => [
              h("button", { type: "button", onclick: () => projectForm(one) }, "Rename"),
              one.registered &&
                h("button", { type: "button", class: "danger", onclick: () => unregister(one) }, "Remove"),
            ],
          },
        ].filter(Boolean),
      });
    },
    empty: "No projects yet. One shows here as soon as an event names it.",
  });
}

function projectForm(project) {
  dialog(project ? "Rename the project" : "Register a project", (close) =>
    form({
      fields: [
        !project && field({ label: "Id, as events name it", name: "id", required: true }),
        field({ label: "Name", name: "name", value: project?.name ?? "", maxlength: 200 }),
      ],
      action: "Save",
      submit: async (data) => {
        const headers = project ? { "if-match": project.etag } : { "if-none-match": "*" };
        await send(
          "PUT",
          `/api/projects/${segment(project?.id ?? text(data, "id"))}`,
          { name: text(data, "name") },
          headers,
        );
        close();
        setParams({}, { replace: true });
      },
    }),
  );
}

function unregister(project) {
  confirm({
    title: `Remove the project ${project.name ?? project.id}?`,
    text: "Its usage stays, under its id.",
    action: "Remove",
    run: async () => {
      await send("DELETE", `/api/projects/${segment(project.id)}`);
      setParams({}, { replace: true });
    },
  });
}
