/// Loops of the losses that are neither maps nor sums. Labels are checked whole numbers.
#pragma once

/// margins[n, c] = max(0, 1 + x), or max(0, 1 - x) where c is the label of row n.
void ck_hinge_margins(
    const float *x, const float *labels, long rows, long classes, float *margins);
/// gradient = factor·margin (or factor where the margin is positive, if `linear`), the sign turned
/// at the label.
void ck_hinge_backward(
    const float *margins, const float *labels, long rows, long classes, int linear, float factor,
    float *gradient);

/// gradient[n, label] = -factor / max(p, floor), 0 elsewhere.
void ck_multinomial_backward(
    const float *probability, const float *labels, long rows, long classes, float floor,
    float factor, float *gradient);

/// -Σ over labels not ignored, whose number goes to `*counted`, of
/// Σ_c infogain[label, c]·ln(max(p[c], floor)), over `[outer, channels, inner]`.
double ck_infogain_loss(
    const float *probability, const float *labels, const float *infogain, long outer,
    long channels, long inner, float floor, int has_ignored, long ignored, long *counted);
/// gradient[c] = factor·(p[c]·Σ_k infogain[label, k] - infogain[label, c]), 0 where ignored.
void ck_infogain_backward(
    const float *probability, const float *labels, const float *infogain, long outer,
    long channels, long inner, float factor, int has_ignored, long ignored, float *gradient);
