/// Local response normalisation across channels, over blobs whose channels lie in runs.
#pragma once

/// y = x·scale^-beta, scale = k + alpha·Σx² over the `n` channels around each one (n is 3 or 5), of
/// `[items, runs, cells, run]`. Channels that fill up the last run are zeros, and stay so.
struct ck_packed_lrn {
  long items, runs, cells, run, n;
  float alpha, beta, k;
};

/// Parts in which to do a pass, and floats of workspace that each needs.
long ck_lrn_packed_parts(const struct ck_packed_lrn *lrn);
long ck_lrn_packed_workspace(const struct ck_packed_lrn *lrn);

/// `y` may not be `x`.
void ck_lrn_packed(
    const struct ck_packed_lrn *lrn, const float *x, long parts, float *workspace, float *y);

/// dx = dy·scale^-beta - 2·alpha·beta·x·Σ dy·y/scale; it may be `dy`.
void ck_lrn_packed_backward(
    const struct ck_packed_lrn *lrn, const float *dy, const float *x, long parts,
    float *workspace, float *dx);
