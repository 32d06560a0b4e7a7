"""What the page says, apart from its form: headings, texts, plots and tables, in order. HTML and Markdown share it."""
import math

import plots
import trade_off

# What the page says of a task: its name, its items, how a decision is made, and a limit of its own.
TASKS = {
    "verification": {
        "name": "face verification", "items": "pairs", "decisions": "wrong decisions of the ten-fold protocol",
        "accuracy": "ten-fold accuracy",
        "limits": ["All thresholds were chosen on the evaluation pairs themselves: the accuracies are slightly "
                   "optimistic, and no figure here is an out-of-sample guarantee."]},
    "classification": {
        "name": "classification", "items": "images", "decisions": "images that are given another class than theirs",
        "accuracy": "accuracy", "limits": []},
}
LIMITS = [
    "A change against sham is what compression did to the same fine-tune; every other difference is an association.",
    "Real calibration data are people the network was trained on, synthetic ones are not: source of the data and "
    "familiarity with the people change together.",
    "STD and SER alone can mislead: when all groups fail, SER falls. Read them beside the worst group's error.",
    "With few seeds the intervals speak about these trained networks more than about the procedure in general.",
]


def words(analysis):
    return TASKS[analysis.task]


def limits(analysis):
    return words(analysis)["limits"] + LIMITS


def number(value, digits):
    return "–" if not math.isfinite(value) else f"{value:.{digits}f}"


def interval(row, name, digits):
    low, high = row[name + "_low"], row[name + "_high"]
    return "" if not math.isfinite(low) else f"[{low:.{digits}f}, {high:.{digits}f}]"


def probability(value):
    return "–" if not math.isfinite(value) else "< 0.001" if value < 0.001 else f"{value:.2g}"


def spread(row):
    """Interval of STD, and the test that no group is harder than another."""
    lines = [interval(row, "std_points", 2)]
    if math.isfinite(row["homogeneity_p"]):
        lines.append(f"equal groups: p {probability(row['homogeneity_p'])}")
    return "\n".join(line for line in lines if line)


def figure_cell(row, name, digits, interval_digits=1, before="", after=""):
    """A figure with its interval in small, sorted by the figure."""
    return (before + number(row[name], digits) + after, interval(row, name, interval_digits), row[name])


def bits_cell(row):
    return (row["bits"], "", row["weight_bits"])


def sparsity_cell(row, words):
    """The sparsity, with further words on the compression in small."""
    return (f"{row['sparsity']:g}", words, row["sparsity"])


def calibration_of(row):
    return "–" if row["arm"] == "dense" else row["calibration"]


AXES = ["architecture", "training_set", "arm", "bits", "calibration", "sparsity", "pruning", "distillation"]
RECIPES = ["baseline_recipe", "finetune_recipe", "compression_recipe"]
CONFIGURATION_KEY = AXES + RECIPES


def unusual(row, alike):
    """Axes that names leave out where they have their usual value; recipes too where rows are alike in all axes."""
    return "\n".join(t for t in (plots.unusual(row), plots.recipe_text(row) if alike else "") if t)


def network_table(analysis, table, groups_table, key):
    """Header, and rows of cells; a cell is text, or (text, small text, number to sort by)."""
    groups = {k: rows for k, rows in groups_table.groupby(key, sort=False, dropna=False)}  # noqa: C416 (dict() fails)
    alike = table.duplicated([a for a in [*AXES, "seed"] if a in table], keep=False)
    varying = table["training_set"].nunique() > 1
    header = ["Network"] + (["Trained on"] if varying else []) + ["Arm", "Bits", "Calibration", "Sparsity", "Seeds"]
    header += [f"{g}, %" for g in analysis.groups] + ["Avg, %", "STD, points", "SER", "Worst group's error, %"]
    rows = []
    for index, row in table.iterrows():
        cells = [row["architecture"]] + ([row["training_set"]] if varying else [])
        cells += [row["arm"], bits_cell(row), calibration_of(row), sparsity_cell(row, unusual(row, alike[index])),
                  str(row["seed"]) if "seed" in row else row["seed_list"]]
        mine = groups[tuple(row[k] for k in key) if len(key) > 1 else (row[key[0]],)]
        for _, group in mine.iterrows():
            cells.append(figure_cell(group, "accuracy_percent", 2, after=" floor" if group["floor"] else ""))
        cells.append(figure_cell(row, "average_percent", 2))
        cells.append((number(row["std_points"], 2), spread(row), row["std_points"]))
        cells.append(figure_cell(row, "ser", 2, interval_digits=2))
        cells.append(figure_cell(row, "worst_error_percent", 1, before=f"{row['worst_group']} "))
        rows.append(cells)
    return header, rows


