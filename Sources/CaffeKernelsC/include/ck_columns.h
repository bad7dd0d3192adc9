/// The same columns of all rows of a matrix.
#pragma once

/// `count` columns from `first` on, of `rows` rows of `stride` columns.
struct ck_columns {
  long rows, stride, first, count;
};
