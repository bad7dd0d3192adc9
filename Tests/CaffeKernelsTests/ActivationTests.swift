import CaffeKernels
import Foundation
import Testing

/// Each activation against its formula in Double, forward and backward, apart and in place.
struct ActivationTests {
  typealias Pointer = UnsafePointer<Float>
  typealias Output = UnsafeMutablePointer<Float>

  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let range: ClosedRange<Float>
    let function: @Sendable (Double) -> Double
    let derivative: @Sendable (Double) -> Double
    let forward: @Sendable (Pointer, Int, Output) -> Void
    /// Gradient, input, output, count, input gradient.
    let backward: @Sendable (Pointer, Pointer, Pointer, Int, Output) -> Void
  }

  private static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  static let all: [Case] = [
    Case(
      testDescription: "ReLU", range: -3...3, function: { max($0, 0) },
      derivative: { $0 > 0 ? 1 : 0 },
      forward: { ReLUKernel.forward($0, slope: 0, count: $1, into: $2) },
      backward: { ReLUKernel.backward($0, input: $1, slope: 0, count: $3, into: $4) }),
    Case(
      testDescription: "leaky ReLU from the output", range: -3...3,
      function: { $0 > 0 ? $0 : 0.25 * $0 }, derivative: { $0 > 0 ? 1 : 0.25 },
      forward: { ReLUKernel.forward($0, slope: 0.25, count: $1, into: $2) },
      backward: { ReLUKernel.backward($0, input: $2, slope: 0.25, count: $3, into: $4) }),
    Case(
      testDescription: "Clip", range: -3...3, function: { min(max($0, -1), 2) },
      derivative: { (-1...2).contains($0) ? 1 : 0 },
      forward: { ClipKernel.forward($0, minimum: -1, maximum: 2, count: $1, into: $2) },
      backward: { ClipKernel.backward($0, input: $1, minimum: -1, maximum: 2, count: $3, into: $4) }
    ),
    Case(
      testDescription: "AbsVal", range: -3...3, function: { abs($0) },
      derivative: { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 },
      forward: { AbsValKernel.forward($0, count: $1, into: $2) },
      backward: { AbsValKernel.backward($0, input: $1, count: $3, into: $4) }),
    Case(
      testDescription: "Sigmoid", range: -9...9, function: sigmoid,
      derivative: { sigmoid($0) * (1 - sigmoid($0)) },
      forward: { SigmoidKernel.forward($0, count: $1, into: $2) },
      backward: { SigmoidKernel.backward($0, output: $2, count: $3, into: $4) }),
    Case(
      testDescription: "TanH", range: -5...5, function: { tanh($0) },
      derivative: { 1 - tanh($0) * tanh($0) },
      forward: { TanHKernel.forward($0, count: $1, into: $2) },
      backward: { TanHKernel.backward($0, output: $2, count: $3, into: $4) }),
    Case(
      testDescription: "ELU", range: -5...5, function: { $0 > 0 ? $0 : 0.5 * (exp($0) - 1) },
      derivative: { $0 > 0 ? 1 : 0.5 * exp($0) },
      forward: { ELUKernel.forward($0, alpha: 0.5, count: $1, into: $2) },
      backward: { ELUKernel.backward($0, input: $1, output: $2, alpha: 0.5, count: $3, into: $4) }),
    Case(
      testDescription: "BNLL", range: -60...60, function: { max($0, 0) + log1p(exp(-abs($0))) },
      derivative: sigmoid, forward: { BNLLKernel.forward($0, count: $1, into: $2) },
      backward: { BNLLKernel.backward($0, input: $1, count: $3, into: $4) }),
    Case(
      testDescription: "Exp base 2", range: -2...2, function: { pow(2, 0.5 + 3 * $0) },
      derivative: { 3 * log(2) * pow(2, 0.5 + 3 * $0) },
      forward: { ExpKernel.forward($0, base: 2, scale: 3, shift: 0.5, count: $1, into: $2) },
      backward: { ExpKernel.backward($0, output: $2, base: 2, scale: 3, count: $3, into: $4) }),
    Case(
      testDescription: "Log base 10", range: 0...9, function: { log10(1 + 2 * $0) },
      derivative: { 2 / (log(10) * (1 + 2 * $0)) },
      forward: { LogKernel.forward($0, base: 10, scale: 2, shift: 1, count: $1, into: $2) },
      backward: {
        LogKernel.backward($0, input: $1, base: 10, scale: 2, shift: 1, count: $3, into: $4)
      }),
    power(0, range: -3...3), power(1, range: -3...3), power(2, range: -3...3),
    power(3, range: -3...3), power(0.37, range: 0.2...3), power(-1.5, range: 0.2...3),
  ]

  private static func power(_ power: Float, range: ClosedRange<Float>) -> Case {
    let p = Double(power)
    return Case(
      testDescription: "Power \(power)", range: range, function: { pow(0.25 + 0.5 * $0, p) },
      derivative: { p == 0 ? 0 : p * 0.5 * pow(0.25 + 0.5 * $0, p - 1) },
      forward: {
        PowerKernel.forward($0, power: power, scale: 0.5, shift: 0.25, count: $1, into: $2)
      },
      backward: {
        PowerKernel.backward(
          $0, input: $1, power: power, scale: 0.5, shift: 0.25, count: $3, into: $4)
      })
  }

  @Test(arguments: all) func matchesItsFormula(_ c: Case) {
    for count in [1, 37, 20_011] {
      let (input, gradient) = (numbers(count, in: c.range), numbers(count, seed: 2))
      let expected = input.map { c.function(Double($0)) }
      let slopes = zip(gradient, input).map { Double($0) * c.derivative(Double($1)) }
      Machine.each { machine in
        let result = output(count) { c.forward(input, count, $0) }
        expectClose(result, expected, within: 2e-6, machine)
        let inPlace = output(count, initial: input) { c.forward($0, count, $0) }
        #expect(inPlace == result)
        // Derivatives made from outputs inherit the outputs' rounding.
        let back = output(count) { c.backward(gradient, input, result, count, $0) }
        expectClose(back, slopes, within: 5e-6, machine)
        let backInPlace = output(count, initial: gradient) {
          c.backward($0, input, result, count, $0)
        }
        #expect(backInPlace == back)
      }
    }
  }

  @Test(arguments: all) func nanStaysNaN(_ c: Case) {
    guard c.testDescription != "Power 0.0" else { return }  // NaN⁰ = 1, as in C
    let input = [Float](repeating: .nan, count: 19)
    #expect(output(19) { c.forward(input, 19, $0) }.allSatisfy { $0.isNaN })
  }

  @Test func reluOfInfinityIsNotNaN() {
    let input: [Float] = [-.infinity, .infinity, -0.0, 0]
    #expect(
      output(4) { ReLUKernel.forward(input, slope: 0, count: 4, into: $0) } == [0, .infinity, 0, 0])
  }

  @Test func thresholdIsStrict() {
    let result = output(4) {
      ThresholdKernel.forward([0.4, 0.5, 0.6, .nan], threshold: 0.5, count: 4, into: $0)
    }
    #expect(result == [0, 0, 1, 0])
  }

  @Test func swishMatchesItsFormula() {
    let (input, gradient) = (numbers(1003, in: -8...8), numbers(1003, seed: 2))
    let beta = 1.5
    Machine.each { machine in
      var sigmoid = [Float](repeating: 0, count: 1003)
      let result = output(1003) {
        SwishKernel.forward(input, beta: 1.5, count: 1003, sigmoid: &sigmoid, into: $0)
      }
      expectClose(
        result, input.map { Double($0) * Self.sigmoid(beta * Double($0)) }, within: 1e-6, machine)
      let back = output(1003) {
        SwishKernel.backward(
          gradient, output: result, sigmoid: sigmoid, beta: 1.5, count: 1003, into: $0)
      }
      let slopes = zip(gradient, input).map { (g, x) -> Double in
        let (x, s) = (Double(x), Self.sigmoid(beta * Double(x)))
        return Double(g) * (s + beta * x * s * (1 - s))
      }
      expectClose(back, slopes, within: 5e-6, machine)
    }
  }

  @Test(arguments: [(3, 5, 1), (2, 300, 1), (2, 3, 11), (4, 1, 33)])
  func preluHasASlopePerChannel(outer: Int, channels: Int, inner: Int) {
    let count = outer * channels * inner
    let (input, gradient) = (numbers(count), numbers(count, seed: 2))
    let slope = numbers(channels, in: 0...1, seed: 3)
    func channel(_ i: Int) -> Int { i / inner % channels }
    var sums = [Double](repeating: 1, count: channels)
    for i in 0..<count where input[i] <= 0 {
      sums[channel(i)] += Double(gradient[i]) * Double(input[i])
    }
    Machine.each { machine in
      let result = output(count) {
        PReLUKernel.forward(
          input, slope: slope, outer: outer, channels: channels, inner: inner, into: $0)
      }
      let expected = input.enumerated().map { i, x in Double(x > 0 ? x : slope[channel(i)] * x) }
      expectClose(result, expected, within: 1e-6, machine)
      let back = output(count) {
        PReLUKernel.backward(
          gradient, input: input, slope: slope, outer: outer, channels: channels, inner: inner,
          into: $0)
      }
      let slopes = input.enumerated().map { i, x in
        Double(gradient[i] * (x > 0 ? 1 : slope[channel(i)]))
      }
      expectClose(back, slopes, within: 1e-6, machine)
      let slopeSums = output(channels, initial: Array(repeating: 1, count: channels)) {
        PReLUKernel.backwardSlope(
          gradient, input: input, outer: outer, channels: channels, inner: inner, addingTo: $0)
      }
      expectClose(slopeSums, sums, within: 1e-5, machine)
    }
  }
}