def configuration_table(analysis):
    return network_table(analysis, analysis["configurations"], analysis["configuration_groups"], CONFIGURATION_KEY)


def point_table(analysis):
    return network_table(analysis, analysis["points"], analysis["groups"], ["point"])


def rate_table(analysis):
    """FMR and FNMR of every group at the pooled threshold."""
    table = analysis["configuration_groups"]
    header = ["Network", "Arm", "Bits", "Calibration", "Sparsity", "Group"]
    header += ["FMR, %", "FNMR, %", "Accuracy at the pooled threshold, %"]
    rows = []
    for _, row in table.iterrows():
        percent = {name + end: 100 * row[f"{name}_fraction{end}"]
                   for name in ("fmr", "fnmr") for end in ("", "_low", "_high")}
        rows.append([row["architecture"], row["arm"], bits_cell(row), calibration_of(row),
                     sparsity_cell(row, plots.unusual(row)), row["group"], figure_cell(percent, "fmr", 2),
                     figure_cell(percent, "fnmr", 2), figure_cell(row, "accuracy_pooled_percent", 2)])
    return header, rows


def signed(value):
    """"+1.2", "-0.4", "0.0": no sign where it rounds to zero."""
    return "0.0" if abs(value) < 0.05 else f"{value:+.1f}"


def signed_range(row, name):
    low, high = row[name + "_low"], row[name + "_high"]
    return f"[{signed(low)}, {signed(high)}]" if math.isfinite(low) else ""


def change_text(row):
    """A change with its interval and adjusted p value; sorted by the change."""
    if row is None:
        return ("–", "", math.nan)
    limits = [signed_range(row, "change_points"), f"p {probability(row['p_adjusted'])}"]
    if math.isfinite(row["change_points_simultaneous_low"]):
        limits.append(f"family {signed_range(row, 'change_points_simultaneous')}")
    return (signed(row["change_points"]), "\n".join(t for t in limits if t), row["change_points"])


def change_table(analysis):
    """What compression did to every group: compressed minus sham, one row per compressed configuration."""
    table = analysis["contrasts"]
    table = table[table["kind"] == "compressed - sham"]
    axes = [a for a in CONFIGURATION_KEY if a != "arm"]
    shown = [a for a in AXES if a != "arm"]
    configurations = table[axes].drop_duplicates()
    varying = table["training_set"].nunique() > 1
    header = ["Network"] + (["Trained on"] if varying else []) + ["Bits", "Calibration", "Sparsity", "Seeds"]
    header += ["Gap", *analysis.groups, "Average", "Note"]
    rows = []
    for _, mine in table.groupby(axes, sort=False, dropna=False):
        first = mine.iloc[0]
        alike = (configurations[shown] == first[shown]).all(axis=1).sum() > 1
        found = {(r["metric"], r["group"]): r for _, r in mine.iterrows()}
        gap = next((r for (metric, _), r in found.items() if metric == "gap"), None)
        text, small, key = change_text(gap)
        cells = [first["architecture"]] + ([first["training_set"]] if varying else [])
        cells += [bits_cell(first), first["calibration"], sparsity_cell(first, unusual(first, alike)),
                  (str(first["n_seeds"]), "", first["n_seeds"]),
                  (text if gap is None else f"{gap['group']} {text}", small, key)]
        cells += [change_text(found.get(("accuracy", g))) for g in analysis.groups]
        cells += [change_text(found.get(("average", "all"))), "" if first["note"] == "none" else first["note"]]
        rows.append(cells)
    return header, rows


def planted_table(analysis):
    """Planted and measured difficulty side by side; no rows where nothing is known to be planted."""
    header = ["Group", "Planted: hardest is 1", "Identity spread", "Picture noise", "Found: most errors is 1"]
    header += ["Mean error, %"]
    rows = [[r["group"], (str(r["planted_rank"]), "", r["planted_rank"]),
             (f"{r['identity_spread']:g}", "", r["identity_spread"]),
             (f"{r['noise_multiplier']:g}", "", r["noise_multiplier"]),
             (str(r["measured_rank"]), "", r["measured_rank"]),
             (number(r["error_percent"], 1), "", r["error_percent"])] for _, r in analysis["planted"].iterrows()]
    return header, rows


CHANGES_CAPTION = (
    "Compressed minus sham, on the same {items}, in percentage points: 95 % interval of each change by itself, "
    "adjusted p, and (family) limits that hold for all primary changes together. Gap: (mean of the other groups − the "
    "group that is worst in the dense network); above zero is worse; the primary family, adjusted by Holm. The other "
    "columns are accuracies, of each group and of all on average: below zero is worse; exploratory, adjusted by "
    "Benjamini and Hochberg.")
