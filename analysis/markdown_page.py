"""The page as Markdown: the same findings and tables, without plots. Names come from strangers' files: nothing in
them is markup."""
import html
import re

import sections

CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")
CONFIGURATIONS_CAPTION = (
    "Means over seeds with 95 % intervals; {accuracy} per group; \"equal groups\": p value of the test that no "
    "group is harder than another.")
MARKUP = re.compile(r"[\\`*_|~]|\](?=[(:\[])")  # a bracket alone is none: intervals keep theirs
BLOCK = re.compile(r"^(?=[#+=-])|(?<=^\d)(?=[.)])")  # what makes a heading, a list or a rule at the beginning of a line


def escape(text):
    """Text that Markdown shows as it is: no HTML, no emphasis, no links, no cell or line ends."""
    return html.escape(MARKUP.sub(r"\\\g<0>", CONTROL.sub(" ", text)), quote=False)


def line(text):
    """The same at the beginning of a line."""
    return BLOCK.sub(r"\\", escape(text))


def cell(value):
    if isinstance(value, str):
        return escape(value)
    return escape(f"{value[0]} {value[1]}".strip())


def data_table(header, rows):
    lines = ["| " + " | ".join(escape(h) for h in header) + " |",
             "|" + "|".join("---" if isinstance(c, str) else "---:" for c in (rows[0] if rows else header)) + "|"]
    return "\n".join(lines + ["| " + " | ".join(cell(c) for c in row) + " |" for row in rows])


def bullets(texts):
    return "\n".join(f"- {line(t)}" for t in texts)


def definitions(pairs):
    return "\n".join(f"- **{escape(name)}**: {escape(text)}" for name, text in pairs)


def banner(analysis):
    lines = list(analysis["banner"]["text"])
    if not lines:
        return ""
    return "".join(f"> {line(t)}\n>\n" for t in lines) + "\n" + data_table(*sections.planted_table(analysis)) + "\n\n"


def changes(analysis):
    header, rows = sections.change_table(analysis)
    return data_table(header, rows) if rows else "No compressed network could be compared with a sham twin."


def task_text(analysis):
    """What only this task has."""
    text = ""
    for _, _, heading, tables in sections.task_sections(analysis):
        text += f"## {heading}\n\n"
        for caption, _, _, (header, rows) in tables:
            text += f"{escape(caption)}\n\n{data_table(header, rows)}\n\n"
    return text


def render(analysis):
    not_done = analysis.pairs_of("not_done")
    left_out = "Points without figures:\n\n" + definitions(not_done) + "\n\n" if not_done else ""
    return f"""# {line(analysis.sweep_name)}: what compression does to each group

{banner(analysis)}## Findings

{bullets(analysis["findings"]["text"])}

Warnings:

{bullets(analysis["warnings"]["text"])}

{left_out}## What compression changed, group by group

{escape(sections.CHANGES_CAPTION.format(**sections.words(analysis)))}

{changes(analysis)}

## All configurations

{CONFIGURATIONS_CAPTION.format(**sections.words(analysis))}

{data_table(*sections.configuration_table(analysis))}

{task_text(analysis)}## Conventions and limits

{bullets(sections.limits(analysis))}

{definitions(analysis.pairs_of("conventions"))}

## Provenance

{definitions(analysis.pairs_of("overview"))}

<pre>
{html.escape(analysis.job_text.strip(), quote=False)}
</pre>
"""
