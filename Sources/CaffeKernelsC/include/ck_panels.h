/// Products of a few rows with weights that serve often, and are arranged for that once.
#pragma once

/// out[row, set, column] = Σ over i of a[row, i]·weights[set, column, i], for all rows, in parts that may be
/// worked on at the same time: each is about as many columns, of all sets.
struct ck_panels {
  long inner, sets, columns, parts;
};

/// The first column of a part; all columns for the number of parts.
long ck_panels_first_column(const struct ck_panels *panels, long part);

/// Floats that the arranged weights take, for any number of parts.
long ck_panels_count(const struct ck_panels *panels);
/// Arranges weights whose columns, those of a set after those of the set before, lie `column` floats apart,
/// and the values of a column `step`.
void ck_panels_arrange(
    const struct ck_panels *panels, const float *weights, long column, long step, float *arranged);

/// The columns of a part, on the calling thread.
///
/// `a` is `[rows, inner]`, `out` `[rows, sets, columns]`. What the sums begin with: zero where `start` is NULL,
/// else row r of `start`, which may be `out`, or row index[r] where there are indices.
void ck_panels_multiply(
    const struct ck_panels *panels, const float *a, long rows, const float *arranged, long part,
    const float *start, const float *index, float *out);
