// The filters at the side: one of a group or another, and one of every group.

export class Filters {
  constructor(place, onChange) { this.place = place; this.onChange = onChange; this.groups = new Map(); }

  show(groups) {
    this.groups.clear();
    this.place.replaceChildren(...groups.filter(group => group.entries.length).map(group => this.section(group)));
  }

  /** The condition for the server, or "". */
  get where() {
    const parts = [...this.groups.values()].filter(chosen => chosen.size).map(chosen =>
      `(${[...chosen].map(each => `(${each})`).join(" OR ")})`);
    return parts.join(" AND ");
  }

  section({ title, entries }) {
    const section = document.createElement("section"), chosen = new Set();
    this.groups.set(title, chosen);
    section.append(Object.assign(document.createElement("h2"), { textContent: title }));
    for (const entry of entries) {
      const label = document.createElement("label"), box = Object.assign(document.createElement("input"), { type: "checkbox" });
      box.addEventListener("change", () => {
        if (box.checked) chosen.add(entry.where); else chosen.delete(entry.where);
        this.onChange();
      });
      label.append(box, Object.assign(document.createElement("span"), { textContent: entry.name }),
        Object.assign(document.createElement("small"), { textContent: entry.count.toLocaleString() }));
      section.append(label);
    }
    return section;
  }
}
