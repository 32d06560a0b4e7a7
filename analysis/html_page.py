"""The self-contained HTML page: no file beside it, nothing loaded from anywhere."""
import html
import math
import pathlib

from plotly.offline import get_plotlyjs

import sections

HERE = pathlib.Path(__file__).parent
NAVIGATION = [("findings", "Findings"), ("figures", "Figures"), ("changes", "Changes"), ("table", "Table"),
              ("conventions", "Conventions"), ("provenance", "Provenance")]
CONFIGURATIONS_CAPTION = (
    "Means over seeds, 95 % intervals below each figure. {accuracy} per group; “equal groups”: p value of the "
    "test that no group is harder than another. A column’s title sorts by it. “floor”: close to guessing.")
FOOTER = (
    "Made by fairsweep. Every number was computed by the program named above and stands in the analysis file’s tables; "
    "this page only shows them.")
FOLDED_ROWS = 12


def cell(value):
    if isinstance(value, str):
        return f'<td class="word">{html.escape(value)}</td>'
    text, small, key = value
    extra = f"<small>{'<br>'.join(html.escape(line) for line in small.splitlines())}</small>" if small else ""
    return f'<td data-value="{key if math.isfinite(key) else "NaN"}">{html.escape(text)}{extra}</td>'


def data_table(header, rows, name):
    classes = [" class=word" if isinstance(c, str) else "" for c in (rows[0] if rows else header)]
    head = "".join(f'<th scope="col"{word}><button>{html.escape(title)}</button></th>'
                   for title, word in zip(header, classes, strict=True))
    body = "\n".join("<tr>" + "".join(cell(c) for c in row) + "</tr>" for row in rows)
    return (f'<div class="scroll" tabindex="0"><table class="data" id="{name}"><thead><tr>{head}</tr></thead>'
            f"<tbody>\n{body}\n</tbody></table></div>")


def definition_list(pairs):
    return "<dl>" + "".join(f"<dt>{html.escape(n)}</dt><dd>{html.escape(t)}</dd>" for n, t in pairs) + "</dl>"


def figure_html(figure, name):
    drawn = figure.to_html(full_html=False, include_plotlyjs=False, div_id=name, default_width="100%",
                           default_height=f"{figure.layout.height}px",
                           config={"displaylogo": False, "displayModeBar": False})
    return f'<div class="plot">{drawn}</div>'


def plots_html(analysis):
    parts = []
    for s, (heading, caption, figures) in enumerate(sections.plot_sections(analysis)):
        drawn = "\n".join(figure_html(f, f"plot-{s}-{k}") for k, f in enumerate(figures))
        parts.append(f'<section><h2>{html.escape(heading)}</h2><p class="caption">{html.escape(caption)}</p>\n'
                     f'<div class="plots">{drawn}</div></section>')
    return "\n".join(parts)


def changes_html(analysis):
    """The table of changes; folded where it is long, absent where nothing has a sham twin."""
    header, rows = sections.change_table(analysis)
    if not rows:
        return '<p class="caption">No compressed network could be compared with a sham twin.</p>'
    table = data_table(header, rows, "change-table")
    if len(rows) <= FOLDED_ROWS:
        return table
    return f"<details><summary>Show the {len(rows)} rows</summary>{table}</details>"


def banner_html(analysis):
    """That the faces are drawn, and what was planted beside what was found."""
    lines = list(analysis["banner"]["text"])
    if not lines:
        return ""
    table = data_table(*sections.planted_table(analysis), "planted-table")
    paragraphs = "".join(f"<p>{html.escape(t)}</p>" for t in lines)
    return (f'<section id="planted" class="banner">{paragraphs}'
            f"<details><summary>Planted and found, group by group</summary>{table}</details></section>")


def task_html(analysis):
    """What only this task has."""
    text = ""
    for anchor, _, heading, tables in sections.task_sections(analysis):
        text += f'<section id="{anchor}"><h2>{heading}</h2>\n'
        for caption, label, name, (header, rows) in tables:
            text += f'<p class="caption">{html.escape(caption)}</p>\n<details><summary>{label}</summary>\n'
            text += f"{data_table(header, rows, name)}\n</details>\n"
        text += "</section>"
    return text


def render(analysis):
    overview = analysis.pairs_of("overview")
    facts = dict(overview)
    words = sections.words(analysis)
    name = html.escape(analysis.sweep_name)
    findings = "".join(f"<li>{html.escape(t)}</li>" for t in analysis["findings"]["text"])
    warnings = "".join(f"<p>{html.escape(t[0].upper() + t[1:])}.</p>" for t in analysis["warnings"]["text"])
    limits = "".join(f"<li>{html.escape(t)}</li>" for t in sections.limits(analysis))
    not_done = analysis.pairs_of("not_done")
    left_out = f"<summary>Points without figures: {len(not_done)}</summary>{definition_list(not_done)}"
    left_out = f"<details>{left_out}</details>" if not_done else ""
    groups = html.escape(", ".join(analysis.groups)) + (" of drawn faces" if len(analysis["banner"]) else "")
    places = [*NAVIGATION[:-2], *((anchor, short) for anchor, short, *_ in sections.task_sections(analysis)),
              *NAVIGATION[-2:]]
    navigation = " ".join(f'<a href="#{anchor}">{label}</a>' for anchor, label in places)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}: what compression does to each group</title>
<style>{(HERE / "page.css").read_text()}</style>
<script>{get_plotlyjs()}</script>
</head>
<body>
<header>
<h1>{name}: what compression does to each group</h1>
<p class="lead">Error rates of {words["name"]} for groups {groups}, with 95&nbsp;% intervals in which
{words["items"]} that share a person count as dependent.
Points: {html.escape(facts["Points"])}; seeds: {html.escape(facts["Seeds"])}.</p>
<nav>{navigation}</nav>
</header>
<main>
{banner_html(analysis)}
<section id="findings"><h2>Findings</h2>
<ol class="findings">{findings}</ol>
<div class="warnings">{warnings}{left_out}</div>
</section>
<div id="figures">
{plots_html(analysis)}
</div>
<section id="changes"><h2>What compression changed, group by group</h2>
<p class="caption">{html.escape(sections.CHANGES_CAPTION.format(items=words["items"]))}</p>
{changes_html(analysis)}
</section>
<section id="table"><h2>All configurations</h2>
<p class="caption">{CONFIGURATIONS_CAPTION.format(accuracy=words["accuracy"].capitalize())}</p>
{data_table(*sections.configuration_table(analysis), "configurations")}
<details><summary>Every point (single seeds)</summary>
{data_table(*sections.point_table(analysis), "points")}
</details>
</section>
{task_html(analysis)}
<section id="conventions"><h2>Conventions and limits</h2>
<ul>{limits}</ul>
<details open><summary>How every figure is made</summary>
{definition_list(analysis.pairs_of("conventions"))}
</details>
</section>
<section id="provenance"><h2>Provenance</h2>
{definition_list(overview)}
<details><summary>Job file</summary><pre>{html.escape(analysis.job_text)}</pre></details>
</section>
</main>
<footer>{FOOTER}</footer>
<script>{(HERE / "page.js").read_text()}</script>
</body>
</html>
"""
