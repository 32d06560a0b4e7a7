"""The plots of the page, as plotly figures. Colours are those of Okabe and Ito, told apart by symbols as well."""
import math

import plotly.graph_objects as go

COLOURS = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#999999"]
SYMBOLS = ["circle", "square", "diamond", "triangle-up", "cross", "star", "x", "pentagon"]
DASHES = ["solid", "dash", "dot", "dashdot"]
INK = "#1b1f24"
GRID = "#e3e6ea"
UNCLEAR = "#7a828c"
FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"

PANEL_AXES = ["architecture", "training_set", "calibration", "distillation", "baseline_recipe", "finetune_recipe"]
AXIS_NAMES = {"baseline_recipe": "baseline", "finetune_recipe": "fine-tune", "training_set": "trained on",
              "panel_recipe": "compression"}


def colour(index):
    return COLOURS[index % len(COLOURS)]


def faint(hex_colour, opacity):
    r, g, b = (int(hex_colour[i:i + 2], 16) for i in (1, 3, 5))
    return f"rgba({r},{g},{b},{opacity})"


def clean(value):
    return None if value is None or (isinstance(value, float) and not math.isfinite(value)) else value


def layout(figure, title, x_title, y_title, height=380):
    figure.update_layout(
        title=dict(text=title, font=dict(size=15), x=0, xref="container", xanchor="left", pad=dict(l=8)),
        font=dict(family=FONT, size=13, color=INK), height=height, margin=dict(l=56, r=12, t=48, b=92),
        paper_bgcolor="white", plot_bgcolor="white", hovermode="closest",
        legend=dict(orientation="h", yanchor="top", y=-0.24, x=0, xanchor="left", itemwidth=30))
    both = dict(linecolor="#8a929c", zeroline=False, fixedrange=True)
    figure.update_xaxes(title=dict(text=x_title, standoff=8), showgrid=False, ticks="outside", **both)
    figure.update_yaxes(title=dict(text=y_title, standoff=6), gridcolor=GRID, **both)
    return figure


def lengths(lows, highs):
    """Of error bars: from each low to its high; nothing where one of both is missing."""
    ends = [(clean(low), clean(high)) for low, high in zip(lows, highs, strict=True)]
    return [None if low is None or high is None else max(0.0, high - low) for low, high in ends]


def series(rows, figure_name, x, name, index, text, count=1, dash="solid", connect=True, hollow=False,
           show_legend=True):
    """Points with 95 % intervals, connected; series beside each other so that bars do not hide one another."""
    shift = (index - (count - 1) / 2) * 0.08
    value = [clean(v) for v in rows[figure_name]]
    ink = colour(index)
    return go.Scatter(
        x=[p + shift for p in x], y=value, name=name, legendgroup=name, showlegend=show_legend,
        mode="lines+markers" if connect else "markers", line=dict(color=ink, width=2, dash=dash),
        marker=dict(color="white" if hollow else ink, size=8, symbol=SYMBOLS[index % len(SYMBOLS)],
                    line=dict(color=ink, width=2)),
        error_y=dict(type="data", symmetric=False, array=lengths(value, rows[figure_name + "_high"]),
                     arrayminus=lengths(rows[figure_name + "_low"], value), thickness=1.2, width=3,
                     color=faint(ink, 0.65)),
        text=text, hovertemplate="%{text}<extra></extra>")


def bits_order(configurations):
    """Widths from wide to narrow."""
    widths = configurations[["bits", "weight_bits", "activation_bits"]].drop_duplicates()
    return list(widths.sort_values(["weight_bits", "activation_bits"], ascending=False)["bits"])


def loss_of(distillation):
    """The loss of a distillation: a chain and the loss alone share their sham."""
    return distillation.removesuffix("-chain")


def panel_recipes(configurations):
    """With a column `panel_recipe`: the compression recipe where networks that are equal in all axes have several, else
    "none"."""
    compressed = configurations[configurations["arm"] == "compressed"]
    alike = compressed.groupby([*PANEL_AXES, "bits", "sparsity", "pruning"], dropna=False)
    several = len(compressed) > 0 and alike["compression_recipe"].nunique().gt(1).any()
    return configurations.assign(panel_recipe=configurations["compression_recipe"] if several else "none")