RATES_CAPTION = (
    "The pooled threshold has the highest accuracy over all groups together. It was chosen on these pairs; the "
    "intervals count how far the rates move with it.")
INDICES_CAPTION = (
    "Fairness indices at the pooled threshold, with 95 % intervals, and what chance alone stays within in 95 % of "
    "cases. FDR and the inequity rate are fair at 1, GARBE at 0. Undefined where a group expects too few errors.")


def index_table(analysis):
    """FDR, inequity rate and GARBE with intervals and with what chance alone gives."""
    header = ["Network", "Arm", "Bits", "Calibration", "Sparsity", "FDR", "Inequity rate", "GARBE"]
    rows = []
    for _, row in analysis["configurations"].iterrows():
        cells = [row["architecture"], row["arm"], bits_cell(row), calibration_of(row),
                 sparsity_cell(row, plots.unusual(row))]
        for name in ("fdr", "inequity_rate", "garbe"):
            chance = row[name + "_no_bias_p95"]
            beside = f"\nchance {number(chance, 3)}" if math.isfinite(chance) else ""
            cells.append((number(row[name], 3), interval(row, name, 3) + beside, row[name]))
        rows.append(cells)
    return header, rows


RECALLS_CAPTION = (
    "Share of the images of a class that are given that class, in every group, with 95 % intervals.")


def recall_table(analysis):
    """Recall of every class in every group: one row per configuration and group."""
    table = analysis["configuration_classes"]
    classes = list(dict.fromkeys(table["class"]))
    header = ["Network", "Arm", "Bits", "Calibration", "Sparsity", "Group", *[f"{c}, %" for c in classes]]
    rows = []
    for _, mine in table.groupby([*CONFIGURATION_KEY, "group"], sort=False, dropna=False):
        first = mine.iloc[0]
        of_class = {r["class"]: r for _, r in mine.iterrows()}
        rows.append([first["architecture"], first["arm"], bits_cell(first), calibration_of(first),
                     sparsity_cell(first, plots.unusual(first)), first["group"],
                     *[figure_cell(of_class[c], "recall_percent", 1) for c in classes]])
    return header, rows


def task_sections(analysis):
    """What only this task has: anchor, word of the navigation, heading, and tables (caption, label, id, content)."""
    if analysis.task == "verification":
        return [("rates", "FMR and FNMR", "FMR and FNMR at one threshold for all groups",
                 [(RATES_CAPTION, "Show the table", "rate-table", rate_table(analysis)),
                  (INDICES_CAPTION, "Show the indices", "index-table", index_table(analysis))])]
    return [("recalls", "Classes", "Recall of every class",
             [(RECALLS_CAPTION, "Show the table", "recall-table", recall_table(analysis))])]


def plot_sections(analysis):
    """Heading, caption and figures of every plot section that the sweep has something for."""
    several_groups = len(analysis.groups) > 1
    sections = [("Error of each group against bits",
                 f"Share of {words(analysis)['decisions']}, without pruning, with 95 % intervals. Hollow: the "
                 "uncompressed network. “sham”: fine-tuned the same way with compression off; what happens from there "
                 "to the right is compression.",
                 plots.error_against_bits(analysis))]
    if several_groups:
        sections += [
            ("What compression did to the gap of the worst group",
             "Change of (mean of the other groups − the group that is worst in the dense network), compressed minus "
             f"sham, on the same {words(analysis)['items']}: right of zero is worse. This is the primary family: p "
             "values are adjusted by Holm.",
             plots.gap_changes(analysis)),
            ("STD over groups against bits",
             "Sample standard deviation (ddof 1) of the groups’ accuracies. Below the dotted line chance alone would "
             "explain it.",
             plots.spread_against_bits(analysis, "std_points", "STD, points", "std_no_bias_p95_points")),
            ("SER against bits",
             "Worst group’s error divided by the best group’s, logarithmic. It falls when all groups fail: read it "
             "beside the errors above.",
             plots.spread_against_bits(analysis, "ser", "SER", "ser_no_bias_p95", logarithmic=True)),
            ("Gap between groups against sparsity", "Best minus worst group’s accuracy.",
             plots.gap_against_sparsity(analysis)),
        ]
    sections.append(("Error against size",
                     "Error of the worst group against the bytes of the network with codes at their bits (latency "
                     "stages); hover for the time of an image. The uncompressed network is hollow.",
                     trade_off.error_against_size(analysis)))
    return [s for s in sections if s[2]]
