import CaffeKernelsC

/// Sums, products and maxima of several buffers of `count` values, element by element.
///
/// The output may be the first input, where a sum or product is wanted.
package enum EltwiseKernel {
  /// output ← Σ coefficients[k] · inputs[k]
  package static func sum(
    _ inputs: [UnsafePointer<Float>], coefficients: [Float], count: Int,
    into output: UnsafeMutablePointer<Float>
  ) {
    precondition(
      inputs.count == coefficients.count && inputs.count >= 2, "a coefficient for each input")
    Vector.combine(
      coefficients[0], inputs[0], coefficients[1], inputs[1], count: count, into: output)
    for index in 2..<inputs.count {
      Vector.addScaled(inputs[index], by: coefficients[index], count: count, into: output)
    }
  }

  /// output ← max(a + b, 0)
  package static func rectifiedSum(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int,
    into output: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_ADD_RELU, a, b, nil, 0, 0, 0, 0, count, output)
  }

  /// output ← ∏ inputs
  package static func product(
    _ inputs: [UnsafePointer<Float>], count: Int, into output: UnsafeMutablePointer<Float>
  ) {
    precondition(inputs.count >= 2, "a product of at least two inputs")
    Vector.multiply(inputs[0], inputs[1], count: count, into: output)
    for input in inputs[2...] { Vector.multiply(output, input, count: count, into: output) }
  }

  /// inputGradient ← gradient · ∏ of the inputs but `index` (`stable_prod_grad`); not in place.
  package static func productBackward(
    _ gradient: UnsafePointer<Float>, inputs: [UnsafePointer<Float>], index: Int, count: Int,
    into inputGradient: UnsafeMutablePointer<Float>
  ) {
    var source = gradient
    for other in inputs.indices where other != index {
      Vector.multiply(source, inputs[other], count: count, into: inputGradient)
      source = UnsafePointer(inputGradient)
    }
  }

  /// inputGradient ← gradient · output / input: quicker, but undefined where the input is 0.
  package static func productBackwardByDivision(
    _ gradient: UnsafePointer<Float>, output: UnsafePointer<Float>, input: UnsafePointer<Float>,
    count: Int, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    Vector.divide(output, by: input, count: count, into: inputGradient)
    Vector.multiply(inputGradient, gradient, count: count, into: inputGradient)
  }

  /// output ← the largest of the inputs; `mask` receives the index of the input it came from.
  ///
  /// Of equal inputs the first wins, but the second before the first, as in Caffe. NaN wins always.
  package static func maximum(
    _ inputs: [UnsafePointer<Float>], count: Int, mask: UnsafeMutablePointer<Int32>,
    into output: UnsafeMutablePointer<Float>
  ) {
    precondition(inputs.count >= 2, "a maximum of at least two inputs")
    ck_maximum_start(inputs[0], inputs[1], count, mask, output)
    for index in 2..<inputs.count {
      ck_maximum_continue(inputs[index], Int32(index), count, mask, output)
    }
  }

  /// inputGradient ← gradient where the maximum came from input `index`, else 0.
  package static func maximumBackward(
    _ gradient: UnsafePointer<Float>, mask: UnsafePointer<Int32>, index: Int, count: Int,
    into inputGradient: UnsafeMutablePointer<Float>
  ) {
    ck_maximum_backward(gradient, mask, Int32(index), count, inputGradient)
  }
}
