/// Softmax, its loss and accuracy over `[outer, channels, inner]`, along the channels.
///
/// Labels are whole numbers stored as floats, `[outer, inner]`.
#pragma once

/// output = e^(x - max) / Σ e^(x - max). `output` may be `input`.
void ck_softmax(const float *input, long outer, long channels, long inner, float *output);
/// input_gradient = (gradient - Σ gradient·output)·output. It may be `gradient`.
void ck_softmax_backward(
    const float *gradient, const float *output, long outer, long channels, long inner,
    float *input_gradient);

/// The index of the first label that is neither `ignored` nor a whole number of `0..<classes`;
/// -1 when there is none. `has_ignored` tells whether a label is to be ignored.
long ck_first_bad_label(
    const float *labels, long count, long classes, int has_ignored, long ignored);

/// Σ -ln(max(p of the label's class, floor)) over labels that are not ignored, whose number is put
/// into `*counted`.
double ck_label_loss(
    const float *probability, const float *labels, long outer, long channels, long inner,
    float floor, int has_ignored, long ignored, long *counted);

/// gradient = factor·(p - [class = label]), 0 where the label is ignored. It may be `probability`.
void ck_softmax_loss_backward(
    const float *probability, const float *labels, long outer, long channels, long inner,
    float factor, int has_ignored, long ignored, float *gradient);

/// How many labels are among the `top` best scores; a tie counts as better than the label, and a
/// NaN score is never right. `*counted` receives the number of labels not ignored. Where not NULL,
/// `hits[class]` and `seen[class]` (`channels` each) receive the same per class.
long ck_accuracy(
    const float *scores, const float *labels, long outer, long channels, long inner, long top,
    int has_ignored, long ignored, long *counted, long *hits, long *seen);