def axis_words(axis, value):
    """How a title names the value of an axis."""
    if axis == "architecture":
        return value
    return f"{value} calibration" if axis == "calibration" else f"{AXIS_NAMES.get(axis, axis)} {value}"


def panels(configurations, axes=None):
    """Values, title and rows per combination of everything that is no x axis of a plot; only what varies is named. The
    sham is part of every panel that it is the twin of."""
    axes = axes or PANEL_AXES
    configurations = panel_recipes(configurations)
    keys = [*axes, "panel_recipe"]
    compared = configurations[configurations["arm"] == "compressed"]
    compared = compared if len(compared) else configurations[configurations["arm"] == "sham"]
    varying = [a for a in keys if compared[a].nunique() > 1]
    for key, _ in compared.groupby(keys, sort=False, dropna=False):
        values = dict(zip(keys, key, strict=True))
        rows = in_panel(configurations, values)
        recipes = recipe_words(rows, compared)
        named = [a for a in varying or ["architecture"] if not (recipes and a.endswith("_recipe"))]
        title = ", ".join([axis_words(a, values[a]) for a in named] + recipes)
        yield values, title or values["architecture"], rows


def recipe_words(rows, compared):
    """What a panel's recipe is, where keys of the recipe are axes of the sweep: "finetune_lr 0.05"."""
    axes = [a for a in compared.columns if a.startswith("recipe.") and compared[a].nunique(dropna=False) > 1]
    mine = rows[rows["arm"] != "sham"] if (rows["arm"] != "sham").any() else rows
    return [f"{a.removeprefix('recipe.')} {mine[a].iloc[0]}" for a in axes]


def baselines(table, values):
    """The dense rows that belong to a panel."""
    chosen = table["arm"] == "dense"
    for axis in ("architecture", "training_set", "baseline_recipe"):
        chosen &= table[axis] == values[axis]
    return table[chosen]


def in_panel(table, values):
    """The compressed rows of a panel and the sham that they are compared with."""
    table = table if "panel_recipe" in table else panel_recipes(table)
    sham = table["arm"] == "sham"
    chosen = table["arm"] != "dense"
    for axis, value in values.items():
        if axis == "distillation":
            chosen &= (table[axis] == value) | (sham & (table[axis] == loss_of(value)))
        elif axis == "panel_recipe":
            chosen &= sham | (table[axis] == value)
        else:
            chosen &= table[axis] == value
    return table[chosen]


def describe(name, rows, figure_name, unit, digits=1):
    return [f"<b>{name}</b>, {r['arm']}, {r['bits']} bits<br>{r[figure_name]:.{digits}f}{unit} "
            f"[{r[figure_name + '_low']:.{digits}f}, {r[figure_name + '_high']:.{digits}f}]"
            for _, r in rows.iterrows()]


def by_bits(rows, order):
    """The rows from wide to narrow, with their place `at` on the axis; 0 is the dense network's."""
    return rows.assign(at=lambda table: table["bits"].map(order.index) + 1).sort_values("at")


def bits_axis(figure, order):
    labels = ["dense"] + ["sham" if b == "32" else b for b in order]
    figure.update_xaxes(tickvals=list(range(len(labels))), ticktext=labels, range=[-0.5, len(labels) - 0.5])


