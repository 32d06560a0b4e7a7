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
// Plots are drawn while the page is still being read: they follow the width of their frames.
const plots = [...document.querySelectorAll(".js-plotly-plot")];
const set_width = (plot, width) => { if (width > 0 && width !== plot._fullLayout.width) Plotly.relayout(plot, {width}); };
let on_paper = false;
const fit = (plot) => { if (!on_paper) set_width(plot, plot.clientWidth); };
const observer = new ResizeObserver((entries) => { for (const entry of entries) fit(entry.target.querySelector(".js-plotly-plot")); });
for (const plot of plots) { fit(plot); observer.observe(plot.closest(".plot")); }
// On paper two plots stand side by side; their frames do not have that width yet when the browser announces printing. Tables that
// are folded away on screen are unfolded.
const kPaperPlotWidthPx = 328;
const folded = [...document.querySelectorAll("#rates details:not([open]), #changes details:not([open]), #planted details:not([open])")];
window.addEventListener("beforeprint", () => {
  on_paper = true;
  for (const plot of plots) set_width(plot, kPaperPlotWidthPx);
  for (const part of folded) part.open = true;
});
window.addEventListener("afterprint", () => {
  on_paper = false;
  for (const part of folded) part.open = false;
  plots.forEach(fit);
});
