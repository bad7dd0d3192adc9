"""A table of text: a header, a rule, rows; the first column to the left, figures to the right."""


def text(header, rows):
    cells = [header] + [["" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = ["  ".join(cell_of(row, widths, i) for i in range(len(widths))).rstrip() for row in cells]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def cell_of(row, widths, column):
    return row[column].ljust(widths[column]) if column == 0 else row[column].rjust(widths[column])


def milliseconds(value):
    """Three digits that mean something: 0.123, 1.23, 12.3, 123."""
    if value is None:
        return None
    decimals = 3 if value < 1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{decimals}f}"


def ratio(median, low, high):
    return f"{median:.2f} ({low:.2f}–{high:.2f})"
