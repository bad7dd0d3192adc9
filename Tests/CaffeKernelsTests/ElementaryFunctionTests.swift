import CaffeKernels
import Foundation
import Testing

/// The vectorised exp, log, tanh, sigmoid, softplus and power against Double's libm.
struct ElementaryFunctionTests {
  /// Floats spread over all bit patterns: every sign, exponent and class.
  static let everywhere: [Float] =
    stride(from: UInt32(0), to: UInt32.max - 65536, by: 65521).map { Float(bitPattern: $0) }
    + [0, -0.0, .infinity, -.infinity, .nan, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 1]
  /// Where the functions do something.
  static let nearby = numbers(50_001, in: -110...95) + numbers(20_001, in: -1...1, seed: 2)

  /// The largest distance from the true value, in units of the last place of its float.
  private func worst(
    _ inputs: [Float], _ function: (Double) -> Double,
    _ kernel: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
  ) -> (error: Double, input: Float) {
    let outputs = output(inputs.count) { kernel(inputs, $0) }
    var worst = (error: 0.0, input: Float.nan)
    for (x, y) in zip(inputs, outputs) {
      let truth = function(Double(x))
      let rounded = Float(truth)
      if y == rounded || y.isNaN && rounded.isNaN { continue }
      let unit = rounded.isFinite ? Double(rounded.ulp) : Double(Float.greatestFiniteMagnitude.ulp)
      let error = abs(Double(y) - truth) / unit
      if !(error <= worst.error) { worst = (error.isNaN ? .infinity : error, x) }
    }
    return worst
  }

  private func expectAccurate(
    _ name: String, within ulps: Double, _ inputs: [Float], _ function: (Double) -> Double,
    _ kernel: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
  ) {
    let (error, input) = worst(inputs, function, kernel)
    #expect(error <= ulps, "\(name)(\(input)) is \(error) ulp off")
  }

  @Test func functionsAreWithinAFewUnitsOfTheLastPlace() {
    let inputs = Self.everywhere + Self.nearby
    let count = inputs.count
    Machine.each { machine in
      expectAccurate("exp, \(machine)", within: 1.5, inputs, exp) {
        ExpKernel.forward($0, base: -1, scale: 1, shift: 0, count: count, into: $1)
      }
      expectAccurate("log, \(machine)", within: 1.5, inputs, { $0 < 0 ? .nan : log($0) }) {
        LogKernel.forward($0, base: -1, scale: 1, shift: 0, count: count, into: $1)
      }
      expectAccurate("tanh, \(machine)", within: 2.5, inputs, tanh) {
        TanHKernel.forward($0, count: count, into: $1)
      }
      expectAccurate("sigmoid, \(machine)", within: 3, inputs, { 1 / (1 + exp(-$0)) }) {
        SigmoidKernel.forward($0, count: count, into: $1)
      }
      expectAccurate(
        "softplus, \(machine)", within: 3, inputs,
        { x in
          x.isNaN ? x : max(x, 0) + log1p(exp(-abs(x)))
        }
      ) { BNLLKernel.forward($0, count: count, into: $1) }
    }
  }

  /// The layer computes shift + x first, which turns -0 into 0.
  @Test(arguments: [-0.75, 0.5, 2, 3, -1, -2, 2.5, 0.1, 7, -3.3] as [Float])
  func powersAreCorrectlyRounded(power: Float) {
    let inputs = Self.everywhere + Self.nearby
    Machine.each { machine in
      expectAccurate("x^\(power), \(machine)", within: 0.6, inputs, { pow(0 + $0, Double(power)) })
      {
        PowerKernel.forward($0, power: power, scale: 1, shift: 0, count: inputs.count, into: $1)
      }
    }
  }
}
