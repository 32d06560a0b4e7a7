"use strict";
// Sorting by a column: numbers by data-value, words by their text. A second click turns the order round.
for (const table of document.querySelectorAll("table.data")) {
  table.tHead.addEventListener("click", (event) => {
    const header = event.target.closest("th");
    if (!header) return;
    const column = header.cellIndex;
    const ascending = header.getAttribute("aria-sort") !== "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const key = (row) => {
      const cell = row.cells[column];
      return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
    };
    const compare = (a, b) => {
      const x = key(a), y = key(b);
      if (typeof x === "string") return x.localeCompare(y);
      return (Number.isNaN(x) ? Infinity : x) - (Number.isNaN(y) ? Infinity : y);
    };
    const rows = [...table.tBodies[0].rows].sort((a, b) => (ascending ? compare(a, b) : compare(b, a)));
    table.tBodies[0].append(...rows);
  });
}
// Plots are drawn while the page is still being read: they follow the width of their frames, on screen and on paper.
const plots = [...document.querySelectorAll(".js-plotly-plot")];
const fit = (plot) => { if (plot.clientWidth > 0 && plot.clientWidth !== plot._fullLayout.width) Plotly.relayout(plot, {width: plot.clientWidth}); };
const observer = new ResizeObserver((entries) => { for (const entry of entries) fit(entry.target.querySelector(".js-plotly-plot")); });
for (const plot of plots) { fit(plot); observer.observe(plot.closest(".plot")); }
window.addEventListener("beforeprint", () => plots.forEach(fit));
window.addEventListener("afterprint", () => plots.forEach(fit));
