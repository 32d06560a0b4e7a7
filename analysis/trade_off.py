"""The trade-off plot: what a smaller network costs its worst group. Drawn where the job measured latency."""
import plotly.graph_objects as go

from plots import GRID, layout, series, unusual

KIB = 1024
TICKS = [digit * 10**power for power in range(7) for digit in (1, 2, 5)]


def label(row):
    """What tells a configuration from the others of its network."""
    words = [row["arm"], f"{row['bits']} bits"]
    if row["arm"] != "dense":
        words.append(f"{row['calibration']} calibration")
    if row["sparsity"] > 0:
        words.append(f"sparsity {row['sparsity']:g}")
    return ", ".join(words + ([unusual(row)] if unusual(row) else []))


def describe(rows):
    return [f"<b>{label(row)}</b><br>worst group {row['worst_group']}: {row['worst_error_percent']:.1f} % "
            f"[{row['worst_error_percent_low']:.1f}, {row['worst_error_percent_high']:.1f}]<br>"
            f"{row['packed_bytes'] / KIB:,.0f} KiB of {row['float32_bytes'] / KIB:,.0f} in float32, "
            f"{1000 * row['image_time_s']:.2f} ms an image" for _, row in rows.iterrows()]


def error_against_size(analysis):
    """Worst group's error against the bytes of the network, a panel per architecture and training set."""
    configurations = analysis["configurations"]
    if "packed_bytes" not in configurations or not configurations["packed_bytes"].notna().any():
        return []
    configurations = configurations[configurations["packed_bytes"].notna()]
    most = max(60.0, 1.1 * configurations["worst_error_percent"].max())  # wide intervals are cut, figures are not
    top = min(most, configurations["worst_error_percent_high"].max())
    figures = []
    for (architecture, training_set), panel in configurations.groupby(["architecture", "training_set"], sort=False):
        figure = go.Figure()
        for i, arm in enumerate(("dense", "sham", "compressed")):
            rows = panel[panel["arm"] == arm].sort_values("packed_bytes")
            if len(rows):
                sizes = list(rows["packed_bytes"] / KIB)
                figure.add_trace(series(rows, "worst_error_percent", sizes, arm, i, describe(rows),
                                        connect=False, hollow=arm == "dense"))
        alone = configurations["training_set"].nunique() == 1
        title = architecture if alone else f"{architecture}, trained on {training_set}"
        layout(figure, title, "size, KiB (logarithmic)", "worst group’s error, %")
        words = [f"{tick:,}" for tick in TICKS]
        figure.update_xaxes(type="log", showgrid=True, gridcolor=GRID, tickvals=TICKS, ticktext=words)
        figure.update_yaxes(range=[0, top * 1.05])
        figures.append(figure)
    return figures
