/// Element-wise loops: out[i] = f(a[i], b[i], c[i]; k), in parallel.
#pragma once
#include <stdint.h>

/// The functions; `k` are up to four constants. Unused operands may be NULL.
enum ck_map_operation {
  CK_FILL,               ///< k0
  CK_AFFINE,             ///< k0·a + k1
  CK_AXPBY,              ///< k0·a + k1·b + k2
  CK_ADD,                ///< a + b
  CK_ADD_RELU,           ///< a + b if that is > 0, else 0
  CK_SUBTRACT,           ///< a - b
  CK_MULTIPLY,           ///< k0·a·b
  CK_MULTIPLY_ADD,       ///< k0·a·b + c
  CK_DIVIDE,             ///< k0·a / b
  CK_SQUARE_ROOT,        ///< √a
  CK_MAXIMUM,            ///< the larger of a and b; a on ties
  CK_RELU,               ///< a if a > 0, else k0·a (k0 = 0: 0, for -infinity too)
  CK_RELU_BACKWARD,      ///< a if b > 0, else k0·a; b is the input, or the output for k0 >= 0
  CK_PRELU,              ///< a if a > 0, else b·a
  CK_PRELU_BACKWARD,     ///< a if b > 0, else c·a; b is the input, c the slope
  CK_SIGMOID,            ///< 1 / (1 + e^(-k0·a))
  CK_SIGMOID_BACKWARD,   ///< a·b·(1 - b); b is the output
  CK_SIGMOID_LOSS_BACKWARD,  ///< k0·(sigmoid(a) - b), 0 where whole b = k1
  CK_TANH,               ///< tanh a
  CK_TANH_BACKWARD,      ///< a·(1 - b²); b is the output
  CK_ELU,                ///< a if a > 0, else k0·(e^a - 1)
  CK_ELU_BACKWARD,       ///< a if b > 0, else a·(c + k0); b is the input, c the output
  CK_SWISH_BACKWARD,     ///< a·(k0·b + c·(1 - k0·b)); b is the output, c the sigmoid of k0·input
  CK_CLIP,               ///< a, within k0...k1
  CK_CLIP_BACKWARD,      ///< a where b is within k0...k1, else 0
  CK_ABSOLUTE,           ///< |a|
  CK_ABSOLUTE_BACKWARD,  ///< a·sign(b)
  CK_SIGN,               ///< k0·sign(a)
  CK_BNLL,               ///< ln(1 + e^a)
  CK_BNLL_BACKWARD,      ///< a·sigmoid(b)
  CK_POWER,              ///< (k0 + k1·a)^k2; k3 = parity of k2 (0 not integral, 1 even, -1 odd)
  CK_POWER_BACKWARD,     ///< a·k1·k2·(k0 + k1·b)^(k2 - 1); k3 = parity of k2 - 1
  CK_EXP,                ///< k2·e^(k0·a + k1)
  CK_LOG,                ///< k2·ln(k0·a + k1)
  CK_LOG_BACKWARD,       ///< a·k2 / (k0·b + k1)
  CK_THRESHOLD,          ///< 1 where a > k0, else 0
  CK_BFLOAT16,           ///< a, rounded to bfloat16
  CK_MAP_COUNT
};

/// Fills `out` with the function's values. `out` may be `a`, `b` or `c`. An element's value does
/// not depend on its place, on `count` or on the thread count.
void ck_map(
    enum ck_map_operation operation, const float *a, const float *b, const float *c, float k0,
    float k1, float k2, float k3, long count, float *out);

/// Rounds to bfloat16, to nearest and ties to even; NaN stays NaN. In parallel; no overlap.
void ck_round_bfloat16(const float *values, long count, uint16_t *out);

/// The floats that are equal to the bfloat16 values. In parallel; no overlap.
void ck_widen_bfloat16(const uint16_t *values, long count, float *out);

/// Copies `count` floats that do not overlap, in parallel.
void ck_copy(const float *source, long count, float *out);
