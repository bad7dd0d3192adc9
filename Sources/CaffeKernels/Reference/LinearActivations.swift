import CaffeKernelsC

// Piecewise linear functions. In every file of activations: buffers hold `count` values, an output
// may be one of the inputs, and `gradient` is the top's.

/// y = x where x > 0, else slope · x (`negative_slope`).
package enum ReLUKernel {
  package static func forward(
    _ input: UnsafePointer<Float>, slope: Float, count: Int,
    into output: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_RELU, input, nil, nil, slope, 0, 0, 0, count, output)
  }

  /// - Parameter input: the bottom; for a slope of 0 or more the top (in place) does as well.
  package static func backward(
    _ gradient: UnsafePointer<Float>, input: UnsafePointer<Float>, slope: Float, count: Int,
    into inputGradient: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_RELU_BACKWARD, gradient, input, nil, slope, 0, 0, 0, count, inputGradient)
  }
}

/// y = x, held within `minimum...maximum`.
package enum ClipKernel {
  package static func forward(
    _ input: UnsafePointer<Float>, minimum: Float, maximum: Float, count: Int,
    into output: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_CLIP, input, nil, nil, minimum, maximum, 0, 0, count, output)
  }

  /// The gradient passes where the input is within the limits, both included.
  package static func backward(
    _ gradient: UnsafePointer<Float>, input: UnsafePointer<Float>, minimum: Float, maximum: Float,
    count: Int,
    into inputGradient: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_CLIP_BACKWARD, gradient, input, nil, minimum, maximum, 0, 0, count, inputGradient)
  }
}

/// y = |x|; the gradient at 0 is 0.
package enum AbsValKernel {
  package static func forward(
    _ input: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_ABSOLUTE, input, nil, nil, 0, 0, 0, 0, count, output)
  }

  package static func backward(
    _ gradient: UnsafePointer<Float>, input: UnsafePointer<Float>, count: Int,
    into inputGradient: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_ABSOLUTE_BACKWARD, gradient, input, nil, 0, 0, 0, 0, count, inputGradient)
  }
}

/// y = 1 where x > threshold, else 0; no gradient.
package enum ThresholdKernel {
  package static func forward(
    _ input: UnsafePointer<Float>, threshold: Float, count: Int,
    into output: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_THRESHOLD, input, nil, nil, threshold, 0, 0, 0, count, output)
  }
}