def error_against_bits(analysis):
    """Error of every group against bits at the lowest sparsity; sham is the 32-bit point, dense stands apart."""
    table = analysis["configuration_groups"]
    order = bits_order(table)
    top = 5 * math.ceil(min(max(60.0, 1.1 * table["error_percent"].max()), table["error_percent_high"].max()) / 5)
    count = len(analysis.groups)
    figures = []
    for values, title, rows in panels(analysis["configurations"]):
        sparsity = rows["sparsity"].min()
        panel = in_panel(table, values)
        panel = panel[panel["sparsity"] == sparsity]
        dense = baselines(table, values)
        figure = go.Figure()
        for i, group in enumerate(analysis.groups):
            name = f"group {group}"
            mine = by_bits(panel[panel["group"] == group], order)
            figure.add_trace(series(mine, "error_percent", mine["at"], name, i,
                                    describe(name, mine, "error_percent", " %"), count=count,
                                    dash=DASHES[i % len(DASHES)]))
            before = dense[dense["group"] == group]
            figure.add_trace(series(before, "error_percent", [0] * len(before), name, i,
                                    describe(name, before, "error_percent", " %"), count=count, connect=False,
                                    hollow=True, show_legend=False))
        layout(figure, title, "bits (sham: fine-tuned at 32)", "error, %")
        bits_axis(figure, order)
        figure.update_yaxes(range=[0, top])
        figure.add_vline(x=0.5, line=dict(color=GRID, width=1))
        figures.append(figure)
    return figures


def no_bias_line(rows, no_bias):
    """What chance alone stays within."""
    return go.Scatter(
        x=list(rows["at"]), y=[clean(v) for v in rows[no_bias]], name="no bias, 95th percentile", mode="lines",
        line=dict(color=UNCLEAR, width=1.5, dash="dot"),
        hovertemplate="no bias: below %{y:.2f} in 95 % of cases<extra></extra>")


def spread_against_bits(analysis, figure_name, y_title, no_bias, logarithmic=False):
    """STD or SER against bits, one line per calibration, with what chance alone would give."""
    configurations = analysis["configurations"]
    order = bits_order(configurations)
    calibrations = list(dict.fromkeys(configurations[configurations["arm"] != "dense"]["calibration"]))
    figures = []
    for values, title, rows in panels(configurations, [a for a in PANEL_AXES if a != "calibration"]):
        least_pruned = rows[rows["sparsity"] == rows["sparsity"].min()]
        figure = go.Figure()
        for i, calibration in enumerate(calibrations):
            name = f"{calibration} calibration"
            mine = by_bits(least_pruned[least_pruned["calibration"] == calibration], order)
            if mine.empty:
                continue
            figure.add_trace(series(mine, figure_name, mine["at"], name, i, describe(name, mine, figure_name, "", 2),
                                    count=len(calibrations), dash=DASHES[i % len(DASHES)]))
            if i == 0:
                figure.add_trace(no_bias_line(mine, no_bias))
        dense = baselines(configurations, values)
        figure.add_trace(series(dense, figure_name, [0] * len(dense), "dense", 6,
                                describe("dense", dense, figure_name, "", 2), count=13, connect=False, hollow=True))
        layout(figure, title, "bits (sham: fine-tuned at 32)", y_title)
        bits_axis(figure, order)
        if logarithmic:
            figure.update_yaxes(type="log", tickvals=[1, 2, 3, 5, 10, 20, 50], dtick=None)
        else:
            figure.update_yaxes(rangemode="tozero")
        figures.append(figure)
    return figures


def unusual(row):
    """Axes that names leave out where they have their usual value: how a point was pruned and distilled."""
    usual = ("none", "global", "embedding", "logits")
    return ", ".join(value for value in (row["pruning"], row["distillation"]) if value not in usual)


def recipe_text(row):
    """For rows that are equal in all axes: the first digits of their recipes (baseline/fine-tune/compression)."""
    return "recipe " + "/".join(row[f"{part}_recipe"][:4] for part in ("baseline", "finetune", "compression"))


def gap_against_sparsity(analysis):
    """Largest gap between groups against sparsity, one line per width and way of pruning."""
    configurations = analysis["configurations"]
    if configurations["sparsity"].nunique() < 2:
        return []
    order = bits_order(configurations)
    levels = sorted(configurations["sparsity"].unique())
    top = configurations["gap_points_high"].max()
    figures = []
    for values, title, _ in panels(configurations):
        panel = in_panel(configurations, values)
        figure = go.Figure()
        ways = [w for w in dict.fromkeys(panel["pruning"]) if w != "none"]
        for i, (bits, way) in enumerate((b, w) for b in order for w in ways):
            mine = panel[(panel["bits"] == bits) & panel["pruning"].isin(["none", way])].sort_values("sparsity")
            line = f"{bits} bits" + (f", {way}" if len(ways) > 1 else "")
            described = describe(line, mine, "gap_points", " points")
            text = [t.replace("<br>", f", sparsity {s:g}<br>", 1)
                    for t, s in zip(described, mine["sparsity"], strict=True)]
            figure.add_trace(series(mine, "gap_points", [levels.index(s) for s in mine["sparsity"]], line, i, text,
                                    count=len(order) * len(ways), dash=DASHES[i % len(DASHES)]))
        layout(figure, title, "sparsity", "largest gap, points")
        figure.update_xaxes(tickvals=list(range(len(levels))), ticktext=[f"{s:g}" for s in levels],
                            range=[-0.5, len(levels) - 0.5])
        figure.update_yaxes(range=[0, top * 1.05])
        figures.append(figure)
    return figures


