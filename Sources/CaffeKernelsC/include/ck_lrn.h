/// Local response normalisation across channels, over `[batch, channels, size]`.
#pragma once

/// scale = k + alpha/n·Σx² over the n channels around each; output = x·scale^-beta.
/// `output` may not be `input`.
void ck_lrn(
    const float *input, long batch, long channels, long size, long n, float alpha, float beta,
    float k, float *scale, float *output);

/// Parts in which to do the backward pass, and floats of workspace that each needs.
long ck_lrn_parts(long batch, long channels, long size);
long ck_lrn_workspace(long channels);

/// input_gradient = gradient·scale^-beta - 2·alpha·beta/n·x·Σ gradient·output/scale.
void ck_lrn_backward(
    const float *gradient, const float *input, const float *output, const float *scale, long batch,
    long channels, long size, long n, float alpha, float beta, long parts,
    float *workspace, float *input_gradient);
