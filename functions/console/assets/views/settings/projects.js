/** The projects. */

import { getAll, segment, send } from "../../core/api.js";
import { button, h } from "../../core/dom.js";
import { exportButton } from "../../core/export.js";
import { confirm, dialog, field, form, text } from "../../core/form.js";
import { panel } from "../../core/panel.js";
import { setParams } from "../../core/router.js";
import { table } from "../../core/table.js";
import { showDay } from "../../core/time.js";
import { canWrite } from "./common.js";

export function projectsTab() {
  return panel({
    title: "Projects",
    needs: "registry:read",
    actions: [
      canWrite() && button("Register a project", () => projectForm(null), { class: "primary" }),
      exportButton("projects", "/api/projects"),
    ],
    load: async () => {
      const { items } = await getAll("/api/projects", "items");
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
              button("Rename", () => projectForm(one)),
              one.registered && button("Remove", () => unregister(one), { class: "danger" }),
            ],
          },
        ].filter(Boolean),
      });
    },
    empty: "No projects yet. A project appears here as soon as an event names it.",
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
    text: "Its usage stays.",
    action: "Remove",
    run: async () => {
      await send("DELETE", `/api/projects/${segment(project.id)}`);
      setParams({}, { replace: true });
    },
  });
}