def change_names(rows):
    """A name for every row; rows that are equal in all axes are told apart by their recipes."""
    several = rows["calibration"].nunique() > 1
    names = []
    for _, row in rows.iterrows():
        words = [row["calibration"]] if several else []
        words.append(f"{row['bits']} bits")
        if row["sparsity"] > 0:
            words.append(f"pruned {row['sparsity']:g}")
        if unusual(row):
            words.append(unusual(row))
        names.append(", ".join(words))
    recipes = [recipe_text(row) for _, row in rows.iterrows()]
    return [n if names.count(n) == 1 else f"{n}, {recipe}" for n, recipe in zip(names, recipes, strict=True)]


def change_text(name, row):
    """What is shown over a change."""
    note = "" if row["note"] == "none" else f"; {row['note']}"
    return (f"<b>{name}</b><br>{row['change_points']:+.1f} points "
            f"[{row['change_points_low']:+.1f}, {row['change_points_high']:+.1f}]<br>"
            f"group {row['group']}, adjusted p {row['p_adjusted']:.2g}{note}")


def change_marks(rows, names, is_clear):
    """The changes that are clear of chance, or those that are not, with their intervals; the first row on top."""
    chosen = [k for k, p in enumerate(rows["p_adjusted"]) if (p < 0.05) == is_clear]
    mine = rows.iloc[chosen]
    ink = COLOURS[3] if is_clear else UNCLEAR
    return go.Scatter(
        x=mine["change_points"], y=[len(names) - 1 - k for k in chosen], mode="markers",
        name="adjusted p < 0.05" if is_clear else "not clear of chance",
        marker=dict(size=8, color=ink if is_clear else "white", symbol="circle", line=dict(color=ink, width=2)),
        error_x=dict(type="data", symmetric=False, array=mine["change_points_high"] - mine["change_points"],
                     arrayminus=mine["change_points"] - mine["change_points_low"], thickness=1.4, width=0, color=ink),
        text=[change_text(names[k], row) for k, (_, row) in zip(chosen, mine.iterrows(), strict=True)],
        hovertemplate="%{text}<extra></extra>")


def gap_changes(analysis):
    """The primary family: change of the worst dense group's gap against the sham twin."""
    table = analysis["contrasts"]
    family = table[table["family"] == "primary"]
    one_set = family["training_set"].nunique() == 1
    figures = []
    for (architecture, training_set), unsorted in family.groupby(["architecture", "training_set"], sort=False):
        rows = unsorted.sort_values(["calibration", "weight_bits", "sparsity"], ascending=[True, False, True])
        names = change_names(rows)
        figure = go.Figure([change_marks(rows, names, is_clear) for is_clear in (True, False)])
        layout(figure, architecture if one_set else f"{architecture}, trained on {training_set}", "change, points", "",
               height=150 + 24 * len(names))
        figure.update_layout(margin=dict(l=150, r=12, t=48, b=96), legend=dict(y=-70 / max(1, 24 * len(names))))
        figure.update_yaxes(tickvals=list(range(len(names))), ticktext=names[::-1], range=[-0.7, len(names) - 0.3],
                            gridcolor="#f3f4f6")
        figure.update_xaxes(showgrid=True, gridcolor=GRID)
        figure.add_vline(x=0, line=dict(color=INK, width=1))
        figures.append(figure)
    return figures
