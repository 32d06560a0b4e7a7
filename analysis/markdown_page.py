"""The page as Markdown: the same findings and tables, without plots."""
import sections


def escape(text):
    return text.replace("|", "\\|").replace("\n", " ")


def cell(value):
    if isinstance(value, str):
        return escape(value)
    return escape(f"{value[0]} {value[1]}".strip())


def data_table(header, rows):
    lines = ["| " + " | ".join(escape(h) for h in header) + " |",
             "|" + "|".join("---" if isinstance(c, str) else "---:" for c in (rows[0] if rows else header)) + "|"]
    return "\n".join(lines + ["| " + " | ".join(cell(c) for c in row) + " |" for row in rows])


def bullets(texts):
    return "\n".join(f"- {t}" for t in texts)


def render(analysis):
    pairs = lambda name: bullets(f"**{n}**: {escape(t)}" for n, t in analysis.pairs_of(name))
    left_out = "Points without figures:\n\n" + pairs("not_done") + "\n\n" if analysis.pairs_of("not_done") else ""
    return f"""# {analysis.sweep_name}: what compression does to each group

## Findings

{bullets(analysis["findings"]["text"])}

Warnings:

{bullets(analysis["warnings"]["text"])}

{left_out}## All configurations

Means over seeds with 95 % intervals; ten-fold accuracy per group.

{data_table(*sections.configuration_table(analysis))}

## FMR and FNMR at one threshold for all groups

{data_table(*sections.rate_table(analysis))}

## Conventions and limits

{bullets(sections.LIMITS)}

{pairs("conventions")}

## Provenance

{pairs("overview")}

```
{analysis.job_text.strip()}
```
"""
