"""What the page says, apart from its form: headings, texts, plots and tables, in order. HTML and Markdown share it."""
import math

import plots

LIMITS = [
    "All thresholds were chosen on the evaluation pairs themselves: the accuracies are slightly optimistic, and no figure here is an out-of-sample guarantee.",
    "A change against sham is what compression did to the same fine-tune; every other difference is an association.",
    "Real calibration data are people the network was trained on, synthetic ones are not: source of the data and familiarity with the people change together.",
    "STD and SER alone can mislead: when all groups fail, SER falls. Read them beside the worst group's error.",
    "With few seeds the intervals speak about these trained networks more than about the procedure in general.",
]


def number(value, digits):
    return "–" if not math.isfinite(value) else f"{value:.{digits}f}"


def interval(row, name, digits):
    low, high = row[name + "_low"], row[name + "_high"]
    return "" if not math.isfinite(low) else f"[{low:.{digits}f}, {high:.{digits}f}]"


def network_table(analysis, table, groups_table, key):
    """Header, and rows of cells; a cell is text, or (text, small text, number to sort by)."""
    groups = {k: rows for k, rows in groups_table.groupby(key, sort=False, dropna=False)}
    varying = table["training_set"].nunique() > 1
    header = ["Network"] + (["Trained on"] if varying else []) + ["Arm", "Bits", "Calibration", "Sparsity", "Seeds"]
    header += [f"{g}, %" for g in analysis.groups] + ["Avg, %", "STD, points", "SER", "Worst group's error, %"]
    rows = []
    for index, row in table.iterrows():
        cells = [row["architecture"]] + ([row["training_set"]] if varying else [])
        cells += [row["arm"], (row["bits"], "", row["weight_bits"]), "–" if row["arm"] == "dense" else row["calibration"],
                  (f"{row['sparsity']:g}", plots.unusual(row), row["sparsity"]), row["seed_list"]]
        mine = groups[tuple(row[k] for k in key) if len(key) > 1 else (row[key[0]],)]
        for _, group in mine.iterrows():
            floor = " floor" if group["floor"] else ""
            cells.append((number(group["accuracy_percent"], 2) + floor, interval(group, "accuracy_percent", 1), group["accuracy_percent"]))
        cells.append((number(row["average_percent"], 2), interval(row, "average_percent", 1), row["average_percent"]))
        cells.append((number(row["std_points"], 2), interval(row, "std_points", 2), row["std_points"]))
        cells.append((number(row["ser"], 2), interval(row, "ser", 2), row["ser"]))
        cells.append((f"{row['worst_group']} {number(row['worst_error_percent'], 1)}", interval(row, "worst_error_percent", 1), row["worst_error_percent"]))
        rows.append(cells)
    return header, rows


CONFIGURATION_KEY = ["architecture", "training_set", "arm", "bits", "calibration", "sparsity", "pruning", "distillation", "baseline_recipe", "finetune_recipe"]


def configuration_table(analysis):
    return network_table(analysis, analysis["configurations"], analysis["configuration_groups"], CONFIGURATION_KEY)


def point_table(analysis):
    return network_table(analysis, analysis["points"], analysis["groups"], ["point"])


def rate_table(analysis):
    """FMR and FNMR of every group at the pooled threshold."""
    table = analysis["configuration_groups"]
    header = ["Network", "Arm", "Bits", "Calibration", "Sparsity", "Group", "FMR, %", "FNMR, %", "Accuracy at the pooled threshold, %"]
    rows = []
    for _, row in table.iterrows():
        percent = {f"{name}{end}": 100 * row[f"{name}{end}"] for name in ("fmr", "fnmr") for end in ("", "_low", "_high")}
        rows.append([row["architecture"], row["arm"], (row["bits"], "", row["weight_bits"]), "–" if row["arm"] == "dense" else row["calibration"],
                     (f"{row['sparsity']:g}", plots.unusual(row), row["sparsity"]), row["group"]] +
                    [(number(percent[n], 2), interval(percent, n, 1), percent[n]) for n in ("fmr", "fnmr")] +
                    [(number(row["accuracy_pooled_percent"], 2), interval(row, "accuracy_pooled_percent", 1), row["accuracy_pooled_percent"])])
    return header, rows


def plot_sections(analysis):
    """Heading, caption and figures of every plot section that the sweep has something for."""
    several_groups = len(analysis.groups) > 1
    sections = [("Error of each group against bits",
                 "Share of wrong decisions of the ten-fold protocol, without pruning, with 95 % intervals. Hollow: the uncompressed network. “sham”: "
                 "fine-tuned the same way with compression off; what happens from there to the right is compression.",
                 plots.error_against_bits(analysis))]
    if several_groups:
        sections += [
            ("What compression did to the gap of the worst group",
             "Change of (mean of the other groups − the group that is worst in the dense network), compressed minus sham, on the same pairs: right of zero is worse. "
             "This is the primary family: p values are adjusted by Holm.",
             plots.gap_changes(analysis)),
            ("STD over groups against bits",
             "Sample standard deviation (ddof 1) of the groups’ accuracies. Below the dotted line chance alone would explain it.",
             plots.spread_against_bits(analysis, "std_points", "STD, points", "std_no_bias_p95_points")),
            ("SER against bits",
             "Worst group’s error divided by the best group’s, logarithmic. It falls when all groups fail: read it beside the errors above.",
             plots.spread_against_bits(analysis, "ser", "SER", "ser_no_bias_p95", logarithmic=True)),
            ("Gap between groups against sparsity", "Best minus worst group’s accuracy.", plots.gap_against_sparsity(analysis)),
        ]
    return [s for s in sections if s[2]]
